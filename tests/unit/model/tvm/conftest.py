"""A tiny random model with its library, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.tiny_model import TinyConfig, TinyModel, make_tiny_model
from tether_desktop.model.compiler.build import compile_library
from tether_desktop.model.cpu import supported_isas


@dataclass(frozen=True)
class CompiledModel:
    """A model folder and the libraries made for it, by instruction set."""

    model: TinyModel
    libraries: dict[str, Path]

    @property
    def library(self) -> Path:
        """The best library for this processor."""
        return self.libraries[supported_isas()[0]]


CompileTiny = Callable[..., CompiledModel]


@pytest.fixture(scope="session")
def compile_tiny(tmp_path_factory: pytest.TempPathFactory) -> CompileTiny:
    """Makes a random model and compiles it for the best instruction set of this processor, or those given."""

    def make(config: TinyConfig, isas: Sequence[str] = supported_isas()[:1]) -> CompiledModel:
        root = tmp_path_factory.mktemp("compiled")
        model = make_tiny_model(root, config)
        libraries = {isa: root / f"{isa}.so" for isa in isas}
        for isa, path in libraries.items():
            compile_library(model.folder, isa, path, lambda _: None)
        return CompiledModel(model, libraries)

    return make


@pytest.fixture(scope="session")
def tiny(compile_tiny: CompileTiny) -> CompiledModel:
    """The smallest model: two layers, two heads to a key/value head, 4-bit layers, tied head."""
    return compile_tiny(TinyConfig(), supported_isas())
