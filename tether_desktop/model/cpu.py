"""Which instruction sets this processor has, by the names our compiled libraries carry."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import import_module
from pathlib import Path

ISA_TITLES = {"avx512_vnni": "AVX512-VNNI", "avx_vnni": "AVX-VNNI", "avx2": "AVX2"}
"""Instruction sets we compile for, best first, with the names people know them by."""

_LINUX_NAMES = {
    "AVX2": {"avx2"},
    "FMA3": {"fma"},
    "F16C": {"f16c"},
    "AVX512_SKX": {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"},
    "AVX512VNNI": {"avx512_vnni"},
    "AVX_VNNI": {"avx_vnni"},
}


@cache
def supported_isas() -> tuple[str, ...]:
    """The instruction sets of :data:`ISA_TITLES` that this processor runs, best first.

    Linux tells what both CPUID and itself allow; elsewhere numpy's own detection does, which does not know
    AVX-VNNI, so that AVX2 is used in its place.
    """
    features = _linux_features() or _numpy_features()
    has_avx2 = features.get("AVX2", False) and features.get("FMA3", False) and features.get("F16C", False)
    found = {
        "avx512_vnni": has_avx2 and features.get("AVX512_SKX", False) and features.get("AVX512VNNI", False),
        "avx_vnni": has_avx2 and features.get("AVX_VNNI", False),
        "avx2": has_avx2,
    }
    return tuple(isa for isa in ISA_TITLES if found[isa])


def isa_title(isa: str) -> str:
    """The instruction set's usual name; an unknown one is returned as it is."""
    return ISA_TITLES.get(isa, isa)


def default_threads() -> int:
    """Compute threads to use when nobody said: the cores this process may run on, at most eight.

    Decoding is bound by memory bandwidth, which a few cores saturate.
    """
    if hasattr(os, "sched_getaffinity"):
        return max(1, min(8, len(os.sched_getaffinity(0))))
    return max(1, min(8, os.cpu_count() or 1))


def _linux_features() -> dict[str, bool]:
    """The same names as numpy's, at none of its cost of memory; empty where Linux does not tell."""
    flags = _linux_flags()
    return {name: needed <= flags for name, needed in _LINUX_NAMES.items()} if flags else {}


def _numpy_features() -> dict[str, bool]:
    # Not numpy's public interface, but the only table of what CPUID and the operating system both allow.
    detection = import_module("numpy._core._multiarray_umath")
    return dict(detection.__cpu_features__)


def _linux_flags() -> frozenset[str]:
    if platform.system() != "Linux":
        return frozenset()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.split())
