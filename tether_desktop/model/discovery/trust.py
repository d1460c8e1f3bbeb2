"""Which compiled libraries may run: those compiled here, and those that the person was asked about, by SHA-256.

Those that came with the program may run where they lie, as the list says that came along.

A library is native code, which can do whatever its user can. What a person allows is the content of one file:
another file at the same place is asked about anew, and the same file elsewhere is not.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tether_desktop import paths
from tether_desktop.errors import LibraryUntrusted, ModelError
from tether_desktop.model.discovery.bundled import is_bundled

logger = logging.getLogger(__name__)

_FILE_NAME = "trusted-libraries.json"
_FORMAT = 1
_LARGEST_LIST = 4 << 20
_LOCK_S = 10.0


def trusted_path() -> Path:
    """The list of libraries that may run."""
    return paths.data_dir() / _FILE_NAME


def bundled_path() -> Path | None:
    """The list of the libraries that came with the program; None where none did."""
    folder = paths.bundled_models()
    return folder / _FILE_NAME if folder is not None else None


def write_list(folder: Path, libraries: Iterable[Path]) -> None:
    """Write the list of the libraries that a program brings along; ``folder`` is what becomes its bundled models."""
    names = {_sha256(path): {"path": path.relative_to(folder).as_posix()} for path in libraries}
    document = json.dumps({"format": _FORMAT, "libraries": names}, indent=2, sort_keys=True)
    (folder / _FILE_NAME).write_text(document + "\n", encoding="utf-8", newline="\n")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read anew only when the file looks changed.

    Raises:
        OSError: it cannot be read.
    """
    status = path.stat()
    return _known_sha256(path, status.st_size, status.st_mtime_ns, status.st_ino)


def is_trusted(path: Path) -> bool:
    """Whether a library may run, as far as can be told without reading it again.

    Raises:
        OSError: it cannot be read.
    """
    return sha256_of(path) in _entries_for(path)


def check(path: Path) -> None:
    """Read the library that is about to be loaded and make sure that it may run.

    Raises:
        LibraryUntrusted: nobody has allowed it, or it has been changed since.
        ModelError: it cannot be read.
    """
    try:
        digest = _sha256(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if digest not in _entries_for(path):
        raise untrusted(path, digest)


def add(path: Path, expected: str | None = None) -> str:
    """Let a library run from now on; its SHA-256.

    Args:
        path: a library that was compiled here, or that the person has allowed.
        expected: the SHA-256 that the person was shown.

    Raises:
        LibraryUntrusted: the file is no longer the one that was shown.
        ModelError: the library cannot be read, or the list cannot be written.
    """
    try:
        digest = _sha256(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if expected is not None and digest != expected:
        raise untrusted(path, digest)
    try:
        _record(path, digest)
    except (OSError, Timeout) as error:
        raise ModelError(
            "The library cannot be remembered",
            f"{trusted_path()} cannot be written: {error}.",
            "Free some space, or make the data folder writable.",
        ) from error
    return digest


def problem() -> str:
    """Why the list cannot be read, and nothing is trusted therefore; empty when it can."""
    try:
        _read_entries()
    except (OSError, ValueError, RecursionError) as error:
        return f"The list of libraries that may run cannot be read, so none may: {trusted_path()}: {error}."
    return ""


def untrusted(path: Path, digest: str) -> LibraryUntrusted:
    """The error of a library that nobody has allowed."""
    return LibraryUntrusted(
        "May this library run?",
        f"Its library was not compiled on this computer: {path}, SHA-256 {digest}.",
        "It is a program: load it only if you trust where it comes from. "
        "Choosing the model in the window asks, and so does `tether models trust`.",
    )


def _record(path: Path, digest: str) -> None:
    paths.make_private_folder(trusted_path().parent)
    with FileLock(trusted_path().with_suffix(".lock"), timeout=_LOCK_S):
        if problem():
            # Kept, since a person may want to see what was in it.
            trusted_path().replace(trusted_path().with_suffix(".damaged.json"))
        entries = _entries() | {digest: {"path": str(path), "since": datetime.now(UTC).isoformat(timespec="seconds")}}
        document = {"format": _FORMAT, "libraries": entries}
        paths.write_private(trusted_path(), json.dumps(document, indent=2) + "\n")


def _entries_for(library: Path) -> dict[str, Any]:
    """What holds for a library: what the person has allowed, and in the program's own folder what came with it."""
    bundled = bundled_path()
    if bundled is None or not is_bundled(library):
        return _entries()
    return {**_entries(bundled), **_entries()}


def _entries(path: Path | None = None) -> dict[str, Any]:
    try:
        return _read_entries(path)
    except (OSError, ValueError, RecursionError) as error:
        logger.warning("%s cannot be read, so it lets no library run: %s", path or trusted_path(), error)
        return {}


def _read_entries(path: Path | None = None) -> dict[str, Any]:
    path = path or trusted_path()
    if not path.exists():
        return {}
    if path.stat().st_size > _LARGEST_LIST:
        raise ValueError("it is too large")
    document = json.loads(path.read_bytes())
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ValueError("it is of another format")
    libraries = document.get("libraries")
    if not isinstance(libraries, dict):
        raise ValueError("it holds no libraries")  # noqa: TRY004  (a file's content, not an argument)
    return libraries


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError("The library cannot be read", f"{path}: {error.strerror or error}.", "Compile the model again.")


@lru_cache(maxsize=512)
def _known_sha256(path: Path, _size: int, _modified_ns: int, _inode: int) -> str:
    return _sha256(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
