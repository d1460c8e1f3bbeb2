"""Compiling and running single kernels on numpy arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvm
import tvm_ffi
from numpy.typing import DTypeLike, NDArray
from tvm import relax

from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.build import build_module, export
from tether_desktop.model.compiler.isa import ISAS, Isa
from tether_desktop.model.cpu import supported_isas

# AVX-VNNI's instructions exist in AVX512-VNNI too, in another encoding: what they compute is tested there.
_AVX_VNNI_IN_AVX512 = Isa("avx_vnni", "cascadelake", (), rows=8, tokens=4, registers=6)


def runnable_isas() -> list[Any]:
    """Instruction sets whose kernels this processor can run, as test parameters."""
    isas = [ISAS[name] for name in supported_isas()]
    if "avx512_vnni" in supported_isas() and "avx_vnni" not in supported_isas():
        isas.append(_AVX_VNNI_IN_AVX512)
    return [pytest.param(isa, id=isa.name) for isa in isas]


def compile_kernel(body: Callable[[], None], isa: Isa) -> Callable[..., None]:
    """The function that ``body`` writes, as a callable on arrays of :func:`aligned` memory."""
    builder = relax.BlockBuilder()
    with builder.function("_metadata", []):
        builder.emit_func_output(tvm.ir.StringImm("test"))
    module = builder.get()
    module["kernel"] = v.function("kernel", body)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.so"
        export(build_module(module, isa), path)
        kernel = tvm_ffi.load_module(str(path)).get_function("kernel", query_imports=True)

    def run(*arguments: Any) -> None:
        kernel(*[tvm_ffi.from_dlpack(a) if isinstance(a, np.ndarray) else a for a in arguments])

    return run


def aligned(values: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """A copy of ``values`` that starts on a 64-byte boundary, as kernels expect."""
    source = np.asarray(values, dtype)
    memory = np.empty(source.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy: NDArray[Any] = memory[start : start + source.nbytes].view(source.dtype).reshape(source.shape)
    copy[...] = source
    return copy
