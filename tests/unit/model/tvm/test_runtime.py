"""The runtime side stands on tvm_ffi alone, and says clearly when something is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.random_decoder import RandomDecoder
from tether_desktop.errors import EngineError, LibraryMismatch
from tether_desktop.model.cpu import ISA_TITLES, default_threads, isa_title, supported_isas
from tether_desktop.model.tvm import runtime
from tether_desktop.model.tvm.runtime import CompiledLibrary, Runtime, runtime_path

RUN_A_MODEL = """
import sys
from pathlib import Path
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.runtime import Runtime
decoder = Decoder(Runtime(1), Path(sys.argv[1]), Path(sys.argv[2]), 64)
decoder.decode(decoder.new_cache(), 5, 0)
assert decoder.logits.any()
print(sorted(name for name in sys.modules if name.split(".")[0] in {"tvm", "gguf", "PySide6", "sqlalchemy"}))
"""


def test_running_a_model_never_imports_the_compiler(tiny: RandomDecoder) -> None:
    command = [sys.executable, "-c", RUN_A_MODEL, str(tiny.folder), str(tiny.library)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_missing_runtime_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_spec", lambda _name: None)
    with pytest.raises(EngineError, match=r"runtime \(.*tvm_runtime.*\) was not found"):
        runtime_path()


def test_a_file_that_is_no_library_of_ours_is_not_loaded(tmp_path: Path) -> None:
    Runtime(2)
    path = tmp_path / "foreign.so"
    path.write_bytes(b"\x7fELF" + bytes(100))
    with pytest.raises(LibraryMismatch, match=r"foreign\.so was not compiled by Tether"):
        CompiledLibrary(path)


def test_instruction_sets_are_listed_best_first_and_by_known_names() -> None:
    isas = supported_isas()
    assert list(isas) == [isa for isa in ISA_TITLES if isa in isas]
    assert isa_title("avx2") == "AVX2"
    assert isa_title("sse9") == "sse9"


def test_there_is_at_least_one_thread_and_not_more_than_help() -> None:
    assert 1 <= default_threads() <= 8
