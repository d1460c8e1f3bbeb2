"""The instruction sets we compile for, and how each multiplies bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tvm
from tvm import tirx

from tether_desktop.model.compiler.vector_ir import i32, llvm, splat


@dataclass(frozen=True)
class Isa:
    """An instruction set.

    Attributes:
        name: as in the library's metadata and :mod:`tether_desktop.model.cpu`.
        cpu: the oldest LLVM processor that has it; a newer one would bring instructions of its own.
        features: LLVM features on top of (or taken from) that processor's.
        rows: int32 sums in a register, which is rows of a weight tile handled at once.
        tokens: prompt tokens kept in registers while a weight tile is used.
        registers: float vectors of 16 that attention may keep in registers.
    """

    name: str
    cpu: str
    features: tuple[str, ...]
    rows: int
    tokens: int
    registers: int

    @property
    def target(self) -> tvm.target.Target:
        """The TVM target, for this machine's operating system."""
        return tvm.target.Target({"kind": "llvm", "mcpu": self.cpu, "mattr": list(self.features)})

    @property
    def zero_point_8bit(self) -> int:
        """What an 8-bit weight's stored byte is off by in :meth:`dot` (see there)."""
        return 0 if self.name == "avx2" else 128

    def dot(self, weights: Sequence[Any], activations: Sequence[Any], bits: int) -> Any:
        """Sum of products over a group of 32 columns, for ``rows`` rows at once.

        Args:
            weights: eight vectors uint8[rows * 4]; vector j holds columns 4j..4j+3 of each row.
            activations: eight vectors int8[rows * 4]; vector j repeats columns 4j..4j+3.
            bits: of a weight. With 4 the bytes are 0..15, with 5 0..31. With 8 they are w + 128, and the
                result is off by ``zero_point_8bit`` times the sum of the activations.

        Returns:
            int32[rows].
        """
        if self.name == "avx2":
            return _dot_avx2_8bit(weights, activations) if bits == 8 else _dot_avx2(weights, activations, bits)
        width = self.rows * 32
        result = splat(i32(0), self.rows)
        for weight, activation in zip(weights, activations, strict=True):
            result = llvm(f"int32x{self.rows}", f"llvm.x86.avx512.vpdpbusd.{width}", result, weight, activation)
        return result


def _dot_avx2(weights: Sequence[Any], activations: Sequence[Any], bits: int) -> Any:
    # A sum of so many times two products of at most 15 * 127, or 31 * 127, stays below 2^15.
    together = 8 if bits == 4 else 4
    pairs = [
        llvm("int16x16", "llvm.x86.avx2.pmadd.ub.sw", weight, activation)
        for weight, activation in zip(weights, activations, strict=True)
    ]
    sums = [_add_pairs(sum(pairs[i + 1 : i + together], pairs[i])) for i in range(0, 8, together)]
    return sum(sums[1:], sums[0])


def _dot_avx2_8bit(weights: Sequence[Any], activations: Sequence[Any]) -> Any:
    # pmaddubsw saturates for weights over 127, so the sign moves to the activation: |w| * (x * sign w).
    result = splat(i32(0), 8)
    for weight, activation in zip(weights, activations, strict=True):
        signed = tirx.reinterpret("int8x32", weight ^ splat(tirx.const(128, "uint8"), 32))
        magnitude = tirx.reinterpret(
            "uint8x32", tirx.Select(signed < splat(tirx.const(0, "int8"), 32), -signed, signed)
        )
        moved = llvm("int8x32", "llvm.x86.avx2.psign.b", activation, signed)
        result = result + _add_pairs(llvm("int16x16", "llvm.x86.avx2.pmadd.ub.sw", magnitude, moved))
    return result


def _add_pairs(pairs: Any) -> Any:
    """int16[16] to int32[8], adding neighbours."""
    return llvm("int32x8", "llvm.x86.avx2.pmadd.wd", pairs, splat(tirx.const(1, "int16"), 16))


ISAS = {
    isa.name: isa
    for isa in (
        Isa("avx512_vnni", "cascadelake", ("-prefer-256-bit",), rows=16, tokens=16, registers=24),
        Isa("avx_vnni", "haswell", ("+avxvnni",), rows=8, tokens=4, registers=6),
        Isa("avx2", "haswell", (), rows=8, tokens=4, registers=6),
    )
}
