"""The governor finds the faster number of threads, and notices when that changes."""

from __future__ import annotations

from tether_desktop.model.tvm.threads import FIRST_PROBE, LONGEST_WAIT, ThreadGovernor


class FakeRuntime:
    """Counts threads without having any."""

    threads = 4

    def __init__(self) -> None:
        self.used: list[int] = []

    def use_threads(self, count: int) -> None:
        self.used.append(count)


def run(governor: ThreadGovernor, seconds: dict[int, float], calls: int) -> list[int]:
    """The threads of each of so many calls, which take ``seconds`` by their number of threads."""
    used = []
    for _ in range(calls):
        used.append(governor.count)
        governor.note(seconds[governor.count])
    return used


def test_it_begins_with_all_threads_and_stays_there_while_they_are_faster() -> None:
    used = run(ThreadGovernor(FakeRuntime()), {4: 1.0, 1: 3.0}, 300)
    assert used[0] == 4
    assert used.count(1) * 2.0 < 0.05 * 300


def test_it_goes_to_one_thread_when_all_are_slower() -> None:
    used = run(ThreadGovernor(FakeRuntime()), {4: 5.0, 1: 1.0}, 400)
    assert used[FIRST_PROBE + 1] == 1
    assert used[FIRST_PROBE + 1 :].count(4) * 4.0 < 0.05 * 400


def test_it_leaves_threads_at_once_that_have_become_slow() -> None:
    governor = ThreadGovernor(FakeRuntime())
    run(governor, {4: 1.0, 1: 3.0}, 50)
    used = run(governor, {4: 20.0, 1: 3.0}, 10)
    assert used[2:].count(1) == 8


def test_it_comes_back_when_the_cores_are_free_again() -> None:
    governor = ThreadGovernor(FakeRuntime())
    run(governor, {4: 50.0, 1: 1.0}, 100)
    used = run(governor, {4: 0.5, 1: 1.0}, LONGEST_WAIT + 20)
    assert used[-10:].count(4) >= 9


def test_a_call_runs_on_the_threads_that_were_chosen() -> None:
    runtime = FakeRuntime()
    governor = ThreadGovernor(runtime)
    governor.pin(2)
    with governor.measured():
        pass
    assert runtime.used == [2]


def test_a_pinned_number_stays() -> None:
    governor = ThreadGovernor(FakeRuntime())
    governor.pin(4)
    assert set(run(governor, {4: 9.0}, 100)) == {4}
