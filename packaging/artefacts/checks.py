"""What must hold of a folder before it is handed out; each check gives the lines that say what does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from artefacts.elf import asked_of_the_system
from artefacts.tree import contents

MEGABYTE = 1_000_000
LARGEST = {"lite": 90 * MEGABYTE, "full": 190 * MEGABYTE}
"""Bytes that the Debian package of an edition may have, less one."""

_FORBIDDEN = (
    (re.compile(r"libtvm_compiler|(^|/)tvm/|ziglang|libLLVM"), "the compiler"),
    (re.compile(r"(^|/)tests?/|(^|/)test_[^/]*\.py$|conftest"), "tests"),
    (re.compile(r"__pycache__|\.mypy_cache|\.ruff_cache|\.pytest_cache|\.install\.lock$"), "a cache"),
    (re.compile(r"direct_url\.json$|\.orig$|\.rej$|~$"), "a leftover"),
)
_OF_LIBC = re.compile(r"^(lib(c|m|dl|pthread|rt|resolv|util)\.so\.\d|ld-linux-x86-64\.so\.2)$")
_OVERLAP = 4096


def forbidden_files(folder: Path) -> Iterator[str]:
    """Files that no edition may have."""
    for path in contents(folder):
        name = path.relative_to(folder).as_posix()
        yield from (f"{name}: {what}" for pattern, what in _FORBIDDEN if pattern.search(name))


def machine_paths(folder: Path, traces: Iterable[str]) -> Iterator[str]:
    """Files in which the build machine can be read, by the folders it was built in."""
    wanted = [trace.encode() for trace in traces if len(trace) > 1]
    for path in contents(folder):
        if path.is_symlink():
            if path.readlink().is_absolute():
                yield f"{path.relative_to(folder)}: a link to {path.readlink()}"
        elif path.is_file():
            yield from (f"{path.relative_to(folder)}: {trace.decode()}" for trace in _found_in(path, wanted))


def unknown_libraries(folder: Path, known: Iterable[str]) -> Iterator[str]:
    """Libraries that files need, and that neither lie here nor are known to be the system's."""
    for name, users in asked_of_the_system(folder).items():
        if name not in set(known) and not _OF_LIBC.match(name):
            yield f"{name}, needed by {users[0].relative_to(folder)}"


def dead_links(folder: Path) -> Iterator[str]:
    """Links that lead nowhere, or out of the folder."""
    for path in contents(folder):
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            yield f"{path.relative_to(folder)}: leads out of the folder"
        elif path.is_symlink() and not path.exists():
            yield f"{path.relative_to(folder)}: leads nowhere"


def too_large(edition: str, package: Path) -> Iterator[str]:
    """Whether a package has more bytes than its edition may have."""
    size = package.stat().st_size
    if size >= LARGEST.get(edition, size + 1):
        yield f"{package.name}: {size / MEGABYTE:.1f} MB, and must be under {LARGEST[edition] / MEGABYTE:.0f}"


def _found_in(path: Path, wanted: list[bytes]) -> list[bytes]:
    found: list[bytes] = []
    with path.open("rb") as file:
        kept = b""
        while block := file.read(1 << 22):
            content = kept + block
            found += [trace for trace in wanted if trace in content and trace not in found]
            kept = content[-_OVERLAP:]
    return found
