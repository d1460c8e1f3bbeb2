"""Searches trees of files for text or names, within limits of time and number."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin.chosen_folders import ChosenFolders, Entry, Place
from tether_desktop.tools.builtin.text_content import decode, read_up_to
from tether_desktop.tools.tool import OnToolProgress

_AROUND = 100
_MOST_DEPTH = 60
_REPORT_EVERY = 50


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """Where a search ends.

    Attributes:
        hits: lines, or names.
        hits_in_a_file: of one file.
        entries: files and folders that are looked at.
        file_bytes: of a file; what comes after is not searched.
        seconds: after which it ends with what it has.
        clock: seconds that pass.
    """

    hits: int = 50
    hits_in_a_file: int = 5
    entries: int = 100_000
    file_bytes: int = 4 << 20
    seconds: float = 10.0
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Search:
    folders: ChosenFolders
    needle: str
    pattern: str
    limits: SearchLimits
    progress: OnToolProgress
    found: list[str] = field(default_factory=list)
    seen: int = 0
    unreadable: int = 0
    ended: str = ""

    def run(self, places: Sequence[Place]) -> None:
        until = self.limits.clock() + self.limits.seconds
        for place, _ in self._walk(list(reversed(places))):
            self._look(place)
            if len(self.found) >= self.limits.hits:
                self.ended = f"The first {self.limits.hits} are shown; there may be more."
            elif self.limits.clock() >= until:
                self.ended = f"The search ended after {self.limits.seconds:g} seconds; search a smaller folder."
            if self.ended:
                return

    def _walk(self, stack: list[Place]) -> Iterator[tuple[Place, Entry]]:
        """Every file that is not hidden, folder by folder, no link followed."""
        while stack:
            folder = stack.pop()
            below: list[Place] = []
            for entry in self._listed(folder):
                if entry.kind == "folder" and len(folder.parts) < _MOST_DEPTH:
                    below.append(folder.below(entry.name))
                elif entry.kind == "file":
                    yield folder.below(entry.name), entry
            stack.extend(reversed(below))

    def _listed(self, folder: Place) -> list[Entry]:
        entries: list[Entry] = []
        try:
            for entry in self.folders.entries(folder):
                self._count(folder)
                if self.ended:
                    break
                if not entry.hidden:
                    entries.append(entry)
        except ToolError:
            self.unreadable += 1
        return sorted(entries, key=lambda entry: entry.name)

    def _count(self, folder: Place) -> None:
        self.seen += 1
        if self.seen % _REPORT_EVERY == 0:
            # Also how a search that was cancelled ends.
            self.progress(f"Searching {self.folders.shown(folder)}", None)
        if self.seen >= self.limits.entries:
            self.ended = f"Only {self.limits.entries:,} files were looked at; search a smaller folder."

    def _look(self, place: Place) -> None:
        name = self.folders.shown(place)
        if not _matches(name, place.parts[-1], self.pattern):
            return
        if not self.needle:
            self.found.append(name)
            return
        try:
            with self.folders.open_file(place) as descriptor:
                content, whole = read_up_to(descriptor, self.limits.file_bytes)
        except ToolError:
            self.unreadable += 1
            return
        self.found.extend(f"{name}:{hit}" for hit in self._lines(decode(content, whole=whole) or ""))

    def _lines(self, text: str) -> list[str]:
        if self.needle not in text.casefold():
            return []
        found: list[str] = []
        for number, line in enumerate(text.split("\n"), start=1):
            if (start := line.casefold().find(self.needle)) >= 0:
                found.append(f"{number}: {_around(line, start, len(self.needle))}")
            if len(found) >= self.limits.hits_in_a_file:
                break
        return found


def search(
    folders: ChosenFolders,
    places: Sequence[Place],
    text: str,
    pattern: str,
    limits: SearchLimits,
    progress: OnToolProgress,
) -> str:
    """What was found below some folders, for the model.

    Args:
        folders: those that may be read.
        places: where to search.
        text: what lines have in them, whatever the letter case; empty finds names.
        pattern: of file names, or of paths where it has a slash; empty is all.
        limits: where it ends.
        progress: told where it has come to; what it raises ends the search.

    Raises:
        ToolError: a place cannot be read, or nothing is asked for.
    """
    needle = " ".join(text.split()).casefold() if "\n" in text else text.strip().casefold()
    if not needle and not pattern.strip():
        raise ToolError("Nothing to search for", "Neither a text nor a pattern was given.", "Give one of them.")
    run = _Search(folders, needle, pattern.strip(), limits, progress)
    run.run(places)
    what = f"{text.strip()[:100]!r}" if needle else f"{pattern.strip()[:100]!r}"
    heading = f"Found {what} in:" if run.found else f"Nothing has {what}."
    notes = [note for note in (run.ended, _unreadable(run.unreadable)) if note]
    return "\n".join([heading, *run.found[: limits.hits], *notes])


def _matches(path: str, name: str, pattern: str) -> bool:
    subject = path if "/" in pattern else name
    return not pattern or fnmatch.fnmatchcase(subject.casefold(), pattern.casefold())


def _around(line: str, start: int, length: int) -> str:
    left, right = max(0, start - _AROUND), min(len(line), start + length + _AROUND)
    return f"{'…' if left else ''}{line[left:right].strip()}{'…' if right < len(line) else ''}"


def _unreadable(count: int) -> str:
    return f"{count:,} files or folders could not be read." if count else ""
