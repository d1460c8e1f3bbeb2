"""Who is loaded, who goes, who waits and who is refused, for given engines and given memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.helpers.decoder_shapes import SMALL
from tether_desktop.errors import EngineError
from tether_desktop.model.pool import admission
from tether_desktop.model.pool.admission import MOST_CACHE_BYTES, Admission, Admit, Evict, Wait
from tether_desktop.model.pool.demand import Demand
from tether_desktop.model.pool.memory_fit import Memory, Needs, largest_context, needs_of
from tether_desktop.model.pool.slot import Slot
from tether_desktop.model.scripted.engine import ScriptedEngine

GB = 1_000_000_000
BIG = replace(SMALL, layers=32, kv_heads=8, heads=8, head_dim=128, rotary_dim=128)


class Engine(ScriptedEngine):
    """Stands for a loaded one; nobody talks to it."""

    def __init__(self) -> None:
        pass


def slot(name: str, gigabytes: float = 0, *, last_use: int = 0, local: bool = True, certain: bool = True) -> Slot:
    """A slot without an engine."""
    made = Slot(name)
    needs = Needs(int(gigabytes * GB), 0, 0)
    made.demand = Demand(needs, 4096, BIG if certain else None, local)
    made.last_use = last_use
    return made


def loaded(name: str, gigabytes: float = 0, *, busy: bool = False, **options: bool | int) -> Slot:
    made = slot(name, gigabytes, **options)  # type: ignore[arg-type]
    made.engine = Engine()
    if busy:
        asyncio.run(made.turn.acquire())
    return made


def decide(wanted: Slot, *others: Slot, free: float = 0, capacity: int = 9) -> Admit | Evict | Wait:
    return Admission(capacity).decide(wanted, others, Memory(int(free * GB)))


@pytest.fixture(autouse=True)
def mapped_weights_are_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are those of a system that does not count them as available."""
    monkeypatch.setattr(admission, "_MAPPED_COUNTS_AS_FREE", False)


def test_a_model_that_fits_is_admitted_beside_the_others() -> None:
    assert isinstance(decide(slot("new", 2), loaded("a", 5), loaded("b", 5), free=4), Admit)


def test_a_model_that_is_tight_is_admitted() -> None:
    assert isinstance(decide(slot("new", 3.9), free=4), Admit)


def test_of_the_idle_ones_that_used_longest_ago_goes_first() -> None:
    others = (loaded("a", 2, last_use=3), loaded("b", 2, last_use=1), loaded("c", 2, last_use=2))
    assert decide(slot("new", 3), *others, free=1) == Evict(others[1])


def test_one_that_answers_is_waited_for() -> None:
    assert decide(slot("new", 3), loaded("a", 3, busy=True), free=1) == Wait()


def test_an_idle_one_goes_before_one_that_answers_is_waited_for() -> None:
    idle = loaded("idle", 1, last_use=9)
    assert decide(slot("new", 3), loaded("busy", 3, busy=True, last_use=1), idle, free=1) == Evict(idle)


def test_engines_that_would_free_no_memory_stay() -> None:
    others = (loaded("remote", local=False, last_use=1), loaded("a", 3, last_use=2))
    assert decide(slot("new", 3), *others, free=1) == Evict(others[1])


def test_a_load_under_way_has_its_memory_already() -> None:
    loading = slot("loading", 3)
    loading.reserved = True
    assert isinstance(decide(slot("new", 2), loading, free=6), Admit)
    assert decide(slot("new", 4), loading, free=6) == Wait()


def test_what_a_load_under_way_has_taken_already_is_not_missed_twice() -> None:
    loading = slot("loading", 3)
    loading.reserved = True
    assert decide(slot("new", 5), loading, free=3) == Wait()


def test_one_that_is_leaving_is_waited_for() -> None:
    leaving = slot("leaving", 3)
    leaving.leaving = True
    assert decide(slot("new", 3), leaving, free=1) == Wait()


