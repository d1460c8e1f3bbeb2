"""Compiles a model folder's library: kernels for its dimensions and one instruction set."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tvm
from tvm import relax

from tether_desktop.errors import InstallError, ModelBroken
from tether_desktop.model.compiler.decoder import Decoder
from tether_desktop.model.compiler.isa import ISAS, Isa
from tether_desktop.model.compiler.linker import link_shared
from tether_desktop.model.decoder_shape import DecoderShape, shape_json, shape_of
from tether_desktop.model.discovery.library import LIBRARY_FORMAT

OnProgress = Callable[[float], None]

_LEFT_OUT = "tirx.StorageRewrite"
"""Moves what each thread of a parallel region has for itself out of the region, where they share it."""


def compile_library(model_dir: Path, isa: str, target: Path, on_progress: OnProgress) -> None:
    """Compile the library of a packed model.

    Args:
        model_dir: holds ``mlc-chat-config.json``.
        isa: a name of :data:`tether_desktop.model.cpu.ISA_TITLES`.
        target: where the shared library is written; its folder exists.
        on_progress: gets fractions 0..1.

    Raises:
        ModelBroken: the configuration cannot be read, or kernels cannot be made for it.
        InstallError: there is no linker, or it failed.
    """
    config = _read_config(model_dir)
    shape = shape_of(config)
    on_progress(0.0)
    module = _module(shape, isa, config)
    on_progress(0.1)
    executable = build_module(module, ISAS[isa])
    on_progress(0.8)
    export(executable, target)
    on_progress(1.0)


def build_module(module: tvm.IRModule, isa: Isa) -> Any:
    """Compile a module of kernels, and Relax functions that call none of them, for an instruction set."""
    with tvm.transform.PassContext(disabled_pass=[_LEFT_OUT]), isa.target as machine:
        return relax.build(module, machine, relax_pipeline=_relax_pipeline())


def _read_config(model_dir: Path) -> dict[str, Any]:
    path = model_dir / "mlc-chat-config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelBroken(
            "The model cannot be compiled", f"{path} cannot be read: {error}.", "Fetch or convert the model again."
        ) from error
    if not isinstance(config, dict):
        raise ModelBroken("The model cannot be compiled", f"{path} holds no object.", "Fetch the model again.")
    return config


def _module(shape: DecoderShape, isa: str, config: dict[str, Any]) -> tvm.IRModule:
    chunk = int(config["prefill_chunk_size"])
    decoder = Decoder(shape, ISAS[isa])
    builder = relax.BlockBuilder()
    with builder.function("_metadata", []):
        builder.emit_func_output(tvm.ir.StringImm(json.dumps(library_metadata(shape, isa, config))))
    module = builder.get()
    for name, function in (
        ("decode", decoder.decode()),
        ("prefill", decoder.prefill(chunk)),
        ("head", decoder.head(chunk)),
    ):
        module[name] = function
    return module


def library_metadata(shape: DecoderShape, isa: str, config: dict[str, Any]) -> dict[str, Any]:
    """What the library says about itself; ``tether_library`` comes first, so that a file can be searched for it."""
    return {
        "tether_library": LIBRARY_FORMAT,
        "model_type": config["model_type"],
        "isa": isa,
        "prefill_chunk_size": int(config["prefill_chunk_size"]),
        "decoder": shape_json(shape),
        "arguments": list(shape.parameters()),
    }


def _relax_pipeline() -> tvm.transform.Pass:
    """What remains of lowering when only ``_metadata`` is a Relax function."""
    passes = relax.transform
    return tvm.transform.Sequential(
        [
            passes.ToNonDataflow(),
            passes.RemovePurityChecking(),
            passes.LowerRuntimeBuiltin(),
            passes.VMShapeLower(),
            passes.AttachGlobalSymbol(),
        ]
    )


def export(executable: Any, target: Path) -> None:
    """Write what :func:`build_module` made as a shared library.

    Raises:
        InstallError: there is no linker, or it failed.
    """
    with tempfile.TemporaryDirectory(prefix="tether-link-") as folder:
        archive = Path(folder) / "objects.tar"
        try:
            executable.export_library(str(archive))
            _unpack(archive, Path(folder))
        except OSError as error:
            raise InstallError(
                "The model could not be compiled", f"Its library cannot be written: {error}.", "Free some disk space."
            ) from error
        link_shared(sorted(Path(folder).glob("*.o")), target)


def _unpack(archive: Path, folder: Path) -> None:
    """Write the archive's files; ``extractall`` takes its filter from Python 3.11.4 on, and Debian 12 has 3.11.2."""
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                (folder / Path(member.name).name).write_bytes(content.read())
