"""Looks through the model folders: where models, source weights and libraries lie, by their names alone."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tether_desktop import paths
from tether_desktop.errors import showable
from tether_desktop.model.discovery.library import LIBRARY_FOLDER, LIBRARY_SUFFIXES
from tether_desktop.model.discovery.model_folder import CONFIG_NAME, INDEX_NAMES

PlaceKind = Literal["folder", "checkpoint", "gguf", "unreadable"]
"""A folder in MLC's layout, one of safetensors, a GGUF file with its further parts, or what cannot be looked at."""

PACKED_FOLDER = "packed"
"""Below each model folder: prepared copies of source weights, which are no models of their own."""

DEEPEST = 8
MOST_FOLDERS = 20_000
"""Somebody's whole disk is not read to its end."""

_MOST_PARTS = 1000
_PART = re.compile(r"-\d{5}-of-(\d{5})\.gguf$")
_LINES = re.compile(r"[\t\n]")
_REPOSITORY = re.compile(r"models--(?:.+--)?(.+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Something under a model folder that is, or is meant to be, a model.

    Attributes:
        path: the folder, or the first file of a GGUF.
        root: the model folder it lies in.
        files: names of the files in the folder; of a GGUF, its own, those that are missing included.
        reason: why an unreadable one is that.
    """

    path: Path
    root: Path
    kind: PlaceKind
    files: tuple[str, ...] = ()
    reason: str = ""

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.path.parent if self.kind == "gguf" else self.path

    @property
    def inside(self) -> str:
        """Its path in the model folder, the same on every system."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def names(self) -> list[str]:
        """What it can be called, the best first; nothing else has the last one."""
        names = (self._own_name(), self.inside, f"{self.root.name}/{self.inside}", str(self.path))
        return [showable(_LINES.sub(" ", name)) for name in names if name not in {"", "."}]

    def _own_name(self) -> str:
        if self.kind == "gguf":
            return _PART.sub("", self.path.name).removesuffix(".gguf")
        # The hub's cache calls folders by revision; the repository is two above.
        repository = _REPOSITORY.fullmatch(self.path.parent.parent.name)
        return repository.group(1) if repository and self.path.parent.name == "snapshots" else self.path.name


@dataclass(frozen=True, slots=True)
class Survey:
    """What lies under the model folders.

    Attributes:
        places: models by their names in the catalogue, in the order of those.
        libraries: compiled libraries, sorted.
    """

    places: dict[str, Place]
    libraries: tuple[Path, ...]


def survey(roots: Sequence[Path]) -> Survey:
    """Look through model folders; one that is not there holds nothing, and no file is opened."""
    searches = [_Search(root) for root in dict.fromkeys(roots)]
    places = [place for search in searches for place in search.places()]
    libraries = {path for search in searches for path in search.libraries}
    return Survey(_named(_own_first(places)), tuple(sorted(libraries)))


class _Search:
    """One look through one model folder; ``libraries`` are those that :meth:`places` came by."""

    def __init__(self, root: Path) -> None:
        self.libraries: list[Path] = []
        self._root = root
        self._folders = 0

    def places(self) -> Iterator[Place]:
        """Everything that is meant to be a model, in a fixed order."""
        yield from self._look(self._root, 0, frozenset())
        if self._folders > MOST_FOLDERS:
            reason = f"It holds more than {MOST_FOLDERS:,} folders, and not all of them were looked at."
            yield Place(self._root, self._root, "unreadable", reason=reason)

    def _look(self, folder: Path, depth: int, above: frozenset[tuple[int, int]]) -> Iterator[Place]:
        self._folders += 1
        if self._folders > MOST_FOLDERS:
            return
        try:
            status = folder.stat()
            with os.scandir(folder) as content:
                entries = sorted(content, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            yield self._unreadable(folder, f"It cannot be read: {error.strerror or error}.")
            return
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            return
        yield from self._models(folder, [entry.name for entry in entries])
        if depth == 0 or not _holds_model(entries):
            for entry in entries:
                yield from self._enter(folder, entry, depth, above | {identity})

    def _models(self, folder: Path, names: list[str]) -> Iterator[Place]:
        """What this very folder is, and the GGUF files in it."""
        kind = _kind(names)
        if kind is not None:
            self.libraries += (folder / name for name in names if Path(name).suffix in LIBRARY_SUFFIXES)
            yield Place(folder, self._root, kind, tuple(names))
        for first, parts in _gguf_files(names):
            yield Place(folder / first, self._root, "gguf", parts)

    def _enter(
        self, folder: Path, entry: os.DirEntry[str], depth: int, above: frozenset[tuple[int, int]]
    ) -> Iterator[Place]:
        path = folder / entry.name
        if entry.name.startswith(".") or (depth == 0 and entry.name == PACKED_FOLDER):
            return
        problem = _link_problem(entry)
        if problem:
            yield self._unreadable(path, problem)
        elif _is_folder(entry) and entry.name == LIBRARY_FOLDER:
            self.libraries += _libraries(path)
        elif _is_folder(entry) and depth < DEEPEST:
            yield from self._look(path, depth + 1, above)

    def _unreadable(self, path: Path, reason: str) -> Place:
        return Place(path, self._root, "unreadable", reason=reason)


def _own_first(places: Sequence[Place]) -> list[Place]:
    """The places without those that came with the program and that the person has under the same name."""
    bundled = paths.bundled_models()
    own = {name for place in places if place.root != bundled for name in place.names[:1]}
    return [place for place in places if place.root != bundled or not own.intersection(place.names[:1])]


def _kind(names: Iterable[str]) -> PlaceKind | None:
    """What a folder with files of these names is meant to be; None when it is no model by itself."""
    names = set(names)
    if names & {CONFIG_NAME, *INDEX_NAMES} or any(name.startswith("params_shard_") for name in names):
        return "folder"
    if any(name.endswith((".safetensors", ".safetensors.index.json")) for name in names):
        return "checkpoint"
    return None


def _holds_model(entries: Iterable[os.DirEntry[str]]) -> bool:
    return _kind(entry.name for entry in entries) is not None


def _gguf_files(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The GGUF files among these: of each the first file, and all the parts it must have."""
    seen: set[str] = set()
    for name in names:
        match = _PART.search(name)
        stem = _PART.sub("", name)
        if match is None and name.endswith(".gguf") and not name.startswith("."):
            yield name, (name,)
        elif match is not None and stem not in seen:
            seen.add(stem)
            count = min(int(match.group(1)), _MOST_PARTS)
            parts = (f"{stem}-{number:05}-of-{match.group(1)}.gguf" for number in range(1, count + 1))
            yield f"{stem}-00001-of-{match.group(1)}.gguf", tuple(parts)


def _libraries(folder: Path, *, nested: bool = True) -> Iterator[Path]:
    """Library files in a folder of libraries and in those directly below it, as MLC's own collection has them."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.suffix in LIBRARY_SUFFIXES and path.is_file():
                yield path
            elif nested and path.is_dir():
                yield from _libraries(path, nested=False)


def _link_problem(entry: os.DirEntry[str]) -> str:
    """Why a link leads nowhere; empty when it leads somewhere, or is none."""
    if not entry.is_symlink():
        return ""
    try:
        entry.stat()
    except FileNotFoundError:
        with suppress(OSError):  # the link itself may be gone by now
            return f"It is a link to {showable(str(Path(entry.path).readlink()))}, which is not there."
    except OSError as error:
        return "It is a link that leads to itself." if error.errno == errno.ELOOP else f"{error.strerror or error}."
    return ""


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _named(places: Iterable[Place]) -> dict[str, Place]:
    """The places by name; one that lies under two roots, or was listed already, counts once."""
    found: dict[str, Place] = {}
    seen: set[Path] = set()
    for place in places:
        if place.path not in seen:
            seen.add(place.path)
            found[next(name for name in (*place.names, f"{place.names[-1]} ({len(found)})") if name not in found)] = (
                place
            )
    return dict(sorted(found.items()))
