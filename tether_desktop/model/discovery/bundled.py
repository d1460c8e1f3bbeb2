"""What came with an installed program: libraries for well-known models, in one edition the starter model too."""

from __future__ import annotations

from pathlib import Path

from tether_desktop import paths
from tether_desktop.errors import LibraryMismatch, ModelError
from tether_desktop.model.decoder_shape import DecoderShape
from tether_desktop.model.discovery.library import LIBRARY_FOLDER, fitting_libraries


def is_bundled(path: Path) -> bool:
    """Whether a model or library lies in the program's own folder."""
    folder = paths.bundled_models()
    return folder is not None and path.resolve().is_relative_to(folder.resolve())


def bundled_library(shape: DecoderShape, isa: str) -> Path | None:
    """The library that came with the program for such a model and that instruction set; None where none did.

    Raises:
        OSError: the program's folder cannot be read.
    """
    folder = paths.bundled_models()
    if folder is None or not (folder / LIBRARY_FOLDER).is_dir():
        return None
    try:
        return fitting_libraries(shape, sorted((folder / LIBRARY_FOLDER).iterdir()), [isa])[0]
    except LibraryMismatch:
        return None


def check_removable(path: Path) -> None:
    """Make sure that a model is the person's to remove.

    Raises:
        ModelError: it came with the program.
    """
    if is_bundled(path):
        raise ModelError(
            "The model cannot be removed",
            f"{path.name} came with Tether and lies in its own folder.",
            "It goes when Tether is uninstalled; the edition without models takes less space.",
        )
