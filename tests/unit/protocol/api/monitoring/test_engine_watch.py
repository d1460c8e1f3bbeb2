"""Models come and go, and each of it is counted once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.clock import VirtualClock
from tests.helpers.gated_engines import Gate, Open, Turn, settle, until, use
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import EngineDied, EngineError
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.api.monitoring.engine_watch import EngineWatch
from tether_desktop.protocol.api.monitoring.measurements import Measurements


class Watched:
    """A pool of gated engines for the models A and B, with room for one, and what is counted of it."""

    def __init__(self, folder: Path, kind: type[Gate]) -> None:
        for name in ("A", "B"):
            write_scripted_model(folder, name)
        self.made = Gate.made
        self.clock = VirtualClock()
        self.pool = EnginePool(Catalog([folder]), capacity=1, make_engine=kind)
        self.measurements = Measurements()
        self.watch = EngineWatch(self.pool, self.measurements, clock=self.clock.now)

    def count(self, name: str, **labels: str) -> float:
        return self.measurements.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture(autouse=True)
def nothing_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gate, "made", [], raising=False)


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Watched]:
    watched = Watched(tmp_path, Open)
    yield watched
    await watched.pool.close()


@pytest.fixture
async def gated(tmp_path: Path) -> AsyncIterator[Watched]:
    watched = Watched(tmp_path, Gate)
    yield watched
    await watched.pool.close()


async def test_a_load_is_counted_with_the_time_it_took(gated: Watched) -> None:
    loading = asyncio.create_task(gated.pool.load("A", lambda _: None))
    await until(gated.pool, lambda: bool(gated.made))
    gated.clock.time = 7.0
    gated.made[0].may_load.set()
    await loading
    assert gated.count("tether_model_loads_total", model="A", outcome="loaded") == 1
    assert gated.count("tether_model_load_duration_seconds_sum", model="A") == 7
    await use(gated.pool, "A", "A")
    assert gated.count("tether_model_loads_total", model="A", outcome="loaded") == 1


async def test_a_load_that_was_stopped_or_failed_is_counted_as_such(
    gated: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    loading = asyncio.create_task(gated.pool.load("A", lambda _: None))
    await until(gated.pool, lambda: bool(gated.made))
    await gated.pool.unload("A")
    with suppress(EngineError):
        await loading

    async def fail(*_: object) -> None:
        raise EngineError("It cannot be loaded", "No luck.")

    monkeypatch.setattr(Gate, "load", fail)
    with pytest.raises(EngineError):
        await gated.pool.load("A", lambda _: None)
    assert gated.count("tether_model_loads_total", model="A", outcome="stopped") == 1
    assert gated.count("tether_model_loads_total", model="A", outcome="failed") == 1
    assert gated.count("tether_model_load_duration_seconds_count", model="A") == 0


async def test_models_that_make_room_and_models_that_are_unloaded_differ(opened: Watched) -> None:
    await use(opened.pool, "A", "B")
    await opened.pool.unload("B")
    assert opened.count("tether_model_unloads_total", model="A", reason="room") == 1
    assert opened.count("tether_model_unloads_total", model="B", reason="asked") == 1


async def test_an_engine_that_dies_is_counted_once_idle_or_busy(opened: Watched) -> None:
    await use(opened.pool, "A")
    opened.made[0].death.set_result(EngineDied("The engine stopped", "It crashed."))
    await settle()
    assert opened.count("tether_engine_deaths_total", model="A") == 1
    turn = await Turn(opened.pool, "A").begun()
    opened.made[1].death.set_result(EngineDied("The engine stopped", "It crashed."))
    await settle()
    await turn.end()
    assert opened.count("tether_engine_deaths_total", model="A") == 2


async def test_after_its_end_nothing_is_counted(opened: Watched) -> None:
    opened.watch.close()
    await use(opened.pool, "A")
    assert opened.count("tether_model_loads_total", model="A", outcome="loaded") == 0


async def test_what_waits_for_an_engine_is_told_by_the_pool(opened: Watched) -> None:
    first = await Turn(opened.pool, "A").begun()
    assert opened.pool.waiting() == {"A": 0}
    others = [Turn(opened.pool, "A") for _ in range(3)]
    await settle()
    assert opened.pool.waiting() == {"A": 3}
    others[0].task.cancel()
    await settle()
    assert opened.pool.waiting() == {"A": 2}
    await first.end()
    for turn in others[1:]:
        await (await turn.begun()).end()
    assert opened.pool.waiting() == {"A": 0}
