"""Compiled libraries: which one fits a model, by what it says of itself and never by its file name.

A library holds a JSON text that begins with ``{"tether_library"``. It is read from the file as bytes;
nothing of the library runs before it was chosen.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tether_desktop.errors import LibraryMismatch
from tether_desktop.model.cpu import isa_title

LIBRARY_FORMAT = 1
LIBRARY_FOLDER = "libs"

_REMEDY = "Compile it for this computer; for the starter model `tether models add starter` does so."
_MARKER = b'{"tether_library"'
_SUFFIXES = {".so", ".dll", ".dylib"}
_LONGEST_METADATA = 8 << 20


@dataclass(frozen=True, slots=True)
class Param:
    """A weight tensor as a library expects it and an index lists it."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What a model and a library must have in common to work together."""

    model_type: str
    quantization: str
    vocab_size: int
    hidden_size: int
    num_layers: int
    heads: int
    kv_heads: int
    head_dim: int
    norm_eps: float
    params: frozenset[Param]


@dataclass(frozen=True, slots=True)
class LibraryMetadata:
    """What a compiled library says of itself.

    Attributes:
        shape: the models it was made for.
        isa: the instruction set it needs ("avx2").
        prefill_chunk_size: prompt tokens it reads at once, at most.
        arguments: names of the weight tensors its functions take, in that order.
    """

    shape: ModelShape
    isa: str
    prefill_chunk_size: int
    arguments: tuple[str, ...]


def read_metadata(path: Path) -> LibraryMetadata | None:
    """The metadata in a library file, or None when it has none that can be understood.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return next(_metadata_texts(content), None)


def find_libraries(roots: Iterable[Path]) -> list[Path]:
    """All library files of the model folders, in a fixed order."""
    folders = (root / LIBRARY_FOLDER for root in roots)
    return sorted(
        path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.suffix in _SUFFIXES
    )


def choose_library(shape: ModelShape, libraries: Iterable[Path], isas: Sequence[str]) -> Path:
    """The library that fits a model and is best for this processor.

    Args:
        shape: of the model.
        libraries: the files to choose from.
        isas: the instruction sets this processor has, best first.

    Raises:
        LibraryMismatch: there is none, with the reason and what to do.
    """
    fitting = [(metadata.isa, path) for path, metadata in _readable(libraries) if metadata.shape == shape]
    usable = [(isas.index(isa), path) for isa, path in fitting if isa in isas]
    if usable:
        return min(usable)[1]
    raise _no_library([isa for isa, _ in fitting], isas)


def _readable(libraries: Iterable[Path]) -> Iterator[tuple[Path, LibraryMetadata]]:
    for path in libraries:
        try:
            metadata = read_metadata(path)
        except OSError:
            continue
        if metadata is not None:
            yield path, metadata


def _metadata_texts(content: mmap.mmap) -> Iterator[LibraryMetadata]:
    at = content.find(_MARKER)
    while at >= 0:
        metadata = _try_parse(content[at : at + _LONGEST_METADATA])
        if metadata is not None:
            yield metadata
        at = content.find(_MARKER, at + 1)


def _try_parse(text: bytes) -> LibraryMetadata | None:
    """The metadata that a piece of a file begins with, or None when it only looked like it."""
    try:
        # Latin-1 keeps one character per byte whatever follows the text; the JSON itself is ASCII.
        fields, _ = json.JSONDecoder().raw_decode(text.decode("latin-1"))
        return _parse(fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _parse(fields: dict[str, Any]) -> LibraryMetadata:
    if fields["tether_library"] != LIBRARY_FORMAT:
        raise ValueError("a format of another version")
    shape = ModelShape(
        model_type=fields["model_type"],
        quantization=fields["quantization"],
        vocab_size=int(fields["vocab_size"]),
        hidden_size=int(fields["hidden_size"]),
        num_layers=int(fields["num_layers"]),
        heads=int(fields["num_attention_heads"]),
        kv_heads=int(fields["num_key_value_heads"]),
        head_dim=int(fields["head_dim"]),
        norm_eps=float(fields["rms_norm_eps"]),
        params=parse_params(fields["params"]),
    )
    return LibraryMetadata(shape, fields["isa"], int(fields["prefill_chunk_size"]), tuple(fields["arguments"]))


def parse_params(records: Iterable[dict[str, Any]]) -> frozenset[Param]:
    """Tensors from their JSON objects with ``name``, ``shape`` and ``dtype``.

    Raises:
        KeyError, TypeError, ValueError: one of them is not such an object.
    """
    return frozenset(
        Param(record["name"], tuple(int(size) for size in record["shape"]), record["dtype"]) for record in records
    )


def _no_library(made_for: Sequence[str], isas: Sequence[str]) -> LibraryMismatch:
    title = "No library for this computer"
    if not made_for:
        return LibraryMismatch(title, "There is no compiled library for this model.", _REMEDY)
    here = ", ".join(isa_title(isa) for isa in isas) or "none of the instruction sets we compile for"
    needed = ", ".join(sorted({isa_title(isa) for isa in made_for}))
    return LibraryMismatch(title, f"Its library is made for {needed}; this processor has {here}.", _REMEDY)
