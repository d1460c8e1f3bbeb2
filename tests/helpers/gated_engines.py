"""Engines whose loading the test decides, and turns that keep an engine until they are told to give it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.helpers.clock import VirtualClock
from tether_desktop.errors import EngineDied
from tether_desktop.model.engine import Engine, EngineSpec, OnProgress
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.pool.slot import ModelState
from tether_desktop.model.scripted.engine import ScriptedEngine


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


async def use(pool: EnginePool, *models: str) -> None:
    for model in models:
        await (await Turn(pool, model).begun()).end()


def state(pool: EnginePool, model: str) -> str:
    return pool.states().get(model, ModelState()).state
