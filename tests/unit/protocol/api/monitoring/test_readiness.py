"""Whether questions can be answered: of the store, and of models in all states."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tether_desktop.context.statistics import StoreStatistics
from tether_desktop.errors import EngineError, StoreFull, TetherError
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.pool.slot import ModelState
from tether_desktop.protocol.api.monitoring.readiness import Condition, Readiness


@dataclass
class Core:
    """As much of the core as is looked at; what is asked of it waits for ``may_answer``."""

    error: TetherError | None = None
    entries: list[ModelEntry] = field(default_factory=list)
    known: dict[str, ModelState] = field(default_factory=dict)
    may_answer: threading.Event = field(default_factory=threading.Event)

    @property
    def store(self) -> Core:
        return self

    catalog = pool = store

    def statistics(self) -> StoreStatistics:
        self.may_answer.wait()
        if self.error:
            raise self.error
        return StoreStatistics(3, 1, 4096, "SQLite 3.45.1")

    def list(self) -> list[ModelEntry]:
        self.may_answer.wait()
        return self.entries

    def states(self) -> dict[str, ModelState]:
        return self.known


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    core = Core(entries=[ModelEntry("A", Path("A")), ModelEntry("B", Path("B"), usable=False)])
    core.may_answer.set()
    yield core
    core.may_answer.set()


async def look(core: Any, limit_s: float = 60) -> Condition:
    return await Readiness(core, limit_s=limit_s, clock=iter(range(100)).__next__).look()


def failed() -> ModelState:
    return ModelState("failed", error=EngineError("Broken", "The library is missing.", "Compile it again."))


async def test_a_store_that_answers_and_a_usable_model_are_enough(core: Core) -> None:
    condition = await look(core)
    assert condition.ready
    assert condition.usable == ("A",)
    assert condition.store_seconds == 1
    assert condition.statistics == StoreStatistics(3, 1, 4096, "SQLite 3.45.1")


async def test_a_store_that_fails_says_why_and_what_to_do(core: Core) -> None:
    core.error = StoreFull("Full", "There is no room left for /home/ann/tether.db.", "Free some space.")
    condition = await look(core)
    store, models = condition.parts
    assert not condition.ready
    assert models.works
    assert (store.name, store.code, store.remedy) == ("store", "store_full", "Free some space.")
    assert "/home" in store.detail
    assert "/home" not in store.message
    assert (condition.statistics, condition.store_seconds) == (None, None)


async def test_what_hangs_is_not_waited_for(core: Core) -> None:
    core.may_answer.clear()
    condition = await look(core, limit_s=0.001)
    assert [(part.name, part.code) for part in condition.parts] == [("store", "timeout"), ("models", "timeout")]
    assert all(part.remedy for part in condition.parts)


async def test_without_a_usable_model_nothing_can_be_answered(core: Core) -> None:
    core.entries = core.entries[1:]
    _, models = (await look(core)).parts
    assert models.code == "model_not_found"
    assert "models add starter" in models.remedy


@pytest.mark.parametrize("state", ["unloaded", "loading", "ready", "busy"])
async def test_a_model_that_is_not_loaded_yet_will_be(core: Core, state: Any) -> None:
    core.known = {"A": ModelState(state)}
    condition = await look(core)
    assert condition.ready
    assert condition.states == core.known


async def test_models_that_all_failed_cannot_answer(core: Core) -> None:
    core.known = {"A": failed()}
    _, models = (await look(core)).parts
    assert (models.code, models.remedy) == ("engine_error", "Compile it again.")
    assert models.detail == "The library is missing."
    assert "library" not in models.message


async def test_one_model_that_has_not_failed_is_enough(core: Core) -> None:
    core.entries.append(ModelEntry("C", Path("C")))
    core.known = {"A": failed(), "B": failed()}
    assert (await look(core)).ready
