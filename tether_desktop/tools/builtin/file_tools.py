"""Lists, reads and searches files in the folders that a person has chosen."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from tether_desktop.byte_size import byte_size_text
from tether_desktop.tools.builtin.chosen_folders import ChosenFolders, Entry, Place
from tether_desktop.tools.builtin.file_search import SearchLimits, search
from tether_desktop.tools.builtin.text_content import decode, no_text, read_up_to
from tether_desktop.tools.tool import OnToolProgress

_MOST_ENTRIES = 300
_MOST_SCANNED = 100_000
_MOST_BYTES = 16 << 20
_MOST_LINES = 2_000
_MOST_CHARACTERS = 20_000


class FileTools:
    """The tools over the folders that hold when they are called."""

    def __init__(self, folders: Callable[[], ChosenFolders], limits: SearchLimits | None = None) -> None:
        self._folders = folders
        self._limits = limits or SearchLimits()

    def list_files(self, folder: str = "") -> str:
        """List the files and folders in a folder that the user has shared.

        Args:
            folder: its path, as another listing shows it; leave empty to begin at the top.
        """
        folders = self._folders()
        roots = folders.roots
        if not folder.strip(" ./\\") and len(roots) != 1:
            return _roots(roots)
        place = folders.find(folder or ".")
        found = list(islice(folders.entries(place), _MOST_SCANNED))
        shown = sorted((each for each in found if not each.hidden), key=_folders_first)
        lines = [_line(each) for each in shown[:_MOST_ENTRIES]]
        if len(shown) > len(lines):
            lines.append(f"and {len(shown) - len(lines):,} more; search_files with a pattern finds them.")
        return "\n".join([f"In {folders.shown(place)}:", *lines] if lines else [f"{folders.shown(place)} is empty."])

    def read_file(self, path: str, first_line: int = 1, lines: int = 200) -> str:
        """Read a text file that the user has shared.

        Args:
            path: of the file, as a listing or a search shows it.
            first_line: where to begin; 1 is the beginning of the file.
            lines: how many lines to read.
        """
        folders = self._folders()
        place = folders.find(path)
        with folders.open_file(place) as descriptor:
            content, whole = read_up_to(descriptor, _MOST_BYTES)
        text = decode(content, whole=whole)
        if text is None:
            raise no_text(place.parts[-1])
        return _excerpt(folders.shown(place), text, max(first_line, 1), min(max(lines, 1), _MOST_LINES), whole=whole)

    def search_files(self, progress: OnToolProgress, text: str = "", folder: str = "", pattern: str = "") -> str:
        """Find files that the user has shared, by the text in them or by their names.

        Args:
            progress: gets where the search has come to.
            text: what the files have in them; leave empty to find files by name alone.
            folder: where to search, with all folders below it; leave empty for everywhere.
            pattern: which file names, such as "*.md" or "*invoice*"; leave empty for all.
        """
        folders = self._folders()
        places = [folders.find(folder)] if folder.strip(" ./\\") else folders.roots
        return search(folders, places, text, pattern, self._limits, progress)


def _roots(roots: list[Place]) -> str:
    return "\n".join(["The shared folders are:", *(f"{place.path}/" for place in roots)])


def _folders_first(entry: Entry) -> tuple[bool, str]:
    return entry.kind != "folder", entry.name.casefold()


def _line(entry: Entry) -> str:
    name = entry.name.encode("utf-8", "replace").decode()
    if entry.kind == "folder":
        return f"{name}/"
    return f"{name} ({byte_size_text(entry.size)})" if entry.kind == "file" else f"{name} ({entry.kind})"


def _excerpt(name: str, text: str, first: int, count: int, *, whole: bool) -> str:
    every = text.removesuffix("\n").split("\n")
    if not text:
        return f"{name} is empty."
    if first > len(every):
        return f"{name} ends at line {len(every):,}."
    shown: list[str] = []
    room = _MOST_CHARACTERS
    for line in every[first - 1 : first - 1 + count]:
        if shown and len(line) >= room:
            break
        shown.append(line if len(line) < _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}…")
        room -= len(line) + 1
    last = first + len(shown) - 1
    total = f"{len(every):,}" if whole else f"more than {len(every):,}"
    heading = f"{name}, lines {first:,} to {last:,} of {total}:"
    rest = f"\n[Continue with first_line={last + 1}.]" if last < len(every) else ""
    return "\n".join([heading, *shown]) + rest
