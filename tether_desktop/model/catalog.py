"""The models on this computer: what lies under the model folders, and why one cannot be used."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tether_desktop.errors import ModelError, ModelNotFound
from tether_desktop.model.cpu import supported_isas
from tether_desktop.model.engine import EngineKind
from tether_desktop.model.library import LIBRARY_FOLDER, find_libraries, fitting_libraries
from tether_desktop.model.model_folder import (
    ChatConfig,
    broken,
    check_md5,
    check_present,
    check_sizes,
    check_tensors,
    looks_like_model,
    read_config,
    read_shards,
)
from tether_desktop.model.script import read_script

_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model folder.

    Attributes:
        name: unique in the catalogue: the folder's name, or its path where that is taken.
        path: the folder, absolute.
        kind: which engine runs it.
        usable: whether it can be loaded here.
        reason, remedy: why not, and what to do; empty when it can.
        model_type, quantization: as its configuration says, empty when unknown.
        context_window: tokens of prompt and reply together, 0 when unknown.
        size_bytes: weights on disk.
        library: the compiled library to load it with; None when it needs none or has none.
    """

    name: str
    path: Path
    kind: EngineKind = "tvm"
    usable: bool = True
    reason: str = ""
    remedy: str = ""
    model_type: str = ""
    quantization: str = ""
    context_window: int = 0
    size_bytes: int = 0
    library: Path | None = None


class Catalog:
    """Finds models and checks them; every call looks at the folders anew, reading JSON and file sizes only."""

    def __init__(self, roots: Sequence[Path]) -> None:
        """Look for models under these folders; they need not exist."""
        self.roots = tuple(roots)

    def list(self) -> list[ModelEntry]:
        """All models, sorted by name; one that cannot be used has the reason and the remedy."""
        libraries = find_libraries(self.roots)
        return [_entry(name, path, libraries) for name, path in sorted(self._folders().items())]

    def get(self, name: str) -> ModelEntry:
        """The model of that name, ready to be loaded.

        Raises:
            ModelNotFound: there is none.
            ModelBroken: a file is missing, truncated or not understood.
            LibraryMismatch: no compiled library fits it and this processor.
        """
        return _examine(name, self.folder(name), find_libraries(self.roots))

    def verify(self, name: str, on_progress: Callable[[float], None] = lambda _: None) -> None:
        """Compare every weight file with its size and MD5; ``on_progress`` gets fractions 0..1.

        Raises:
            ModelNotFound: there is no such model.
            ModelBroken: a file is missing or differs.
        """
        folder = self.folder(name)
        if read_config(folder).kind == "tvm":
            shards = read_shards(folder)
            check_sizes(shards)
            check_md5(shards, on_progress)

    def remove(self, name: str) -> None:
        """Delete a model's folder; where it is a link, only the link.

        Raises:
            ModelNotFound: there is no such model.
            ModelError: the folder cannot be deleted; it is then still there, or at least no longer listed.
        """
        folder = self.folder(name)
        try:
            if folder.is_symlink():
                folder.unlink()
            else:
                # Renamed first, so that a folder that is only half deleted is not taken for a model.
                shutil.rmtree(folder.rename(folder.with_name(f".{folder.name}.removed")))
        except OSError as error:
            raise ModelError(
                "The model cannot be removed",
                f"{folder}: {error.strerror or error}.",
                "Close what uses the model, then try again.",
            ) from error

    def folder(self, name: str) -> Path:
        """The folder of the model of that name, usable or not.

        Raises:
            ModelNotFound: there is none.
        """
        folders = self._folders()
        if name not in folders:
            raise _not_found(name, sorted(folders))
        return folders[name]

    def _folders(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for root in self.roots:
            for path in _model_folders(root, 0, frozenset()):
                inside = path.relative_to(root).as_posix()
                names = (path.name, inside, f"{root.name}/{inside}", str(path))
                found[next(name for name in names if name not in found)] = path
        return found


def _model_folders(folder: Path, depth: int, above: frozenset[tuple[int, int]]) -> Iterator[Path]:
    """Model folders in and below a folder, in a fixed order; hidden ones are work in progress."""
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    if depth and looks_like_model([entry.name for entry in entries]):
        yield folder
    elif depth < _DEEPEST:
        for entry in entries:
            if not entry.name.startswith(".") and entry.name != LIBRARY_FOLDER and entry.is_dir():
                yield from _model_folders(folder / entry.name, depth + 1, above | {identity})


def _entry(name: str, path: Path, libraries: Sequence[Path]) -> ModelEntry:
    try:
        return _examine(name, path, libraries)
    except ModelError as error:
        return _unusable(name, path, error)


def _examine(name: str, path: Path, libraries: Sequence[Path]) -> ModelEntry:
    config = read_config(path)
    if config.kind == "scripted":
        read_script(path)
        return _described(name, path, config, 0, None)
    shards = read_shards(path)
    check_sizes(shards)
    check_present(path / "tokenizer.json")
    if config.shape is None:
        raise broken(
            "Its weights are not prepared for this computer yet.", f"Prepare them with `tether models compile {name}`."
        )
    check_tensors(config, shards)
    library = fitting_libraries(config.shape, libraries, supported_isas())[0]
    return _described(name, path, config, sum(shard.size for shard in shards), library)


def _described(name: str, path: Path, config: ChatConfig, size: int, library: Path | None) -> ModelEntry:
    return ModelEntry(
        name=name,
        path=path,
        kind=config.kind,
        model_type=config.model_type,
        quantization=config.quantization,
        context_window=config.context_window,
        size_bytes=size,
        library=library,
    )


def _unusable(name: str, path: Path, error: ModelError) -> ModelEntry:
    """The entry of a broken folder, with all that could be read of it."""
    config, size = ChatConfig("tvm", "", "", 0), 0
    with suppress(ModelError):
        config = read_config(path)
    with suppress(ModelError):
        size = sum(shard.size for shard in read_shards(path))
    return replace(_described(name, path, config, size, None), usable=False, reason=error.message, remedy=error.hint)


def _not_found(name: str, others: Sequence[str]) -> ModelNotFound:
    there = f"There are: {', '.join(others)}." if others else "There are no models yet."
    return ModelNotFound(
        "There is no such model",
        f"No model is called {name!r}. {there}",
        "Choose one of these." if others else "Add one with `tether models add starter`.",
    )
