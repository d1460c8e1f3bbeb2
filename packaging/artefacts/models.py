"""Makes what a program brings along: libraries for known models and the starter; run in the frozen environment.

python -m artefacts.models FOLDER CACHE
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from artefacts.known_models import known_decoders
from tether_desktop import paths
from tether_desktop.model.compiler.build import compile_library
from tether_desktop.model.compiler.build_job import library_name
from tether_desktop.model.compiler.folder import PREFILL_CHUNK
from tether_desktop.model.cpu import ISA_TITLES
from tether_desktop.model.decoder_shape import DecoderShape, shape_json
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.library import LIBRARY_FOLDER
from tether_desktop.model.discovery.model_folder import CONFIG_NAME, read_config
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.install.starter import STARTER


def main() -> None:
    """Fill the folder; the starter and libraries that are in the cache already are taken from there."""
    folder, cache = Path(sys.argv[1]), Path(sys.argv[2])
    starter = make_starter(cache / "starter")
    libraries = folder / LIBRARY_FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    libraries.mkdir(parents=True)
    for model_type, shape in decoders(starter):
        for isa in ISA_TITLES:
            made = make_library(model_type, shape, isa, cache / "libraries" / compiler_key())
            shutil.copyfile(made, libraries / made.name)
    trust.write_list(folder, sorted(libraries.iterdir()))
    shutil.copytree(starter, folder / starter.name)


def make_starter(cache: Path) -> Path:
    """The folder of the starter model, fetched and packed unless it is there."""
    asyncio.run(Installer([cache]).add_starter(lambda _: None))
    return cache / STARTER.name


def decoders(starter: Path) -> Iterator[tuple[str, DecoderShape]]:
    """All decoders to make libraries for, each once."""
    config = read_config(starter)
    assert config.shape is not None  # noqa: S101  (it has just been packed)
    yield config.model_type, config.shape
    seen = [config.shape]
    for model_type, shape in known_decoders():
        if shape not in seen:
            seen.append(shape)
            yield model_type, shape


def make_library(model_type: str, shape: DecoderShape, isa: str, cache: Path) -> Path:
    """The library for a decoder and an instruction set, compiled unless it is there."""
    made = cache / library_name(model_type, shape, PREFILL_CHUNK, isa)
    if made.is_file():
        return made
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        config = {"model_type": model_type, "prefill_chunk_size": PREFILL_CHUNK, "decoder": shape_json(shape)}
        (Path(work) / CONFIG_NAME).write_text(json.dumps(config), encoding="utf-8")
        compile_library(Path(work), isa, Path(work) / made.name, lambda _: None)
        (Path(work) / made.name).replace(made)
    print(made.name, flush=True)
    return made


def compiler_key() -> str:
    """Changes with whatever makes other libraries: our compiler, TVM, and the description of decoders."""
    package = paths.project_root() / "tether_desktop/model"
    sources = [*sorted((package / "compiler").rglob("*.py")), package / "decoder_shape.py"]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources))
    digest.update(metadata.version("apache-tvm").encode())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    main()
