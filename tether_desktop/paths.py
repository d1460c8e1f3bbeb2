"""Where the program keeps things (asking creates nothing), and how it keeps them to their owner."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from platformdirs import user_data_path

APP_NAME = "Tether"
APP_ID = "org.tetherdesktop.Tether"
"""What desktops know the program by; the files of every installer are named after it."""

_PORTABLE = "portable"


def data_dir() -> Path:
    """Database, logs, settings and token; ``TETHER_DATA_DIR`` moves it, and so does a file beside the program.

    A file called ``portable`` beside the binary keeps everything in the folder ``data`` there.
    """
    override = os.environ.get("TETHER_DATA_DIR")
    if override:
        return Path(override).expanduser().absolute()
    program = program_folder()
    if program is not None and (program / _PORTABLE).is_file():
        return program / "data"
    return user_data_path(APP_NAME, appauthor=False)


def program_folder() -> Path | None:
    """The folder with the binary of the frozen program; None where it runs from source."""
    return Path(sys.executable).parent if getattr(sys, "frozen", False) else None


def log_dir() -> Path:
    """Rotating log files."""
    return data_dir() / "logs"


def database_path() -> Path:
    """The default SQLite database."""
    return data_dir() / "tether.db"


def settings_path() -> Path:
    """The settings a person changed, as JSON."""
    return data_dir() / "settings.json"


def tools_dir() -> Path:
    """The Python files with a person's own tools."""
    return data_dir() / "tools"


def tool_preferences_path() -> Path:
    """What a person decided about tools, as JSON."""
    return data_dir() / "tools.json"


def tokens_path() -> Path:
    """The tokens that open the local port, as JSON."""
    return data_dir() / "tokens.json"


def downloads_path() -> Path:
    """The downloads that are not complete, and where models came from, as JSON."""
    return data_dir() / "downloads.json"


def speeds_path() -> Path:
    """What was measured of models, as JSON."""
    return data_dir() / "speeds.json"


def updates_dir() -> Path:
    """What was told of releases and believed, so that nothing older is believed later."""
    return data_dir() / "updates"


def open_port_path() -> Path:
    """Where the local port of a running program is written down, as JSON, while it is open."""
    return data_dir() / "open-port.json"


def project_root() -> Path:
    """The folder that holds the package: the checkout, or the bundle when frozen."""
    return Path(__file__).resolve().parent.parent


def installation_root() -> Path:
    """What relative folders in the settings start from: the checkout, or the data folder of an installed program."""
    # An installed or frozen package lies where its user may not write, and where updates replace everything.
    return project_root() if (project_root() / "pyproject.toml").is_file() else data_dir()


def bundled_models() -> Path | None:
    """The models and libraries that came with a frozen program, which it never changes; None where none did."""
    folder = project_root() / "models"
    return folder if program_folder() is not None and folder.is_dir() else None


def resources_dir() -> Path:
    """Icons, fonts, style and prompts that ship with the program."""
    return project_root() / "resources"


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner may enter, parents included; one that exists keeps its permissions."""
    for missing in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Replace a file by text that only its owner may read; a power cut leaves the old one or the new one.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    # A link stays one: people keep their settings elsewhere and link to them.
    path = path.resolve()
    make_private_folder(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
