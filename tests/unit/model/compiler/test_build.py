"""A compiled library: what it says of itself, what it consists of, and what can go wrong."""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import tvm_ffi

from tests.helpers.decoder_shapes import SMALL
from tests.helpers.random_decoder import RandomDecoder, make_random_decoder
from tether_desktop.errors import InstallError, ModelBroken
from tether_desktop.model.compiler import linker
from tether_desktop.model.compiler.build import compile_library
from tether_desktop.model.compiler.isa import ISAS
from tether_desktop.model.compiler.linker import link_shared, linker_command
from tether_desktop.model.decoder_shape import shape_of
from tether_desktop.model.discovery.library import read_metadata
from tether_desktop.model.tvm.runtime import runtime_path

VARIANT = replace(SMALL, qkv_bias=True, qk_norm=True, post_norms=True, windowed=True, rope_tables=2, tied=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RandomDecoder:
    """A decoder of which every part is compiled."""
    shape = replace(VARIANT, formats=VARIANT.formats | {"lm_head": "q8_0", "down": "q5_1", "o": "q4_0"})
    root = tmp_path_factory.mktemp("models")
    return make_random_decoder(root, shape, "", windows=(64, 0), rope_of_layer=(1, 0), compiled=False)


@pytest.fixture(scope="module")
def libraries(model: RandomDecoder) -> dict[str, Path]:
    paths = {isa: model.folder.parent / f"{isa}.so" for isa in ISAS}
    for isa, path in paths.items():
        compile_library(model.folder, isa, path, lambda _: None)
    return paths


def test_a_library_says_what_it_was_made_for(model: RandomDecoder, libraries: dict[str, Path]) -> None:
    config = json.loads((model.folder / "mlc-chat-config.json").read_text())
    for isa, path in libraries.items():
        metadata = read_metadata(path)
        assert metadata is not None
        assert metadata.isa == isa
        assert metadata.prefill_chunk_size == config["prefill_chunk_size"]
        assert metadata.shape == shape_of(config) == model.shape
        assert metadata.arguments == tuple(model.shape.parameters())
        assert model.tensors.keys() - set(metadata.arguments) == {"rope.inv_freq"}


def test_the_same_text_comes_from_the_function_that_mlc_asks(libraries: dict[str, Path]) -> None:
    path = libraries["avx2"]
    ctypes.CDLL(str(runtime_path()), ctypes.RTLD_GLOBAL)
    machine = tvm_ffi.load_module(str(path))["vm_load_executable"]()
    machine["vm_initialization"](1, 0, 2)
    assert str(machine["_metadata"]()).encode() in path.read_bytes()


@pytest.mark.skipif(shutil.which("objdump") is None, reason="needs binutils")
def test_a_library_holds_no_instruction_that_its_processors_may_lack(libraries: dict[str, Path]) -> None:
    wide = re.compile(r"%zmm|%k[1-7]|%[xy]mm(1[6-9]|2\d|3[01])")
    code = {isa: disassemble(path) for isa, path in libraries.items()}
    assert not wide.search(code["avx2"])
    assert not wide.search(code["avx_vnni"])
    assert "vpdpbusd" not in code["avx2"]
    assert "{vex} vpdpbusd" in code["avx_vnni"]
    assert "vpdpbusd" in code["avx512_vnni"]
    assert not re.search(r"gf2p8|vpopcnt|vpcompressb|vpermb|vdpbf16|%tmm", "".join(code.values()))


def test_a_library_needs_nothing_but_the_runtime(libraries: dict[str, Path]) -> None:
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("needs binutils")
    for path in libraries.values():
        output = subprocess.run([nm, "-D", "--undefined-only", str(path)], capture_output=True, text=True, check=True)
        symbols = output.stdout.split()[1::2]
        assert all(symbol.startswith("TVMFFI") for symbol in symbols)


def disassemble(path: Path) -> str:
    return subprocess.run(["objdump", "-d", str(path)], capture_output=True, text=True, check=True).stdout


def test_progress_rises_to_one(model: RandomDecoder, tmp_path: Path) -> None:
    seen: list[float] = []
    compile_library(model.folder, "avx2", tmp_path / "library.so", seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_machine_without_a_linker_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linker.shutil, "which", lambda _name: None)
    monkeypatch.setattr(linker, "find_spec", lambda _name: None)
    with pytest.raises(InstallError, match="no linker") as failure:
        linker_command()
    assert "apt install binutils" in failure.value.hint


def test_what_the_linker_complains_of_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.o"
    broken.write_bytes(b"no object")
    with pytest.raises(InstallError, match=r"failed: .*broken\.o"):
        link_shared([broken], tmp_path / "out.so")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_broken_configuration_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "mlc-chat-config.json").write_text(text)
    with pytest.raises(ModelBroken, match=r"mlc-chat-config\.json"):
        compile_library(tmp_path, "avx2", tmp_path / "library.so", lambda _: None)
