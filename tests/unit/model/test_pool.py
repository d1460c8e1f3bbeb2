"""The pool: one turn at a time per engine, a limited number of engines, and none that is dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.helpers.clock import VirtualClock
from tests.helpers.random_decoder import SMALL
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import EngineDied, EngineError, LibraryMismatch, ModelError, ModelNotFound
from tether_desktop.model.catalog import Catalog
from tether_desktop.model.demand import Demand
from tether_desktop.model.engine import Engine, EngineSpec, GenerationRequest, OnProgress, PromptPiece
from tether_desktop.model.entry import ModelEntry
from tether_desktop.model.host import HostedEngine
from tether_desktop.model.memory_fit import Memory, Needs
from tether_desktop.model.pool import EnginePool
from tether_desktop.model.scripted import ScriptedEngine
from tether_desktop.model.slot import ModelState, Timer

GB = 1_000_000_000
QUESTION = GenerationRequest("session", (PromptPiece("Hi"),))
MakePool = Callable[..., EnginePool]


class Gate(ScriptedEngine):
    """A scripted engine in this process whose load waits for the test, and which can be told to die."""

    made: list[Gate]

    def __init__(self, spec: EngineSpec) -> None:
        super().__init__(spec, clock=VirtualClock())
        self.name = spec.model
        self.spec = spec
        self.may_load = asyncio.Event()
        self.closed = False
        self.death: asyncio.Future[EngineDied] = asyncio.get_running_loop().create_future()
        self.made.append(self)

    async def load(self, on_progress: OnProgress) -> Any:
        on_progress(0.5)
        await self.may_load.wait()
        return await super().load(on_progress)

    async def close(self) -> None:
        self.closed = True


class Open(Gate):
    """The same, with its gate open."""

    def __init__(self, spec: EngineSpec) -> None:
        super().__init__(spec)
        self.may_load.set()


@pytest.fixture(autouse=True)
def engines() -> list[Gate]:
    Gate.made = []
    return Gate.made


@pytest.fixture
async def make_pool(tmp_path: Path) -> AsyncIterator[MakePool]:
    pools: list[EnginePool] = []
    for name in "ABC":
        write_scripted_model(tmp_path, name, replies=[{"steps": [name]}])

    def make(make_engine: Callable[[EngineSpec], Engine] = Open, **options: Any) -> EnginePool:
        pools.append(EnginePool(Catalog([tmp_path]), make_engine=make_engine, **options))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


class Turn:
    """A turn in a task: borrows an engine and keeps it until told to give it back."""

    def __init__(self, pool: EnginePool, model: str) -> None:
        self.stages: list[tuple[str, float | None]] = []
        self.told, self.has_engine, self.give_back = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.engine: Engine | None = None
        self.task = asyncio.create_task(self._run(pool, model))

    async def _run(self, pool: EnginePool, model: str) -> None:
        async with pool.lend(model, self._hear) as self.engine:
            self.has_engine.set()
            await self.give_back.wait()

    def _hear(self, stage: str, progress: float | None) -> None:
        self.stages.append((stage, progress))
        self.told.set()

    async def begun(self) -> Turn:
        await self.has_engine.wait()
        return self

    async def end(self) -> None:
        self.give_back.set()
        await self.task


async def settle() -> None:
    """Let every task go on as far as it can without a thread or a process."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(pool: EnginePool, condition: Callable[[], bool]) -> None:
    """Wait for a change of the pool's states after which the condition holds."""
    changed = asyncio.Event()
    unsubscribe = pool.subscribe(changed.set)
    while not condition():
        changed.clear()
        await changed.wait()
    unsubscribe()


def state(pool: EnginePool, model: str) -> str:
    return pool.states().get(model, ModelState()).state


def half_loaded(pool: EnginePool) -> bool:
    return pool.states().get("A", ModelState()).progress == 0.5


async def test_an_engine_is_loaded_at_its_first_turn_and_kept(make_pool: MakePool, engines: list[Gate]) -> None:
    pool = make_pool()
    first = await Turn(pool, "A").begun()
    assert first.stages == [("loading_model", 0.5), ("loading_model", 0.0), ("loading_model", 1.0)]
    assert state(pool, "A") == "busy"
    await first.end()
    assert state(pool, "A") == "ready"
    second = await Turn(pool, "A").begun()
    assert second.stages == []
    await second.end()
    assert len(engines) == 1


async def test_turns_on_one_engine_wait_for_each_other_in_order(make_pool: MakePool) -> None:
    pool = make_pool()
    first = await Turn(pool, "A").begun()
    second, third = Turn(pool, "A"), Turn(pool, "A")
    await settle()
    assert second.stages == third.stages == [("queued", None)]
    await first.end()
    await second.begun()
    await settle()
    assert not third.has_engine.is_set()
    await second.end()
    await (await third.begun()).end()


async def test_two_models_answer_at_once(make_pool: MakePool) -> None:
    pool = make_pool()
    first, second = await Turn(pool, "A").begun(), await Turn(pool, "B").begun()
    assert (state(pool, "A"), state(pool, "B")) == ("busy", "busy")
    await first.end()
    await second.end()


