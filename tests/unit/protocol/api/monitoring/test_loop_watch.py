"""How late the loop is, told on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable

from tether_desktop.model.pool.slot import Timer
from tether_desktop.protocol.api.monitoring.loop_watch import LoopWatch


class Later:
    """Calls what is due when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due = 0.0
        self.call: Callable[[], None] | None = None

    def __call__(self, when: float, call: Callable[[], None]) -> Timer:
        self.due, self.call = when, call
        return self

    def cancel(self) -> None:
        self.call = None

    def arrive(self, *, late: float = 0.0) -> None:
        assert self.call is not None
        self.now = self.due + late
        self.call()


async def test_lateness_is_told_again_and_again_and_is_never_negative() -> None:
    told: list[float] = []
    later = Later()
    watch = LoopWatch(told.append, clock=lambda: later.now, call_at=later)
    for late in (0.0, 0.5, -0.1, 2.0):
        later.arrive(late=late)
    assert told == [0.0, 0.5, 0.0, 2.0]
    watch.close()
    watch.close()
    assert later.call is None


async def test_lateness_does_not_add_up() -> None:
    told: list[float] = []
    later = Later()
    LoopWatch(told.append, clock=lambda: later.now, call_at=later)
    later.arrive(late=10)
    later.arrive()
    assert told == [10, 0]
