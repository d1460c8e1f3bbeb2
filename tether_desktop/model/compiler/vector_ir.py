"""A small vocabulary for vector kernels over TVM's IRBuilder; plain Python loops unroll."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from tvm import tirx
from tvm.script.ir_builder import IRBuilder
from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

WIDTH = 16
"""Floats in a vector. LLVM splits it in two where registers hold eight."""


def function(name: str, body: Callable[[], None]) -> Any:
    """The function that ``body`` writes; its buffers do not overlap."""
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name(name)
        T.func_attr({"global_symbol": name, "tirx.noalias": True})
        body()
    return builder.get()


def f32(value: float) -> Any:
    """A float32 constant."""
    return tirx.const(value, "float32")


def i32(value: int) -> Any:
    """An int32 constant."""
    return tirx.const(value, "int32")


def i64(value: int) -> Any:
    """An int64 constant."""
    return tirx.const(value, "int64")


def u8(value: int) -> Any:
    """A uint8 constant."""
    return tirx.const(value, "uint8")


def lanes(first: Any, count: int = WIDTH) -> Any:
    """The ``count`` consecutive indices from ``first``."""
    return tirx.Ramp(first, 1, count)


def splat(value: Any, count: int = WIDTH) -> Any:
    """A vector that repeats ``value``."""
    return tirx.Broadcast(value, count)


def floats(value: float) -> Any:
    """A vector that repeats a float32 constant."""
    return splat(f32(value))


def llvm(dtype: str, intrinsic: str, *args: Any) -> Any:
    """A call of a pure LLVM intrinsic."""
    return tirx.call_llvm_pure_intrin(dtype, intrinsic, *args)


def bind(value: Any) -> Any:
    """Compute ``value`` here, once."""
    return T.Bind(value)


def store(buffer: Any, value: Any, *index: Any) -> None:
    """``buffer[index] = value``; the last index may be :func:`lanes`."""
    T.buffer_store(buffer, value, list(index))


def scratch(shape: Sequence[Any], dtype: str = "float32") -> Any:
    """Memory that lives as long as the enclosing scope."""
    return T.alloc_buffer(tuple(shape), dtype, align=64)


class Register:
    """A mutable vector (a scalar when ``width`` is 1) that LLVM keeps in a register."""

    def __init__(self, initial: Any, width: int = WIDTH, dtype: str = "float32") -> None:
        self._buffer = T.alloc_buffer((width,), dtype, align=64)
        self._index = lanes(0, width) if width > 1 else i32(0)
        self.set(initial)

    def get(self) -> Any:
        """Its value."""
        return self._buffer[self._index]

    def set(self, value: Any) -> None:
        """Change its value."""
        T.buffer_store(self._buffer, value, [self._index])

    def add(self, value: Any) -> None:
        """Add ``value`` to it."""
        self.set(self.get() + value)


def parallel_region() -> AbstractContextManager[Any]:
    """Run the body on every thread; plain code in it is repeated by each, parallel loops are shared."""
    frame: AbstractContextManager[Any] = T.attr(i32(0), "pragma_parallel_launch_point", i32(1))
    return frame


def then_barrier() -> AbstractContextManager[Any]:
    """All threads wait for each other after the body. Only directly inside a parallel region."""
    frame: AbstractContextManager[Any] = T.attr(i32(0), "pragma_parallel_barrier_when_finish", i32(1))
    return frame


def prefetch(buffer: Any, *index: Any) -> None:
    """Ask for the cache line of ``buffer[index]``; may point past the end."""
    T.evaluate(tirx.call_llvm_intrin("void", "llvm.prefetch", tirx.address_of(buffer[index]), i32(0), i32(3), i32(1)))


def to_float(vector: Any, width: int = WIDTH) -> Any:
    """Convert a vector of numbers to float32."""
    return vector.astype(f"float32x{width}")


def to_half(vector: Any, width: int = WIDTH) -> Any:
    """Convert a vector of float32 to float16."""
    return vector.astype(f"float16x{width}")


def largest(vector: Any) -> Any:
    """The largest of a float vector."""
    return llvm("float32", "llvm.vector.reduce.fmax", vector)


def total(vector: Any) -> Any:
    """The sum of a float vector."""
    return llvm("float32", "llvm.vector.reduce.fadd", f32(0.0), vector)


def total_int(vector: Any) -> Any:
    """The sum of an int32 vector."""
    return llvm("int32", "llvm.vector.reduce.add", vector)


_EXP_COEFFICIENTS = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
"""Of Cephes' expf: exp(r) = 1 + r + r^2 * polynomial(r) for |r| <= ln(2) / 2."""


def exp(x: Any) -> Any:
    """Exponential of each float, without the C library; relative error below 2e-7, 0 under -87."""
    x = tirx.max(tirx.min(x, floats(88.0)), floats(-87.3))
    n = bind(tirx.nearbyint(x * floats(1.4426950408889634)))
    r = bind(x - n * floats(0.693359375) + n * floats(2.12194440e-4))
    polynomial = floats(_EXP_COEFFICIENTS[0])
    for coefficient in _EXP_COEFFICIENTS[1:]:
        polynomial = polynomial * r + floats(coefficient)
    power = (n.astype("int32x16") + splat(i32(127))) << splat(i32(23))
    return (polynomial * r * r + r + floats(1.0)) * tirx.reinterpret("float32x16", power)


def exp_scalar(x: Any) -> Any:
    """Exponential of one float."""
    result = Register(exp(splat(x)))
    return bind(total(result.get()) * f32(1.0 / WIDTH))
