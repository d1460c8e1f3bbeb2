"""The pool: one turn at a time per engine, a limited number of engines, and none that is dead."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.helpers.gated_engines import Gate, Turn, settle, state, until
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import EngineDied, EngineError, LibraryMismatch, ModelNotFound
from tether_desktop.model.engine import GenerationRequest, PromptPiece
from tether_desktop.model.hosting.host import HostedEngine
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.pool.slot import ModelState

QUESTION = GenerationRequest("session", (PromptPiece("Hi"),))
MakePool = Callable[..., EnginePool]


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


async def test_a_model_that_vanishes_while_it_waits_for_room_is_told(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(capacity=1)
    first, second = await Turn(pool, "A").begun(), Turn(pool, "B")
    await second.told.wait()
    shutil.rmtree(tmp_path / "B")
    await first.end()
    with pytest.raises(ModelNotFound):
        await second.task
    await (await Turn(pool, "C").begun()).end()


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
                psutil.Process(engine.pid).kill()

    with pytest.raises(EngineDied):
        await be_killed()
    assert said == ["So"]
    assert state(pool, "A") == "failed"
    write_scripted_model(tmp_path, "A", replies=["Fine."])
    async with pool.lend("A", lambda *_: None) as engine:
        assert "".join([chunk.text async for chunk in engine.generate(QUESTION)]) == "Fine."
