"""Whether a model can be loaded now, after another has gone, later, or not at all: decided here, done by the pool."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tether_desktop.byte_size import byte_size_text
from tether_desktop.errors import EngineError
from tether_desktop.model.pool.memory_fit import Fit, Memory, judge, largest_context
from tether_desktop.model.pool.slot import Slot

MOST_CACHE_BYTES = 1 << 30
"""Chats kept warm take no more than this unless somebody says so."""

_CACHE_SHARE = 4

_MAPPED_COUNTS_AS_FREE = sys.platform == "linux"
"""Whether the system calls memory available that holds mapped weights, since it could read them again."""


@dataclass(frozen=True, slots=True)
class Admit:
    """Load it; its warm chats may take so many bytes."""

    cache_bytes: int


@dataclass(frozen=True, slots=True)
class Evict:
    """Unload that one first, then ask again."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again when an engine is idle or gone."""


class Admission:
    """Keeps engines within a number and within memory; of the idle ones, that used longest ago goes first."""

    def __init__(self, capacity: int, cache_bytes: int = 0) -> None:
        """Set the limits.

        Args:
            capacity: engines that compute here.
            cache_bytes: for the warm chats of each; 0 takes a quarter of what the model leaves free.
        """
        self._capacity = capacity
        self._cache_bytes = cache_bytes

    def decide(self, wanted: Slot, others: Sequence[Slot], memory: Memory) -> Admit | Evict | Wait:
        """What is to be done so that a model can be loaded.

        Args:
            wanted: its demand is known.
            others: those that take room.
            memory: what the computer has left.

        Raises:
            EngineError: it would not fit if all others were gone.
        """
        left = _left(others, memory)
        fit = judge(wanted.demand.needs, left)
        crowded = wanted.demand.local and sum(other.demand.local for other in others) >= self._capacity
        lacking = fit.verdict == "will_not_fit"
        certain = wanted.demand.shape is not None
        most = obtainable(others, memory)
        if lacking and certain and fit.needed_bytes > most.free_bytes:
            raise _will_not_fit(wanted, fit, most)
        if not crowded and not lacking:
            return Admit(self._cache_budget(fit))
        idle = [other for other in others if other.idle() and _would_help(other, crowded=crowded)]
        if idle:
            return Evict(min(idle, key=lambda other: other.last_use))
        if crowded or (certain and any(other.demand.needs.total for other in others)):
            return Wait()
        if certain:
            raise _will_not_fit(wanted, fit, left)
        return Admit(self._cache_budget(fit))

    def _cache_budget(self, fit: Fit) -> int:
        if self._cache_bytes:
            return self._cache_bytes
        left = fit.free_bytes - fit.parts.weights - fit.parts.working
        return max(fit.parts.cache, min(left // _CACHE_SHARE, MOST_CACHE_BYTES))


def _left(others: Sequence[Slot], memory: Memory) -> Memory:
    """The memory that nobody holds and that nobody was promised."""
    taken = 0
    for other in others:
        if other.reserved:
            taken += other.demand.needs.total
        elif _MAPPED_COUNTS_AS_FREE:
            taken += other.demand.needs.weights
    return Memory(max(memory.free_bytes - taken, 0), max(memory.cached_bytes - taken, 0))


def obtainable(others: Sequence[Slot], memory: Memory) -> Memory:
    """The memory that there would be, at most, if all others were gone."""
    needs = [other.demand.needs for other in others]
    freed = sum(each.total - (each.weights if _MAPPED_COUNTS_AS_FREE else 0) for each in needs)
    return Memory(memory.free_bytes + freed, memory.cached_bytes)


def _would_help(other: Slot, *, crowded: bool) -> bool:
    return other.demand.local if crowded else other.demand.needs.total > 0


def _will_not_fit(slot: Slot, fit: Fit, memory: Memory) -> EngineError:
    window = largest_context(slot.demand.shape, memory) if slot.demand.shape else 0
    smaller = f"Set the context window to {window:,} tokens or fewer, close" if window else "Close"
    return EngineError(
        "The model does not fit into memory",
        f"{slot.name} needs {byte_size_text(fit.needed_bytes)} with a context window of "
        f"{slot.demand.context_window:,} tokens; {byte_size_text(memory.free_bytes)} can be had.",
        f"{smaller} other programs, or choose a smaller model.",
    )