async def test_the_least_recently_used_engine_goes_first(make_pool: MakePool, engines: list[Gate]) -> None:
    pool = make_pool(capacity=2)
    for model in "ABA":
        await (await Turn(pool, model).begun()).end()
    await (await Turn(pool, "C").begun()).end()
    assert [engine.name for engine in engines if engine.closed] == ["B"]
    assert [state(pool, model) for model in "ABC"] == ["ready", "unloaded", "ready"]


async def test_a_load_waits_for_room_when_every_engine_answers(make_pool: MakePool, engines: list[Gate]) -> None:
    pool = make_pool(capacity=1)
    first = await Turn(pool, "A").begun()
    second = Turn(pool, "B")
    await second.told.wait()
    assert second.stages == [("queued", None)]
    assert state(pool, "B") == "loading"
    assert [engine.name for engine in engines] == ["A"]
    await first.end()
    await second.begun()
    assert state(pool, "A") == "unloaded"
    await second.end()


async def test_two_models_that_fight_for_one_place_both_get_their_turn(make_pool: MakePool) -> None:
    pool = make_pool(capacity=1)
    turns = [Turn(pool, model) for model in "ABAB"]
    for turn in turns:
        turn.give_back.set()
    await asyncio.gather(*(turn.task for turn in turns))
    assert all(turn.engine is not None for turn in turns)


async def test_an_unknown_model_does_not_unload_another(make_pool: MakePool) -> None:
    pool = make_pool(capacity=1)
    await (await Turn(pool, "A").begun()).end()
    with pytest.raises(ModelNotFound):
        await Turn(pool, "Nobody").task
    assert (state(pool, "A"), state(pool, "Nobody")) == ("ready", "failed")


async def test_a_failed_load_is_told_and_tried_again_next_time(make_pool: MakePool, tmp_path: Path) -> None:
    write_scripted_model(tmp_path, "A", load=[{"raise": {"code": "library_mismatch", "message": "Wrong."}}])
    pool = make_pool()
    with pytest.raises(LibraryMismatch):
        await Turn(pool, "A").task
    assert state(pool, "A") == "failed"
    assert isinstance(pool.states()["A"].error, LibraryMismatch)
    write_scripted_model(tmp_path, "A")
    await (await Turn(pool, "A").begun()).end()
    assert pool.states()["A"].error is None


async def test_an_unexpected_failure_of_a_load_is_not_shown_raw(make_pool: MakePool, tmp_path: Path) -> None:
    write_scripted_model(tmp_path, "A", load=[{"bug": "oops"}])
    pool = make_pool()
    with pytest.raises(RuntimeError, match="oops"):
        await Turn(pool, "A").task
    assert "fault of the program" in str(pool.states()["A"].error)


async def test_a_dead_engine_is_replaced_at_the_next_turn(make_pool: MakePool, engines: list[Gate]) -> None:
    pool = make_pool()
    turn = await Turn(pool, "A").begun()
    engines[0].death.set_result(EngineDied("T", "M", "H"))
    await turn.end()
    assert state(pool, "A") == "failed"
    again = await Turn(pool, "A").begun()
    assert again.engine is engines[1]
    await again.end()


async def test_an_engine_that_dies_while_idle_is_seen_and_frees_its_place(
    make_pool: MakePool, engines: list[Gate]
) -> None:
    pool = make_pool(capacity=1)
    await (await Turn(pool, "A").begun()).end()
    engines[0].death.set_result(EngineDied("T", "M", "H"))
    await until(pool, lambda: state(pool, "A") == "failed")
    assert isinstance(pool.states()["A"].error, EngineDied)
    await (await Turn(pool, "B").begun()).end()


async def test_loading_ahead_reports_progress_and_the_turn_starts_at_once(make_pool: MakePool) -> None:
    pool, seen = make_pool(), list[float]()
    await pool.load("A", seen.append)
    assert seen == [0.5, 0.0, 1.0]
    turn = await Turn(pool, "A").begun()
    assert turn.stages == []
    await turn.end()


async def test_those_who_wait_for_one_load_share_it(make_pool: MakePool, engines: list[Gate]) -> None:
    pool = make_pool(Gate)
    ahead, turn = asyncio.create_task(pool.load("A", lambda _: None)), Turn(pool, "A")
    await until(pool, lambda: half_loaded(pool))
    ahead.cancel()
    await asyncio.wait([ahead])
    assert state(pool, "A") == "loading"
    engines[0].may_load.set()
    await (await turn.begun()).end()
    assert len(engines) == 1


async def test_the_last_one_to_give_up_ends_the_load(make_pool: MakePool, engines: list[Gate]) -> None:
    pool = make_pool(Gate)
    turn = Turn(pool, "A")
    await until(pool, lambda: half_loaded(pool))
    turn.task.cancel()
    await asyncio.wait([turn.task])
    assert state(pool, "A") == "unloaded"
    assert engines[0].closed


