"""The models on this computer: what lies under the model folders, and why one cannot be used."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tether_desktop.errors import LibraryUntrusted, ModelError, ModelNotFound
from tether_desktop.model.cpu import supported_isas
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.bundled import check_removable
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.discovery.examination import Examination, Surroundings, unprepared
from tether_desktop.model.discovery.model_folder import broken, check_md5, check_sizes, read_config, read_shards
from tether_desktop.model.discovery.official_library import official_engine_there
from tether_desktop.model.discovery.prepared import copy_of, fingerprint, prepared_copies
from tether_desktop.model.discovery.search import Place, Survey, survey

__all__ = ["Catalog", "ModelEntry", "Source"]

REMOVED_SUFFIX = ".removed"
"""Of a hidden folder with what is being deleted; one that is still there later was cut off, and goes as well."""

Provider = Callable[[], Sequence[ModelEntry]]
"""Lists models that lie elsewhere; it neither waits nor raises."""


@dataclass(frozen=True, slots=True)
class Source:
    """Source weights under the model folders.

    Attributes:
        path: the file or folder, which is never changed.
        root: the model folder it lies in.
        prepared: where its packed copy is or goes.
        packed_from: what that copy notes about the source, as ``packed_from`` in its configuration.
    """

    path: Path
    root: Path
    prepared: Path
    packed_from: dict[str, Any]


class Catalog:
    """Finds models and checks them; every call looks at the folders anew, reading JSON and file sizes only."""

    def __init__(self, roots: Sequence[Path], others: Sequence[Provider] = ()) -> None:
        """Look for models under these folders, which need not exist, and ask the others."""
        self.roots = tuple(roots)
        self._others = tuple(others)

    def list(self) -> list[ModelEntry]:
        """All models, sorted by name; one that cannot be used has the reason and the remedy."""
        found = survey(self.roots)
        around = self._surroundings(found)
        entries = [_examined(name, place, around)[0] for name, place in found.places.items()]
        return sorted([*entries, *self._elsewhere(found)], key=lambda entry: entry.name)

    def find(self, name: str) -> ModelEntry:
        """The model of that name, usable or not.

        Raises:
            ModelNotFound: there is none.
        """
        return self._find(name)[0]

    def get(self, name: str) -> ModelEntry:
        """The model of that name, ready to be loaded.

        Raises:
            ModelNotFound: there is none.
            ModelBroken: a file is missing, truncated or not understood.
            ModelUnprepared: it is source weights, which have to be compiled first.
            LibraryMismatch: no compiled library fits it and this processor.
            LibraryUntrusted: nobody has allowed the library that fits.
        """
        entry, error = self._find(name)
        if error is not None:
            raise error
        return entry

    def for_loading(self, name: str) -> ModelEntry:
        """As :meth:`get`, for a load that follows at once: the library's content is checked once more.

        Raises:
            ModelError: as :meth:`get`.
        """
        entry = self.get(name)
        if entry.library is not None:
            trust.check(entry.library)
        return entry

    def library_in_question(self, name: str) -> tuple[Path, str]:
        """The library that a model would be loaded with if somebody allowed it, and its SHA-256.

        Raises:
            ModelNotFound: there is no such model.
            ModelError: it needs no library, has none that fits or one that may run already.
        """
        entry = self.find(name)
        if entry.library is None or entry.code != LibraryUntrusted.code:
            state = "It can be loaded as it is." if entry.usable else entry.reason
            raise ModelError(
                "There is nothing to allow", f"{name} has no library that waits for it. {state}", entry.remedy
            )
        try:
            return entry.library, trust.sha256_of(entry.library)
        except OSError as error:
            raise broken(f"{entry.library} cannot be read: {error.strerror or error}.") from error

    def trust_library(self, name: str, sha256: str) -> None:
        """Let the library of a model run from now on.

        Args:
            name: of the model.
            sha256: of the library, as the person was shown it.

        Raises:
            ModelNotFound: there is no such model.
            LibraryUntrusted: its library is another one by now.
            ModelError: the model has none, it cannot be read, or the answer cannot be stored.
        """
        entry = self.find(name)
        if entry.library is None:
            raise ModelError("There is no library to load", f"{name} has none that fits it.", entry.remedy)
        trust.add(entry.library, sha256)

    def source(self, name: str) -> Source | None:
        """The source weights of that name; None where the folder itself is what is loaded.

        Raises:
            ModelNotFound: there is no such model.
            ModelBroken: it cannot be read.
        """
        place = self._place(name)
        if place.kind == "unreadable":
            raise broken(place.reason)
        if place.kind == "folder" and read_config(place.path).kind != "mlc":
            return None
        try:
            return Source(place.path, place.root, copy_of(place, name), fingerprint(place))
        except OSError as error:
            raise broken(f"It cannot be read: {error.strerror or error}.") from error

    def verify(self, name: str, on_progress: Callable[[float], None] = lambda _: None) -> None:
        """Compare every weight file with its size and MD5; ``on_progress`` gets fractions 0..1.

        Raises:
            ModelNotFound: there is no such model.
            ModelUnprepared: it is source weights without checksums, and there is no prepared copy of them.
            ModelBroken: a file is missing or differs.
        """
        place, entry = self._place(name), self.find(name)
        if place.kind == "unreadable":
            raise broken(entry.reason, entry.remedy)
        if place.kind != "folder" and entry.prepared is None:
            raise unprepared("It has no checksums as long as it is not prepared.", entry.remedy)
        if read_config(entry.model_dir).kind != "scripted":
            shards = read_shards(entry.model_dir)
            check_sizes(shards)
            check_md5(shards, on_progress)

    def remove(self, name: str) -> None:
        """Delete a model, and its prepared copy; where it is a link, only the link.

        Raises:
            ModelNotFound: there is no such model.
            ModelError: it came with the program, or cannot be deleted; it is then still there, or at least no longer
                listed.
        """
        for path in self.paths(name):
            try:
                _delete(path)
            except OSError as error:
                raise ModelError(
                    "The model cannot be removed",
                    f"{path}: {error.strerror or error}.",
                    "Close what uses the model, then try again.",
                ) from error

    def paths(self, name: str) -> tuple[Path, ...]:
        """The files and folders that are this model and nothing else.

        Raises:
            ModelNotFound: there is no such model.
            ModelError: it came with the program, and is not the person's to remove.
        """
        place = self._place(name)
        check_removable(place.path)
        copy = prepared_copies([place.root]).get((place.root, place.inside))
        files = [place.folder / file for file in place.files] if place.kind == "gguf" else [place.path]
        return (*([copy] if copy else []), *files)

    def folder(self, name: str) -> Path:
        """The folder, or the GGUF file, of the model of that name, usable or not.

        Raises:
            ModelNotFound: there is none.
        """
        return self._place(name).path

    def _find(self, name: str) -> tuple[ModelEntry, ModelError | None]:
        found = survey(self.roots)
        if name in found.places:
            return _examined(name, found.places[name], self._surroundings(found))
        for entry in self._elsewhere(found):
            if entry.name == name:
                return entry, None if entry.usable else broken(entry.reason, entry.remedy)
        raise self._not_found(name)

    def _place(self, name: str) -> Place:
        places = survey(self.roots).places
        if name not in places:
            raise self._not_found(name)
        return places[name]

    def _surroundings(self, found: Survey) -> Surroundings:
        return Surroundings(found.libraries, supported_isas(), official_engine_there(), prepared_copies(self.roots))

    def _elsewhere(self, found: Survey) -> Iterator[ModelEntry]:
        """The others' models, renamed where a model of ours has that name."""
        taken = set(found.places)
        for entry in (entry for provider in self._others for entry in provider()):
            name = next(name for name in _numbered(entry.name) if name not in taken)
            taken.add(name)
            yield replace(entry, name=name)

    def _not_found(self, name: str) -> ModelNotFound:
        names = [entry.name for entry in self.list()]
        there = f"There are: {', '.join(names)}." if names else "There are no models yet."
        return ModelNotFound(
            "There is no such model",
            f"No model is called {name!r}. {there}",
            "Choose one of these." if names else "Add one with `tether models add starter`.",
        )


def _examined(name: str, place: Place, around: Surroundings) -> tuple[ModelEntry, ModelError | None]:
    """What is known of a model, and why it cannot be used."""
    look = Examination(name, place, around)
    try:
        look.run()
    except ModelError as error:
        entry = replace(look.entry, usable=False, reason=error.message, remedy=error.hint, code=error.code)
        return entry, error
    return look.entry, None


def _numbered(name: str) -> Iterable[str]:
    yield name
    number = 2
    while True:
        yield f"{name} ({number})"
        number += 1


def _delete(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            # Moved aside first, so that a folder that is only half deleted is not taken for a model.
            aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=REMOVED_SUFFIX, dir=path.parent))
            try:
                path.rename(aside / path.name)
            finally:
                shutil.rmtree(aside)
