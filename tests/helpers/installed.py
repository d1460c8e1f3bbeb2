"""A model folder with a tiny model in it that the program's own installer added from a GGUF file."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.library import LIBRARY_FOLDER
from tether_desktop.model.install.compile_job import BuildReport
from tether_desktop.model.install.progress import Checked, InstallProgress

GGUF_NAME = "Tiny-Chat.Q4_1.gguf"
NAME = "Tiny-Chat-q4_1t16-MLC"


@dataclass(frozen=True)
class InstalledModel:
    """A model folder with one usable model and its library; not to be changed.

    Attributes:
        root: the model folder.
        gguf: what the model was made from, elsewhere.
        progress: what was told on the way.
        news: what was told of the model.
    """

    root: Path
    gguf: Path
    progress: list[InstallProgress]
    news: list[Checked | BuildReport]

    @property
    def folder(self) -> Path:
        """The model."""
        return self.root / NAME

    def copy_to(self, root: Path) -> Path:
        """A model folder of the same content that may be changed, whose library may run."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        self.trust(root)
        return root

    def library_to(self, root: Path) -> Path:
        """A model folder that has the library alone, so that nothing needs to be compiled there."""
        shutil.copytree(self.root / LIBRARY_FOLDER, root / LIBRARY_FOLDER)
        self.trust(root)
        return root

    def trust(self, root: Path) -> None:
        """Let the libraries of a copy run, as far as this test's data folder is concerned."""
        for library in (root / LIBRARY_FOLDER).iterdir():
            trust.add(library)


def install_tiny_model(folder: Path) -> InstalledModel:
    """Add the tiny model to ``folder / "dist"``, with a data folder beside it."""
    # Imported here: every run of tests loads this module, and most want no model.
    from tests.helpers.tiny_model import TinyConfig, write_tiny_gguf
    from tether_desktop.model.install.installer import Installer

    gguf = folder / GGUF_NAME
    write_tiny_gguf(gguf, TinyConfig())
    root, progress, news = folder / "dist", list[InstallProgress](), list[Checked | BuildReport]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TETHER_DATA_DIR", str(folder / "data"))
        added = Installer([root]).add(str(gguf), on_progress=progress.append, on_news=news.append)
        assert asyncio.run(added) == NAME
    return InstalledModel(root, gguf, progress, news)


@pytest.fixture(scope="session")
def installed_model(tmp_path_factory: pytest.TempPathFactory) -> InstalledModel:
    """The tiny model, added once."""
    return install_tiny_model(tmp_path_factory.mktemp("installed"))
