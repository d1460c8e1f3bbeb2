"""The compiler: from source it is installed like all else, a frozen program has it as a package of its own."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

from tether_desktop import paths
from tether_desktop.errors import InstallError
from tether_desktop.model.decoder_shape import DecoderShape
from tether_desktop.model.discovery.bundled import bundled_library

NOTE_NAME = "compiler.json"
"""In the package's folder: for which TVM and which Python it is."""

_FOLDER = "compiler"


def expected_note() -> dict[str, str]:
    """What the package that fits this program says of itself."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"apache-tvm": metadata.version("apache-tvm"), "python": python, "system": sys.platform}


def compiler_folder() -> Path | None:
    """The folder of the package that fits this program; None where there is none, or where it runs from source."""
    program = paths.program_folder()
    if program is None:
        return None
    return next((folder for folder in _places(program) if _note(folder) == expected_note()), None)


def compiler_there() -> bool:
    """Whether models can be compiled here."""
    return paths.program_folder() is None or compiler_folder() is not None


def check_compilable(shape: DecoderShape, isa: str) -> None:
    """Make sure, before hours are spent on a model, that it will have a library.

    Raises:
        InstallError: none came with the program, and there is no compiler.
    """
    if not compiler_there() and bundled_library(shape, isa) is None:
        raise compiler_missing()


def use_compiler() -> None:
    """Let this process import the compiler.

    Raises:
        InstallError: it is not installed.
    """
    if not compiler_there():
        raise compiler_missing()
    folder = compiler_folder()
    if folder is not None and str(folder) not in sys.path:
        sys.path.append(str(folder))


def compiler_missing() -> InstallError:
    """The error of a model that needs the compiler where there is none."""
    outdated = [folder for folder in _places(paths.program_folder()) if (folder / NOTE_NAME).is_file()]
    found = f" The one in {outdated[0]} is for another version of Tether." if outdated else ""
    return InstallError(
        "This model needs the compiler",
        f"No library for it came with Tether, and the compiler is not installed.{found}",
        f"Install the package tether-desktop-compiler, or unpack its archive into {paths.data_dir()}.",
    )


def _places(program: Path | None) -> tuple[Path, ...]:
    beside = (program / _FOLDER,) if program is not None else ()
    return (*beside, paths.data_dir() / _FOLDER)


def _note(folder: Path) -> object:
    try:
        return json.loads((folder / NOTE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
