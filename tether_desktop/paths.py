"""Where the program keeps things: one function per place, nothing created by asking."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

APP_NAME = "Tether"


def data_dir() -> Path:
    """Database, logs, settings and token; ``TETHER_DATA_DIR`` moves it."""
    override = os.environ.get("TETHER_DATA_DIR")
    return Path(override).expanduser().absolute() if override else user_data_path(APP_NAME, appauthor=False)


def log_dir() -> Path:
    """Rotating log files."""
    return data_dir() / "logs"


def database_path() -> Path:
    """The default SQLite database."""
    return data_dir() / "tether.db"


def settings_path() -> Path:
    """The settings a person changed, as JSON."""
    return data_dir() / "settings.json"


def project_root() -> Path:
    """The folder that holds the package: the checkout, or the bundle when frozen."""
    return Path(__file__).resolve().parent.parent


def resources_dir() -> Path:
    """Icons, fonts, style and prompts that ship with the program."""
    return project_root() / "resources"


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner may enter, parents included; one that exists keeps its permissions."""
    for missing in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
