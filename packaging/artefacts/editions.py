"""The editions: the program, its libraries, in one the starter model, and what makes it part of a desktop."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from artefacts.environment import Environment
from artefacts.tree import link_tree

EDITIONS = ("lite", "full")
_LIBRARIES = "libs"
_NOT_IN_LITE = "full"


def assemble(
    frozen: Path, models: Path, target: Path, edition: str, *, environment: Environment, version: str, root: Path
) -> None:
    """Put an edition together.

    Args:
        frozen: the program.
        models: libraries, their list, and model folders.
        target: the folder of the edition.
        edition: one of :data:`EDITIONS`.
        environment: what was frozen; draws icons and knows the packages.
        version: of the program.
        root: the checkout.
    """
    shutil.rmtree(target, ignore_errors=True)
    link_tree(frozen, target)
    bundled = target / "_internal/models"
    for path in sorted(models.iterdir()):
        if path.is_dir() and (path.name == _LIBRARIES or edition == _NOT_IN_LITE):
            link_tree(path, bundled / path.name)
        elif path.is_file():
            bundled.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, bundled / path.name)
    if sys.platform == "linux":
        _add_integration(target, environment, version, root)
    _add_notices(target, environment, root)


def _add_integration(target: Path, environment: Environment, version: str, root: Path) -> None:
    """What makes it part of a desktop, and what removes it where no package manager does."""
    environment.run("packaging/linux_integration.py", target / "share", "--version", version, cwd=root)
    shutil.copyfile(root / "packaging/linux/uninstall.sh", target / "uninstall.sh")


def _add_notices(target: Path, environment: Environment, root: Path) -> None:
    """The licences of everything in it; stops where one is unknown or forbidden."""
    environment.run("packaging/notices.py", "write", target, cwd=root)
