"""The GGUF file of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.gguf_source import SPLIT_NAME
from tether_desktop.model.discovery.model_folder import CONFIG_NAME

_GGUF = ".gguf"
_PROJECTOR = "mmproj"
"""In the names of files that hold what turns images into input, and lie beside their model."""


def gguf_in(folder: Path) -> Path:
    """The only GGUF file of a folder, or the first of the only model that is split into several.

    Raises:
        ModelBroken: there is none, or there are several models.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == _GGUF and path.is_file())
    except OSError as error:
        raise _no_source(folder, f"it cannot be read ({error}).", "Choose a folder that can be read.") from error
    models = _first_files([path for path in paths if _PROJECTOR not in path.name.lower()] or paths)
    if len(models) > 1:
        names = ", ".join(path.name for path in models[:5])
        raise _no_source(folder, f"it holds several models: {names}.", "Choose one of the files.")
    if not models:
        raise _no_source(
            folder,
            f"it holds neither a GGUF file nor config.json nor {CONFIG_NAME}.",
            "Choose a GGUF file, or a folder from Hugging Face or of MLC.",
        )
    return models[0]


def _first_files(paths: Sequence[Path]) -> list[Path]:
    """The paths without those of the second and further files of a split model."""
    models: dict[str, Path] = {}
    for path in paths:
        name = SPLIT_NAME.fullmatch(path.name)
        models.setdefault(name["model"] + name["count"] if name else path.name, path)
    return list(models.values())


def _no_source(folder: Path, reason: str, hint: str) -> ModelBroken:
    return ModelBroken("There is no model in the folder", f"{folder.name}: {reason}", hint)
