"""What the pool has of one model: its engine, the load on its way, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from tether_desktop.errors import EngineDied, TetherError
from tether_desktop.events import Stage
from tether_desktop.model.engine import Engine, EngineInfo
from tether_desktop.model.pool.demand import Demand

OnStage = Callable[[Stage, float | None], None]
StateName = Literal["unloaded", "loading", "ready", "busy", "failed"]
Unloading = Literal["", "room", "idle", "asked", "closing"]
"""Why a model was unloaded: another one needed the room, nobody used it, somebody said so, or the program ends."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """What became of a model in the pool.

    Attributes:
        progress: 0..1 while loading.
        info: what the engine tells about itself, while it is loaded.
        error: why loading failed, or how the engine died; the next turn tries again.
        unloading: why it was unloaded, if it ever was loaded.
        idle_since: when it was last used, in seconds since 1970, while it is ready; 0 otherwise.
    """

    state: StateName = "unloaded"
    progress: float | None = None
    info: EngineInfo | None = None
    error: TetherError | None = None
    unloading: Unloading = ""
    idle_since: float = field(default=0.0, compare=False)


@runtime_checkable
class Mortal(Protocol):
    """An engine that can end on its own; ``death`` is then done, with the error."""

    death: asyncio.Future[EngineDied]


class Timer(Protocol):
    """Something that will happen unless it is cancelled."""

    def cancel(self) -> None:
        """See that it does not happen."""
        ...


class Loading:
    """A load on its way, and those who wait for it."""

    def __init__(self, task: asyncio.Task[EngineInfo]) -> None:
        self.task = task
        self.listeners: list[OnStage] = []
        self.abandoned = False

    async def abandon(self) -> None:
        """Stop it, and wait until its process is gone."""
        self.abandoned = True
        self.task.cancel()
        await asyncio.wait([self.task])


class Line(asyncio.Lock):
    """Lets in one after the other.

    Attributes:
        waiting: how many stand outside.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0

    async def acquire(self) -> Literal[True]:
        """Wait for one's turn."""
        self.waiting += 1
        try:
            return await super().acquire()
        finally:
            self.waiting -= 1


class Slot:
    """One model in the pool.

    Attributes:
        turn: held by whoever uses the engine.
        demand: what the engine needs, once that was asked.
        reserved: room is kept for an engine that is being loaded.
        leaving: its engine is being closed.
        last_use: larger is later.
        timer: unloads the engine when it has been idle for long.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.turn = Line()
        self.state = ModelState()
        self.engine: Engine | None = None
        self.loading: Loading | None = None
        self.demand = Demand()
        self.reserved = False
        self.leaving = False
        self.last_use = 0
        self.timer: Timer | None = None

    def living(self) -> Engine | None:
        """The engine, unless there is none or it has died."""
        dead = isinstance(self.engine, Mortal) and self.engine.death.done()
        return None if dead else self.engine

    def takes_room(self) -> bool:
        """Whether it has memory, or will have."""
        return self.reserved or self.leaving or self.engine is not None

    def idle(self) -> bool:
        """Whether its engine could be unloaded at once."""
        return self.engine is not None and not self.turn.locked()

    def tell(self, stage: Stage, progress: float | None) -> None:
        """Tell those who wait for the load."""
        if self.loading is not None:
            for listener in list(self.loading.listeners):
                listener(stage, progress)

    def stop_timer(self) -> None:
        """See that it stays loaded."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