async def test_giving_up_before_the_load_began_leaves_the_model_loadable(make_pool: MakePool) -> None:
    pool = make_pool()
    turn = Turn(pool, "A")
    await asyncio.sleep(0)
    turn.task.cancel()
    await asyncio.wait([turn.task])
    await (await Turn(pool, "A").begun()).end()


async def test_giving_up_in_the_queue_does_not_disturb_the_others(make_pool: MakePool) -> None:
    pool = make_pool()
    first = await Turn(pool, "A").begun()
    second, third = Turn(pool, "A"), Turn(pool, "A")
    await settle()
    second.task.cancel()
    await asyncio.wait([second.task])
    await first.end()
    await (await third.begun()).end()


async def test_unloading_frees_the_engine(make_pool: MakePool, engines: list[Gate]) -> None:
    pool = make_pool()
    await pool.load("A", lambda _: None)
    await pool.unload("A")
    assert engines[0].closed
    assert state(pool, "A") == "unloaded"
    await pool.unload("A")
    await pool.unload("Nobody")


async def test_unloading_a_model_that_answers_is_refused(make_pool: MakePool) -> None:
    pool = make_pool()
    turn = await Turn(pool, "A").begun()
    with pytest.raises(EngineError, match="Stop the answer first"):
        await pool.unload("A")
    await turn.end()


async def test_unloading_a_model_that_loads_stops_the_load(make_pool: MakePool, engines: list[Gate]) -> None:
    pool = make_pool(Gate)
    turn = Turn(pool, "A")
    await until(pool, lambda: half_loaded(pool))
    await pool.unload("A")
    with pytest.raises(EngineError, match="Loading was stopped"):
        await turn.task
    assert engines[0].closed
    assert state(pool, "A") == "unloaded"


async def test_every_change_is_announced_until_unsubscribed(make_pool: MakePool) -> None:
    pool, seen = make_pool(), list[str]()
    unsubscribe = pool.subscribe(lambda: seen.append(state(pool, "A")))
    await (await Turn(pool, "A").begun()).end()
    assert seen == ["loading", "loading", "loading", "loading", "ready", "busy", "ready"]
    unsubscribe()
    await pool.unload("A")
    assert seen[-1] == "ready"


async def test_the_state_tells_what_was_loaded(make_pool: MakePool) -> None:
    pool = make_pool()
    await pool.load("A", lambda _: None)
    info = pool.states()["A"].info
    assert info is not None
    assert info.device == "Scripted"


@pytest.mark.parametrize(("setting", "window"), [(0, 2048), (512, 512), (100_000, 2048)])
async def test_the_context_window_is_the_setting_but_never_more_than_the_model_s(
    make_pool: MakePool, engines: list[Gate], setting: int, window: int
) -> None:
    await make_pool(context_window=setting, threads=3).load("A", lambda _: None)
    assert (engines[0].spec.context_window, engines[0].spec.threads) == (window, 3)


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

    monkeypatch.setattr("tether_desktop.model.pool.demand_of", demand)
    for name in "123456789":
        write_scripted_model(tmp_path, name)

    def make(total: int, make_engine: Callable[[EngineSpec], Engine] = Open, **options: Any) -> EnginePool:
        return make_pool(make_engine, measure=Computer(engines, total).measure, capacity=9, **options)

    return make


async def use(pool: EnginePool, *models: str) -> None:
    for model in models:
        await (await Turn(pool, model).begun()).end()


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
    await use(make_pool_with(9), "1")
    await use(make_pool_with(9, cache_bytes=123), "1")
    assert [engine.spec.cache_bytes for engine in engines] == [2 * GB, 123]


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


async def test_closing_ends_engines_and_loads(make_pool: MakePool, engines: list[Gate]) -> None:
    pool = make_pool(Gate)
    ready = asyncio.create_task(pool.load("A", lambda _: None))
    await until(pool, lambda: bool(engines))
    engines[0].may_load.set()
    await ready
    loading = asyncio.create_task(pool.load("B", lambda _: None))
    await until(pool, lambda: len(engines) == 2)
    await pool.close()
    assert [engine.closed for engine in engines] == [True, True]
    with pytest.raises(EngineError, match="Loading was stopped"):
        await loading
    with pytest.raises(EngineError, match="closing"):
        await pool.load("A", lambda _: None)


async def test_a_killed_process_costs_one_reply_and_the_next_turn_starts_another(
    make_pool: MakePool, tmp_path: Path
) -> None:
    write_scripted_model(tmp_path, "A", replies=[{"steps": ["So", {"wait": True}]}])
    pool = make_pool(HostedEngine)
    said: list[str] = []

    async def be_killed() -> None:
        async with pool.lend("A", lambda *_: None) as engine:
            async for chunk in engine.generate(QUESTION):
                said.append(chunk.text)
                (child,) = psutil.Process().children()
                child.kill()

    with pytest.raises(EngineDied):
        await be_killed()
    assert said == ["So"]
    assert state(pool, "A") == "failed"
    write_scripted_model(tmp_path, "A", replies=["Fine."])
    async with pool.lend("A", lambda *_: None) as engine:
        assert "".join([chunk.text async for chunk in engine.generate(QUESTION)]) == "Fine."