def test_what_will_not_fit_is_refused_before_anybody_has_to_go() -> None:
    with pytest.raises(EngineError, match="does not fit") as error:
        decide(slot("Huge", 20), loaded("a", 2), loaded("b", 3), free=1)
    assert error.value.message == "Huge needs 20.0 GB with a context window of 4,096 tokens; 6.0 GB can be had."


def test_what_does_not_fit_after_all_have_gone_is_refused() -> None:
    with pytest.raises(EngineError, match=r"needs 3\.0 GB .* 1\.0 GB can be had"):
        decide(slot("new", 3), loaded("remote", local=False, busy=True), free=1)


def test_the_refusal_names_a_context_window_that_fits() -> None:
    wanted = slot("Long")
    wanted.demand = Demand(needs_of(BIG, 131_072), 131_072, BIG)
    with pytest.raises(EngineError) as error:
        decide(wanted, free=4)
    window = largest_context(BIG, Memory(4 * GB))
    assert window > 0
    assert error.value.hint.startswith(f"Set the context window to {window:,} tokens or fewer, close other programs")
    wanted.demand = Demand(needs_of(BIG, window), window, BIG)
    assert isinstance(decide(wanted, free=4), Admit)


def test_the_refusal_names_no_window_where_none_fits() -> None:
    wanted = slot("Long")
    wanted.demand = Demand(needs_of(BIG, 131_072), 131_072, BIG)
    with pytest.raises(EngineError) as error:
        decide(wanted, free=0.01)
    assert error.value.hint == "Close other programs, or choose a smaller model."


def test_a_guess_makes_room_but_refuses_nobody() -> None:
    guessed = slot("official", 5, certain=False)
    idle = loaded("a", 2)
    assert decide(guessed, idle, free=1) == Evict(idle)
    assert isinstance(decide(guessed, loaded("a", 2, busy=True), free=1), Admit)
    assert isinstance(decide(guessed, free=1), Admit)


def test_there_are_never_more_engines_than_allowed() -> None:
    idle, busy = loaded("idle", last_use=1), loaded("busy", busy=True)
    assert decide(slot("new"), idle, busy, free=9, capacity=2) == Evict(idle)
    assert decide(slot("new"), busy, free=9, capacity=1) == Wait()


def test_models_of_a_server_do_not_count() -> None:
    remote = loaded("remote", local=False)
    assert isinstance(decide(slot("new", 1), remote, free=9, capacity=1), Admit)
    assert isinstance(decide(slot("remote", local=False), loaded("a", 1), free=9, capacity=1), Admit)
    local = loaded("a", last_use=2)
    assert decide(slot("new"), remote, local, free=9, capacity=1) == Evict(local)


def test_mapped_weights_are_no_free_memory_even_where_the_system_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_MAPPED_COUNTS_AS_FREE", True)
    other = loaded("a", 5)
    assert decide(slot("new", 4), other, free=8) == Evict(other)
    assert isinstance(decide(slot("new", 4), free=8), Admit)
    with pytest.raises(EngineError, match=r"8\.0 GB can be had"):
        decide(slot("new", 9), other, free=8)


@pytest.mark.parametrize(
    ("setting", "free", "window", "expected"),
    [
        (123, 8.0, 0.1, 123),
        (0, 4.0, 0.1, 0.5),
        (0, 8.0, 1.75, 1.75),
        (0, 100.0, 0.1, MOST_CACHE_BYTES / GB),
        (0, 100.0, 5.0, 5.0),
    ],
    ids=["as set", "a quarter of what is left", "one window at least", "not without end", "one window in any case"],
)
def test_chats_get_their_share_of_memory(setting: int, free: float, window: float, expected: float) -> None:
    wanted = slot("new")
    wanted.demand = Demand(Needs(int(1.5 * GB), int(window * GB), int(0.5 * GB)), 4096, BIG)
    step = Admission(9, setting).decide(wanted, (), Memory(int(free * GB)))
    assert step == Admit(setting or int(expected * GB))


async def test_a_slot_is_idle_only_while_nobody_has_its_turn() -> None:
    made = loaded("a")
    assert made.idle()
    async with asyncio.timeout(5), made.turn:
        assert not made.idle()
