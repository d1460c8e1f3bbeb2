"""Everything that the program keeps of one person: what it is, how large, and how it is erased."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tether_desktop import paths
from tether_desktop.app import lock_data_folder
from tether_desktop.errors import DataNotErased, TetherError
from tether_desktop.model.remote.keys import forget_key as forget_server_key
from tether_desktop.model.remote.servers import read_servers
from tether_desktop.stored_keys import forget_key
from tether_desktop.tools.builtin.search_providers import BRAVE_KEY, TAVILY_KEY

_MARK = r"(-damaged-[^.]*)?"
_STEMS = (
    *("settings", "tokens", "tools", "downloads", "speeds", "open-port", "window"),
    *("mcp", "mcp-allowed", "servers", "server-models", "trusted-libraries"),
)
_KINDS: tuple[tuple[str, str], ...] = (
    ("conversations, with their copies", r"tether\.db.*|import-.*"),
    ("models", r"dist"),
    ("tools of your own", r"tools"),
    ("settings, tokens and lists", rf"\.?({'|'.join(_STEMS)}){_MARK}(\.json|\.lock)+(-.*)?|chat-history.*|updates"),
    ("logs", r"logs"),
)
_LOCK = "tether.lock"


@dataclass(frozen=True, slots=True)
class OwnData:
    """One kind of what is kept.

    Attributes:
        title: what it is.
        paths: the files and folders that are it.
        size_bytes: of all of them.
    """

    title: str
    paths: tuple[Path, ...]
    size_bytes: int


def find_own_data() -> list[OwnData]:
    """What lies in the data folder and is the program's, by kind; kinds of which there is nothing are left out.

    Raises:
        DataNotErased: the folder cannot be read.
    """
    entries = _entries()
    found = []
    for title, pattern in _KINDS:
        matching = tuple(each for each in entries if re.fullmatch(pattern, each.name))
        if matching:
            found.append(OwnData(title, matching, sum(map(_size, matching))))
    return found


def erase_own_data() -> list[str]:
    """Erase all of it for good, and the keys in the system's keyring; what was left, a line each.

    What somebody else has put into the data folder stays. The whole folder goes only where nothing is left in it.

    Raises:
        AlreadyRunning: a window or service uses the data.
        DataNotErased: a file cannot be removed; what was before it is gone.
    """
    folder = paths.data_dir()
    if not folder.is_dir():
        return []
    with lock_data_folder():
        left = list(_forget_keys())
        for path in [path for kind in find_own_data() for path in kind.paths]:
            _remove(path)
    _remove(folder / _LOCK)
    strangers = _entries()
    if not strangers:
        _remove(folder)
    return left + [f"{each} is not Tether's, and stays." for each in strangers]


def _forget_keys() -> Iterator[str]:
    """Take all keys out of the keyring; a keyring that is not there has none, and its person is told."""
    for server in read_servers():
        try:
            forget_server_key(server)
        except TetherError as error:
            yield f"The key of {server.name} may still be in the keyring: {error.message}"
    for place in (BRAVE_KEY, TAVILY_KEY):
        try:
            forget_key(place)
        except TetherError:
            return  # the keyring cannot be used, so nothing could be kept in it


def _entries() -> list[Path]:
    folder = paths.data_dir()
    try:
        return sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise _not_erased(folder, error) from error


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file() and not each.is_symlink()]
    return sum(each.stat().st_size for each in files)


def _remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all in it; what a link leads to stays."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise _not_erased(Path(error.filename or path), error) from error


def _not_erased(path: Path, error: OSError) -> DataNotErased:
    message = f"{path}: {error.strerror or error}."
    return DataNotErased("Not everything could be erased", message, "Make it writable, then erase once more.")
