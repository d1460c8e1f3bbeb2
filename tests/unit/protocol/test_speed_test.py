"""Measuring a model: the figures, the order of things, and everybody else's turn in between."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.helpers.rooms import Rooms, open_rooms, scripted_engine
from tests.helpers.starter import StarterModel
from tether_desktop.errors import EngineError, ModelNotFound, StoreError
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.speed_history import MOST_OF_A_MODEL, SpeedHistory
from tether_desktop.protocol.speed_test import DEPTHS, RUNS, SpeedProgress, SpeedResult, SpeedTest

LONG = [{"text": "word " * 60}]


def speed_test(rooms: Rooms) -> SpeedTest:
    return SpeedTest(rooms.pool, rooms.catalog, clock=lambda: 0.0)


async def test_a_model_is_loaded_measured_and_progress_is_told(tmp_path: Path) -> None:
    async with open_rooms(tmp_path) as rooms:
        model = rooms.add_model(replies=[{"steps": LONG}], prefill=[{"delay": 2.0}], tokens_per_second=20)
        told: list[SpeedProgress] = []
        result = await speed_test(rooms).run(model, told.append)
        assert result.model == model
        assert result.device == "Scripted"
        assert result.decode_rate == pytest.approx(20, rel=0.1)
        assert result.prefill_rate == pytest.approx(DEPTHS[0] / 2, rel=0.2)
        assert result.load_s is not None
        assert told[0] == SpeedProgress("loading")
        assert told[-1] == SpeedProgress("measuring", 1.0)
        assert (await speed_test(rooms).run(model)).load_s is None


async def test_a_question_asked_meanwhile_is_answered_between_two_runs(tmp_path: Path) -> None:
    async with open_rooms(tmp_path) as rooms:
        model = rooms.add_model(replies=[{"steps": LONG}], tokens_per_second=20)
        lent: list[str] = []

        async def chat() -> None:
            async with rooms.pool.lend(model, lambda *_: None):
                lent.append("chat")

        waiting: list[asyncio.Task[None]] = []

        def on_progress(now: SpeedProgress) -> None:
            lent.append(f"{now.stage} {now.progress}")
            if now.stage == "measuring" and not waiting:
                waiting.append(asyncio.create_task(chat()))

        await speed_test(rooms).run(model, on_progress)
        await asyncio.gather(*waiting)
        assert "chat" in lent[: lent.index("measuring 1.0")]


async def test_stopping_leaves_the_engine_to_others(tmp_path: Path) -> None:
    async with open_rooms(tmp_path) as rooms:
        model = rooms.add_model(replies=[{"steps": [{"text": "One two"}, {"wait": True}]}])
        begun = asyncio.Event()

        def on_progress(now: SpeedProgress) -> None:
            if now.stage == "measuring":
                begun.set()

        task = asyncio.create_task(speed_test(rooms).run(model, on_progress))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(10), rooms.pool.lend(model, lambda *_: None):
            assert rooms.pool.states()[model].state == "busy"


async def test_a_model_that_says_next_to_nothing_cannot_be_measured(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["No."]) as rooms:
        with pytest.raises(EngineError, match="after a word or two"):
            await speed_test(rooms).run("Scripted")


async def test_what_is_not_there_or_runs_elsewhere_is_refused(tmp_path: Path) -> None:
    remote = ModelEntry("gpu/m", tmp_path, "remote")
    catalog = Catalog([tmp_path], [lambda: [remote]])
    pool = EnginePool(catalog, make_engine=scripted_engine)
    with pytest.raises(ModelNotFound):
        await SpeedTest(pool, catalog).run("None")
    with pytest.raises(EngineError, match="runs on a server"):
        await SpeedTest(pool, catalog).run("gpu/m")
    await pool.close()


async def test_a_small_window_is_measured_as_far_as_it_goes(tmp_path: Path) -> None:
    async with open_rooms(tmp_path) as rooms:
        model = rooms.add_model(replies=[{"steps": LONG}], prefill=[{"delay": 1.0}], context_window=256)
        result = await speed_test(rooms).run(model)
        assert 100 < result.prefill_rate < 256


async def test_the_starter_model_is_measured(starter_model: StarterModel) -> None:
    catalog = Catalog([starter_model.root])
    pool = EnginePool(catalog)
    try:
        result = await SpeedTest(pool, catalog).run(starter_model.name)
    finally:
        await pool.close()
    assert result.device.startswith("CPU")
    assert min(result.prefill_rate, result.decode_rate, result.deep_rate, result.memory_bytes) > 1
    assert result.load_s is not None


RESULT = SpeedResult("A", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "CPU, 2 threads", 900.0, 80.5, 70.0, 5, 0.5)


def later(days: int, model: str = "A") -> SpeedResult:
    return SpeedResult(model, RESULT.measured + timedelta(days=days), "CPU", 1.0, 2.0, 3.0)


def test_results_are_kept_in_order_and_not_for_ever(tmp_path: Path) -> None:
    history = SpeedHistory(tmp_path / "speeds.json")
    assert history.results() == []
    history.add(later(100, "B"))
    for day in range(MOST_OF_A_MODEL + 2):
        history.add(later(day))
    kept = [result for result in history.results() if result.model == "A"]
    assert kept == [later(day) for day in range(2, MOST_OF_A_MODEL + 2)]
    history.forget("A")
    assert history.results() == [later(100, "B")]


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    history = SpeedHistory(tmp_path / "speeds.json")
    history.add(RESULT)
    assert history.results() == [RESULT]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"results": 5}',
        b'{"results": [5, {}, {"model": "A"}]}',
        b"\xff\xfe",
        json.dumps({"results": [{"model": "A", "measured": "yesterday"}]}).encode(),
    ],
)
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "speeds.json"
    path.write_bytes(content)
    history = SpeedHistory(path)
    assert history.results() == []
    history.add(RESULT)
    assert history.results() == [RESULT]


def test_senseless_figures_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "speeds.json"
    history = SpeedHistory(path)
    history.add(RESULT)
    path.write_text(path.read_text().replace("80.5", "NaN"))
    assert history.results() == []


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be kept"):
        SpeedHistory(tmp_path / "file" / "speeds.json").add(RESULT)


def test_every_depth_is_measured_a_few_times() -> None:
    assert RUNS >= 3
    assert set(DEPTHS) == {32, 512}
