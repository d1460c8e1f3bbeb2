"""The pool keeps to its limits: memory, which it asks for before it loads, and time, after which it unloads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.decoder_shapes import SMALL
from tests.helpers.gated_engines import Gate, Open, Turn, settle, state, until, use
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import EngineDied, EngineError, ModelError
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.engine import Engine, EngineSpec
from tether_desktop.model.pool.demand import Demand
from tether_desktop.model.pool.memory_fit import Memory, Needs
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.pool.slot import Timer

GB = 1_000_000_000
MakePool = Callable[..., EnginePool]


class Computer:
    """Memory that engines take while they are open, in gigabytes; models need what their names say."""

    def __init__(self, engines: list[Gate], total: int) -> None:
        self.engines = engines
        self.total = total

    def measure(self) -> Memory:
        taken = sum(int(engine.name) for engine in self.engines if not engine.closed)
        return Memory((self.total - taken) * GB)


@pytest.fixture
def make_pool_with(
    make_pool: MakePool, engines: list[Gate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MakePool:
    """Makes pools on a computer of so much memory, for models of 1 to 9 gigabytes that are named so."""

    def demand(entry: ModelEntry, window: int) -> Demand:
        return Demand(Needs(0, 0, int(entry.name) * GB), window, SMALL)

    monkeypatch.setattr("tether_desktop.model.pool.pool.demand_of", demand)
    for name in "123456789":
        write_scripted_model(tmp_path, name)

    def make(total: int, make_engine: Callable[[EngineSpec], Engine] = Open, **options: Any) -> EnginePool:
        return make_pool(make_engine, measure=Computer(engines, total).measure, capacity=9, **options)

    return make


async def test_as_many_models_stay_loaded_as_memory_allows(make_pool_with: MakePool) -> None:
    pool = make_pool_with(8)
    await use(pool, "2", "3", "1", "2", "4")
    assert {name: held.state for name, held in pool.states().items()} == {
        "2": "ready",
        "3": "unloaded",
        "1": "ready",
        "4": "ready",
    }


async def test_what_will_not_fit_is_refused_before_anything_is_loaded_or_unloaded(
    make_pool_with: MakePool, engines: list[Gate]
) -> None:
    pool = make_pool_with(6)
    await use(pool, "2", "3")
    with pytest.raises(EngineError, match=r"9 needs 9\.0 GB .*; 6\.0 GB can be had"):
        await Turn(pool, "9").task
    assert [engine.closed for engine in engines] == [False, False]
    assert isinstance(pool.states()["9"].error, EngineError)


async def test_a_load_waits_for_the_memory_of_a_model_that_answers(make_pool_with: MakePool) -> None:
    pool = make_pool_with(6)
    first = await Turn(pool, "4").begun()
    second = Turn(pool, "3")
    await second.told.wait()
    assert second.stages == [("queued", None)]
    await first.end()
    await (await second.begun()).end()
    assert (state(pool, "4"), state(pool, "3")) == ("unloaded", "ready")


async def test_a_load_behind_one_that_waits_is_told_so_as_well(make_pool_with: MakePool) -> None:
    pool = make_pool_with(6)
    first = await Turn(pool, "4").begun()
    second, third = Turn(pool, "3"), Turn(pool, "5")
    for waiting in (second, third):
        await waiting.told.wait()
    assert second.stages == third.stages == [("queued", None)]
    await first.end()
    second.give_back.set()
    third.give_back.set()
    await asyncio.gather(second.task, third.task)


async def test_two_loads_do_not_both_count_on_the_same_memory(make_pool_with: MakePool, engines: list[Gate]) -> None:
    pool = make_pool_with(6, Gate)
    first = Turn(pool, "4")
    await until(pool, lambda: bool(engines))
    second = Turn(pool, "3")
    await second.told.wait()
    assert second.stages == [("queued", None)]
    assert [engine.name for engine in engines] == ["4"]
    engines[0].may_load.set()
    await (await first.begun()).end()
    await until(pool, lambda: len(engines) == 2)
    engines[1].may_load.set()
    await (await second.begun()).end()


async def test_a_failed_load_gives_its_memory_to_the_next(make_pool_with: MakePool, tmp_path: Path) -> None:
    pool = make_pool_with(6)
    write_scripted_model(tmp_path, "4", load=[{"raise": {"code": "model_error", "message": "Broken."}}])
    with pytest.raises(ModelError):
        await Turn(pool, "4").task
    await use(pool, "5")


async def test_engines_are_told_how_much_chats_may_take(make_pool_with: MakePool, engines: list[Gate]) -> None:
    await use(make_pool_with(3), "1")
    await use(make_pool_with(9, cache_bytes=123), "1")
    assert [engine.spec.cache_bytes for engine in engines] == [GB // 2, 123]


class Timers:
    """Timers that the test lets go off."""

    def __init__(self) -> None:
        self.waiting: dict[asyncio.Future[None], tuple[float, Callable[[], None]]] = {}

    def __call__(self, seconds: float, callback: Callable[[], None]) -> Timer:
        timer = asyncio.get_running_loop().create_future()
        timer.add_done_callback(lambda _: self.waiting.pop(timer, None))
        self.waiting[timer] = seconds, callback
        return timer  # type: ignore[return-value]

    def go_off(self) -> None:
        for timer, (_, callback) in list(self.waiting.items()):
            if not timer.cancelled():
                callback()


async def test_an_engine_that_nobody_uses_is_unloaded_in_the_end(make_pool: MakePool, engines: list[Gate]) -> None:
    timers = Timers()
    pool = make_pool(idle_seconds=60, call_later=timers)
    await use(pool, "A")
    await settle()
    assert [seconds for seconds, _ in timers.waiting.values()] == [60]
    timers.go_off()
    await until(pool, lambda: state(pool, "A") == "unloaded")
    await settle()
    assert engines[0].closed
    await use(pool, "A")
    assert len(engines) == 2


async def test_each_use_puts_unloading_off(make_pool: MakePool) -> None:
    timers = Timers()
    pool = make_pool(idle_seconds=60, call_later=timers)
    await pool.load("A", lambda _: None)
    after_loading = list(timers.waiting)
    assert len(after_loading) == 1
    turn = await Turn(pool, "A").begun()
    await settle()
    assert timers.waiting == {}
    await turn.end()
    assert len(timers.waiting) == 1
    assert list(timers.waiting) != after_loading


async def test_an_engine_that_answers_is_never_unloaded_by_time(make_pool: MakePool, engines: list[Gate]) -> None:
    timers = Timers()
    pool = make_pool(idle_seconds=60, call_later=timers)
    await pool.load("A", lambda _: None)
    late = [callback for _, callback in timers.waiting.values()]
    turn = await Turn(pool, "A").begun()
    for callback in late:
        callback()
    await settle()
    assert state(pool, "A") == "busy"
    await turn.end()
    assert not engines[0].closed


async def test_without_a_limit_engines_stay_for_good(make_pool: MakePool) -> None:
    timers = Timers()
    await use(make_pool(call_later=timers), "A")
    assert timers.waiting == {}


@pytest.mark.parametrize("ending", ["unload", "death", "close"])
async def test_no_timer_is_left_of_an_engine_that_is_gone(
    make_pool: MakePool, engines: list[Gate], ending: str
) -> None:
    timers = Timers()
    pool = make_pool(idle_seconds=60, call_later=timers)
    await use(pool, "A")
    if ending == "unload":
        await pool.unload("A")
    elif ending == "death":
        engines[0].death.set_result(EngineDied("T", "M", "H"))
    else:
        await pool.close()
    await settle()
    assert timers.waiting == {}


async def test_a_model_that_is_being_unloaded_is_loaded_again_once_it_is_gone(
    make_pool: MakePool, engines: list[Gate]
) -> None:
    class Lingering(Open):
        may_close: asyncio.Event

        async def close(self) -> None:
            await self.may_close.wait()
            await super().close()

    Lingering.may_close = asyncio.Event()
    timers = Timers()
    pool = make_pool(Lingering, capacity=1, idle_seconds=60, call_later=timers)
    await use(pool, "A")
    timers.go_off()
    await until(pool, lambda: state(pool, "A") == "unloaded")
    again = Turn(pool, "A")
    await again.told.wait()
    assert again.stages == [("queued", None)]
    assert len(engines) == 1
    Lingering.may_close.set()
    await (await again.begun()).end()
    assert [engine.closed for engine in engines] == [True, False]
