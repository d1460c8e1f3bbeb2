"""Compiled libraries: which one fits a model, by what it says of itself and never by its file name.

A library of ours holds a JSON text that begins with ``{"tether_library"``. It is read from the file as bytes;
nothing of the library runs before it was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tether_desktop.errors import LibraryMismatch
from tether_desktop.model.cpu import isa_title
from tether_desktop.model.decoder_shape import DecoderShape, parse_shape
from tether_desktop.model.discovery.embedded_json import first_object

LIBRARY_FORMAT = 2
LIBRARY_FOLDER = "libs"
LIBRARY_SUFFIXES = {".so", ".dll", ".dylib"}

_REMEDY = "Compile it for this computer with `tether models compile NAME`."
_MARKER = b'{"tether_library"'
_LARGEST_METADATA = 64 << 10
_LONGEST_NAME = 64
_LARGEST_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class LibraryMetadata:
    """What a compiled library says of itself.

    Attributes:
        shape: the decoder it was made for.
        model_type: of the model that it was first compiled for; for people.
        isa: the instruction set it needs ("avx2").
        prefill_chunk_size: prompt tokens it reads at once, at most.
        arguments: names of the weight tensors its functions take, in that order.
    """

    shape: DecoderShape
    model_type: str
    isa: str
    prefill_chunk_size: int
    arguments: tuple[str, ...]


def read_metadata(path: Path) -> LibraryMetadata | None:
    """The metadata in a library file, or None when it has none that can be understood.

    Raises:
        OSError: the file cannot be read.
    """
    return first_object(path, _MARKER, _parse, _LARGEST_METADATA)


def fitting_libraries(shape: DecoderShape, libraries: Iterable[Path], isas: Sequence[str]) -> list[Path]:
    """The libraries that fit a model and this processor, the best first.

    Args:
        shape: of the model's decoder.
        libraries: the files to choose from.
        isas: the instruction sets this processor has, best first.

    Raises:
        LibraryMismatch: there is none, with the reason and what to do.
    """
    fitting = [(metadata.isa, path) for path, metadata in _readable(libraries) if metadata.shape == shape]
    usable = sorted((isas.index(isa), path) for isa, path in fitting if isa in isas)
    if not usable:
        raise _no_library([isa for isa, _ in fitting], isas)
    return [path for _, path in usable]


def _readable(libraries: Iterable[Path]) -> Iterator[tuple[Path, LibraryMetadata]]:
    for path in libraries:
        with suppress(OSError):
            status = path.stat()
            metadata = _known_metadata(path, status.st_size, status.st_mtime_ns)
            if metadata is not None:
                yield path, metadata


@lru_cache(maxsize=512)
def _known_metadata(path: Path, _size: int, _modified_ns: int) -> LibraryMetadata | None:
    return read_metadata(path)


def _parse(fields: dict[str, Any]) -> LibraryMetadata:
    if fields["tether_library"] != LIBRARY_FORMAT:
        raise ValueError("a format of another version")
    isa, model_type, chunk = fields["isa"], fields["model_type"], fields["prefill_chunk_size"]
    if not all(isinstance(text, str) and len(text) <= _LONGEST_NAME for text in (isa, model_type)):
        raise ValueError("a name that is none")
    if type(chunk) is not int or not 0 < chunk <= _LARGEST_CHUNK:
        raise ValueError("a chunk size that cannot be")
    shape, arguments = parse_shape(fields["decoder"]), tuple(fields["arguments"])
    if arguments != tuple(shape.parameters()):
        raise ValueError("arguments that are not those of its decoder")
    return LibraryMetadata(shape, model_type, isa, chunk, arguments)


def _no_library(made_for: Sequence[str], isas: Sequence[str]) -> LibraryMismatch:
    title = "No library for this computer"
    if not made_for:
        return LibraryMismatch(title, "There is no compiled library for this model.", _REMEDY)
    here = ", ".join(isa_title(isa) for isa in isas) or "none of the instruction sets we compile for"
    needed = ", ".join(sorted({isa_title(isa) for isa in made_for}))
    return LibraryMismatch(title, f"Its library is made for {needed}; this processor has {here}.", _REMEDY)
