"""The demo model: a script that shows what the window can do, where no real model is wanted."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tether_desktop import paths
from tether_desktop.errors import InstallError

DEMO_NAME = "Scripted-Demo"


def add_demo(root: Path) -> str:
    """Put the demo model into a model folder, in place of one that is there; its name.

    Raises:
        InstallError: the folder cannot be written.
    """
    target = root / DEMO_NAME
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{DEMO_NAME}.", dir=root, ignore_cleanup_errors=True) as work:
            made = shutil.copytree(paths.resources_dir() / "demo_model", Path(work) / DEMO_NAME)
            if target.exists():
                target.rename(Path(work) / "old")
            made.rename(target)
    except OSError as error:
        raise InstallError(
            "The demo cannot be added",
            f"{root}: {error.strerror or error}.",
            "Free some space, or choose another model folder in the settings.",
        ) from error
    return DEMO_NAME
