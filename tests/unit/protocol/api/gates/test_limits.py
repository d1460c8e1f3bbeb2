"""How many requests there may be in a minute, for each key of its own."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.protocol.api.gates.limits import Allowance


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def test_a_minutes_worth_may_come_at_once_and_then_one_by_one() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    assert [allowance.wait_seconds("key", 6) for _ in range(6)] == [0.0] * 6
    assert allowance.wait_seconds("key", 6) == 10.0
    clock.time += 9
    assert 0 < allowance.wait_seconds("key", 6) <= 1.0
    clock.time += 1
    assert allowance.wait_seconds("key", 6) == 0.0
    assert allowance.wait_seconds("key", 6) == 10.0


def test_keys_do_not_share_their_allowance() -> None:
    allowance = Allowance(Clock())
    assert allowance.wait_seconds("one", 1) == 0.0
    assert allowance.wait_seconds("one", 1) > 0
    assert allowance.wait_seconds("other", 1) == 0.0


def test_what_was_not_used_is_saved_up_for_a_minute_only() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    allowance.wait_seconds("key", 2)
    clock.time += 3600
    assert [allowance.wait_seconds("key", 2) > 0 for _ in range(3)] == [False, False, True]


def test_keys_without_end_take_no_memory_without_end() -> None:
    allowance = Allowance(Clock())
    for number in range(10_000):
        allowance.wait_seconds(str(number), 1)
    assert len(allowance._spent) <= 4096


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.integers(1, 100), st.lists(st.floats(0, 30), max_size=60))
def test_waiting_as_long_as_told_is_always_enough(per_minute: int, pauses: list[float]) -> None:
    clock = Clock()
    allowance = Allowance(clock)
    for pause in pauses:
        clock.time += pause
        wait = allowance.wait_seconds("key", per_minute)
        assert 0 <= wait <= 60 / per_minute + 1e-6
        if wait:
            clock.time += wait + 1e-6
            assert allowance.wait_seconds("key", per_minute) == 0.0
