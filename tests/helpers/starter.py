"""The starter model for tests that run the real engine: added once, kept until the code that makes it changes."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from tether_desktop.model.discovery import trust

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build/test-models"
MADE_BY = (
    "tether_desktop/model/install/starter_steps.py",
    "tether_desktop/model/install/starter.py",
    "tether_desktop/model/decoder_shape.py",
    "tether_desktop/model/compiler",
    "packaging/lock/run.txt",
)


@dataclass(frozen=True)
class StarterModel:
    """An installed model.

    Attributes:
        root: the model folder to give to a catalogue, as ``dist`` would be.
        name: the model's name in that catalogue.
    """

    root: Path
    name: str

    @property
    def path(self) -> Path:
        """The folder that holds its weights."""
        return self.root / self.name


def trust_starter(model: StarterModel) -> None:
    """Let the starter model's library run in the data folder of this test."""
    for library in (model.root / "libs").iterdir():
        trust.add(library)


@pytest.fixture(scope="session")
def starter_model() -> StarterModel:
    """The starter model, fetched, packed and compiled by the program's own installer."""
    KEPT.mkdir(parents=True, exist_ok=True)
    # Tests run in several processes side by side.
    with FileLock(KEPT / ".lock"):
        return _kept_model(KEPT / _fingerprint())


def _kept_model(root: Path) -> StarterModel:
    for outdated in KEPT.iterdir():
        if outdated.is_dir() and outdated != root:
            shutil.rmtree(outdated)
    finished = root / "finished"
    if not finished.exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        finished.write_text(_add_starter(root), encoding="utf-8")
    return StarterModel(root, finished.read_text(encoding="utf-8"))


def _fingerprint() -> str:
    """Changes with whatever could make another model or another library of it."""
    digest = hashlib.sha256()
    for place in MADE_BY:
        path = ROOT / place
        for source in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _add_starter(root: Path) -> str:
    from tether_desktop.model.discovery.catalog import Catalog
    from tether_desktop.model.install.installer import Installer

    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as environment:
        environment.setenv("TETHER_DATA_DIR", str(root / "data"))
        name = runner.run(Installer([root]).add_starter(lambda _progress: None))
        return Catalog([root]).get(name).name
