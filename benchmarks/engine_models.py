"""The models that are measured: each as a folder for our engine and as GGUF files for others."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine_files import build_folder, peer_there, source_files
from benchmarks.engine_ours import CONTEXT_WINDOW
from benchmarks.engine_synthetic import write_synthetic_gguf
from tether_desktop.model.compiler.build import compile_library
from tether_desktop.model.compiler.folder import Card, pack_model
from tether_desktop.model.compiler.sources import open_source
from tether_desktop.model.compiler.tokenizer_files import open_tokenizer
from tether_desktop.model.cpu import supported_isas
from tether_desktop.model.decoder_shape import DecoderShape
from tether_desktop.model.discovery.catalog import ModelEntry
from tether_desktop.model.discovery.library import read_metadata


@dataclass(frozen=True, slots=True)
class BenchmarkModel:
    """A model to be measured.

    Attributes:
        title: for tables.
        folder: packed.
        library: for this processor.
        peers: files for llama.cpp, by how their weights are stored.
    """

    title: str
    folder: Path
    library: Path
    peers: Mapping[str, Path]

    @property
    def shape(self) -> DecoderShape:
        """What its library was compiled for."""
        metadata = read_metadata(self.library)
        if metadata is None:
            raise RuntimeError(f"{self.library} is no library of ours")
        return metadata.shape

    def tokens(self) -> list[int]:
        """The same tokens for every engine; which ones they are makes no difference to the time."""
        source = random.Random(1)
        vocab = self.shape.vocab - 16
        return [source.randrange(vocab) for _ in range(CONTEXT_WINDOW)]


def starter(entry: ModelEntry) -> BenchmarkModel:
    """The starter model as it is installed.

    Raises:
        InstallError: its source file for llama.cpp cannot be fetched.
    """
    assert entry.library is not None
    files = source_files() if peer_there() else None
    peers = {"Q4_1": files.q4_1, "Q4_0": files.q4_0} if files else {}
    return BenchmarkModel(entry.name, entry.model_dir, entry.library, peers)


def synthetic() -> BenchmarkModel:
    """Qwen2.5 1.5B with random weights, made on the spot."""
    source = build_folder() / "synthetic-1.5b.Q4_0.gguf"
    if not source.exists():
        part = source.with_suffix(".part")
        write_synthetic_gguf(part)
        part.replace(source)
    return of_file(source, "Q4_0")


def of_file(source: Path, stored: str = "the same file") -> BenchmarkModel:
    """A GGUF file, packed and compiled anew so that nothing older is measured.

    Raises:
        TetherError: it cannot be packed or compiled.
    """
    parent = build_folder() / "packed"
    folder, library = parent / source.stem, parent / f"{source.stem}.so"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    card = Card(name=source.stem, origin=source.name)
    pack_model(open_source(source), open_tokenizer(source), folder, card=card, bits=None, on_progress=lambda _: None)
    compile_library(folder, supported_isas()[0], library, lambda _: None)
    return BenchmarkModel(source.stem, folder, library, {stored: source} if peer_there() else {})
