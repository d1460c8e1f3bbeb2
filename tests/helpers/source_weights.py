"""Source weights as the catalogue comes by them, and the copies that compiling them makes."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.packed_models import write_json, write_packed_model
from tether_desktop.model.discovery.catalog import Catalog, ModelEntry


def only(root: Path) -> ModelEntry:
    """The one model under a model folder, usable or not."""
    (entry,) = Catalog([root]).list()
    return entry


def write_checkpoint(root: Path, name: str = "Qwen", **weights: int) -> Path:
    """Write a Hugging Face folder of files with so many bytes."""
    folder = root / name
    folder.mkdir(parents=True)
    write_json(folder / "config.json", {"model_type": "qwen2"})
    for file, size in (weights or {"model": 10}).items():
        (folder / f"{file}.safetensors").write_bytes(bytes(size))
    return folder


def write_gguf(path: Path, size: int = 10) -> Path:
    """Write a file that is called as GGUF files are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def prepare(root: Path, name: str) -> Path:
    """Make the copy of source weights that compiling them makes."""
    source = Catalog([root]).source(name)
    assert source is not None
    return write_packed_model(source.prepared.parent, source.prepared.name, packed_from=source.packed_from)
