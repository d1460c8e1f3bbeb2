"""What ELF files ask of other libraries, read from their dynamic sections."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MAGIC = b"\x7fELF\x02\x01"
"""64 bits, little end first: all that we build for."""

_GLIBC = re.compile(rb"\0GLIBC_2\.(\d+)(?=\0|\.)")
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB, _DT_SONAME = 1, 5, 14


@dataclass(frozen=True, slots=True)
class Elf:
    """One file.

    Attributes:
        soname: its own name; empty for what has none.
        needed: names of the libraries it is linked with.
    """

    soname: str
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


def read_elf(path: Path) -> Elf | None:
    """What a file says; None when it is no ELF file, or has no dynamic section."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return None
    content = path.read_bytes()
    segments = list(_segments(content))
    dynamic = next((each for each in segments if each.kind == _PT_DYNAMIC), None)
    if dynamic is None:
        return None
    entries = list(struct.iter_unpack("<QQ", content[dynamic.offset : dynamic.offset + dynamic.size]))
    table = next(value for tag, value in entries if tag == _DT_STRTAB)
    names = _file_offset(segments, table)
    found = {
        tag: [_text(content, names + value) for each, value in entries if each == tag]
        for tag in (_DT_NEEDED, _DT_SONAME)
    }
    return Elf(next(iter(found[_DT_SONAME]), ""), tuple(found[_DT_NEEDED]))


def _segments(content: bytes) -> Iterator[_Segment]:
    (start,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    for number in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", content, start + number * size)
        yield _Segment(kind, offset, address, length)


def _file_offset(segments: list[_Segment], address: int) -> int:
    for each in segments:
        if each.kind == _PT_LOAD and each.address <= address < each.address + each.size:
            return each.offset + address - each.address
    raise ValueError("the dynamic section points nowhere")


def _text(content: bytes, start: int) -> str:
    return content[start : content.index(b"\0", start)].decode()


def elf_files(folder: Path) -> dict[Path, Elf]:
    """Every ELF file below a folder; links are left out."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path: elf for path in paths if (elf := read_elf(path)) is not None}


def asked_of_the_system(folder: Path) -> dict[str, list[Path]]:
    """The libraries that files below a folder need and that do not lie there, and who needs each."""
    files = elf_files(folder)
    own = {path.name for path in folder.rglob("*") if ".so" in path.name}
    asked: dict[str, list[Path]] = {}
    for path, elf in files.items():
        for name in elf.needed:
            if name not in own:
                asked.setdefault(name, []).append(path)
    return dict(sorted(asked.items()))


def oldest_glibc(folder: Path) -> str:
    """The oldest version of glibc that everything below a folder runs with."""
    minors = (int(minor) for path in elf_files(folder) for minor in _GLIBC.findall(path.read_bytes()))
    return f"2.{max(minors)}"
