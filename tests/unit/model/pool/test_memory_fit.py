"""The memory a model takes is known before it is loaded, and judged against what is free."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import pytest

from tests.helpers.decoder_shapes import SMALL
from tether_desktop.model.pool.memory_fit import Memory, Needs, estimate, judge, largest_context, memory_now, needs_of

GB = 10**9
STARTER = replace(
    SMALL, layers=30, hidden=576, intermediate=1536, heads=9, kv_heads=3, head_dim=64, rotary_dim=64, vocab=49152
)


def test_the_weights_are_the_bytes_of_the_stored_tensors() -> None:
    stored = STARTER.stored_tensors().values()
    assert needs_of(STARTER, 0).weights == sum(prod(shape) * np.dtype(kind).itemsize for shape, kind in stored)
    assert 96_000_000 < needs_of(STARTER, 0).weights < 98_500_000


def test_the_cache_grows_with_the_context_window_and_nothing_else_does() -> None:
    small, large = needs_of(STARTER, 2048), needs_of(STARTER, 8192)
    assert small.cache == 2048 * 30 * 2 * 3 * 64 * 2
    assert large == replace(small, cache=4 * small.cache)


def test_a_large_vocabulary_takes_memory_beyond_its_weights() -> None:
    assert needs_of(replace(STARTER, vocab=262_144), 0).working > needs_of(STARTER, 0).working + 100_000_000


@pytest.mark.parametrize(
    ("needed", "memory", "verdict"),
    [
        (1 * GB, Memory(8 * GB), "fits"),
        (6_800_000_000, Memory(8 * GB), "fits"),
        (6_800_000_001, Memory(8 * GB), "tight"),
        (8 * GB, Memory(8 * GB), "tight"),
        (8 * GB + 1, Memory(8 * GB), "will_not_fit"),
        (5 * GB, Memory(8 * GB, cached_bytes=6 * GB), "fits"),
        (5 * GB + 1, Memory(8 * GB, cached_bytes=6 * GB), "tight"),
        (1, Memory(0), "will_not_fit"),
    ],
)
def test_a_reserve_and_half_of_the_page_cache_are_spared(needed: int, memory: Memory, verdict: str) -> None:
    fit = judge(Needs(needed, 0, 0), memory)
    assert (fit.verdict, fit.needed_bytes, fit.free_bytes) == (verdict, needed, memory.free_bytes)


def test_an_estimate_adds_up_its_parts() -> None:
    fit = estimate(STARTER, 4096, Memory(GB))
    assert fit.needed_bytes == fit.parts.weights + fit.parts.cache + fit.parts.working
    assert fit.verdict == "fits"


@pytest.mark.parametrize("free", [GB // 2, GB, 3 * GB])
def test_the_largest_context_is_the_last_that_fits(free: int) -> None:
    memory = Memory(free, cached_bytes=free // 3)
    window = largest_context(STARTER, memory)
    assert window > 0
    assert window % 256 == 0
    assert estimate(STARTER, window, memory).verdict == "fits"
    assert estimate(STARTER, window + 256, memory).verdict != "fits"


def test_without_room_for_the_weights_no_context_fits() -> None:
    assert largest_context(STARTER, Memory(100_000_000)) == 0


def test_this_computer_has_free_memory() -> None:
    memory = memory_now()
    assert 0 <= memory.cached_bytes <= memory.free_bytes
    assert 0 < memory.comfortable_bytes < memory.free_bytes
