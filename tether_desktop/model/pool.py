"""Keeps recently used engines loaded: lends each to one turn at a time, loads and unloads them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from tether_desktop.errors import EngineDied, EngineError, TetherError
from tether_desktop.events import Stage
from tether_desktop.model.catalog import Catalog, ModelEntry
from tether_desktop.model.engine import Engine, EngineInfo, EngineSpec, OnProgress
from tether_desktop.model.host import HostedEngine

OnStage = Callable[[Stage, float | None], None]
MakeEngine = Callable[[EngineSpec], Engine]
StateName = Literal["unloaded", "loading", "ready", "busy", "failed"]


@dataclass(frozen=True, slots=True)
class ModelState:
    """What became of a model in the pool.

    Attributes:
        progress: 0..1 while loading.
        info: what the engine tells about itself, while it is loaded.
        error: why loading failed, or how the engine died; the next turn tries again.
    """

    state: StateName = "unloaded"
    progress: float | None = None
    info: EngineInfo | None = None
    error: TetherError | None = None


@runtime_checkable
class Mortal(Protocol):
    """An engine that can end on its own; ``death`` is then done, with the error."""

    death: asyncio.Future[EngineDied]


class EnginePool:
    """Loaded engines, at most ``capacity`` of them; used from one event loop.

    Turns on the same model wait for each other, first in first out; different models answer at once.
    When there is no room, the idle engine that was used longest ago is unloaded; when none is idle, the
    load waits for one. An engine that died is replaced at its next use.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        capacity: int = 2,
        threads: int | None = None,
        context_window: int = 0,
        make_engine: MakeEngine = HostedEngine,
    ) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            catalog: where models are looked up.
            capacity: engines kept loaded.
            threads: compute threads of each; None or 0 lets the engine choose.
            context_window: tokens kept in mind; 0, or more than a model can, takes the model's own.
            make_engine: makes an engine that is not loaded yet.
        """
        self._catalog = catalog
        self._capacity = capacity
        self._threads = threads or None
        self._context_window = context_window
        self._make_engine = make_engine
        self._places: dict[str, _Place] = {}
        self._making_room = asyncio.Lock()
        self._freed = asyncio.Event()
        self._uses = itertools.count(1)
        self._callbacks: list[Callable[[], None]] = []
        self._closed = False

    @asynccontextmanager
    async def lend(self, model: str, on_stage: OnStage) -> AsyncGenerator[Engine, None]:
        """The model's engine for one turn, loaded; ``on_stage`` hears what is waited for.

        Raises:
            ModelError: the model cannot be used.
            EngineError: it could not be loaded, or somebody unloaded it meanwhile.
        """
        place = self._place(model)
        if place.turn.locked():
            on_stage("queued", None)
        async with place.turn:
            while (engine := place.living()) is None:
                await self._join_load(place, on_stage)
            self._set(place, ModelState("busy", info=place.state.info))
            try:
                yield engine
            finally:
                self._take_back(place)

    async def load(self, model: str, on_progress: OnProgress) -> None:
        """Load a model now, so that its next turn starts at once; ``on_progress`` gets fractions 0..1.

        Raises:
            ModelError, EngineError: as :meth:`lend`.
        """
        place = self._place(model)
        if place.living() is None:
            await self._join_load(place, lambda _, progress: None if progress is None else on_progress(progress))

    async def unload(self, model: str) -> None:
        """Free a model's memory; a load that runs is stopped.

        Raises:
            EngineError: it is answering.
        """
        place = self._places.get(model)
        if place is None:
            return
        if place.loading is not None:
            await _abandon(place.loading)
        elif place.turn.locked():
            raise EngineError(
                "The model is answering", f"{model} cannot be unloaded while it answers.", "Stop the answer first."
            )
        else:
            await self._drop(place)

    def states(self) -> dict[str, ModelState]:
        """The state of every model that was used so far; the others are unloaded."""
        return {name: place.state for name, place in self._places.items()}

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback``, in the loop's thread, whenever a state changes; returns how to stop that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    async def close(self) -> None:
        """Stop every load and end every engine; idempotent."""
        self._closed = True
        places = list(self._places.values())
        await asyncio.gather(*(_abandon(place.loading) for place in places if place.loading is not None))
        await asyncio.gather(*(self._drop(place) for place in places))

    def _place(self, model: str) -> _Place:
        if self._closed:
            raise _closing()
        return self._places.setdefault(model, _Place(model))

    async def _join_load(self, place: _Place, on_stage: OnStage) -> None:
        """Wait for the place's load, starting it if nobody has; the last one to give up ends it."""
        while place.loading is not None and place.loading.abandoned:
            await asyncio.wait([place.loading.task])
        loading = place.loading or self._begin_load(place)
        loading.listeners.append(on_stage)
        try:
            await asyncio.wait([loading.task])
        finally:
            loading.listeners.remove(on_stage)
            if not loading.listeners:
                await _abandon(loading)
        if loading.task.cancelled():
            raise _stopped(place.name)
        loading.task.result()

    def _begin_load(self, place: _Place) -> _Loading:
        if self._closed:
            raise _closing()
        place.loading = _Loading(asyncio.create_task(self._load(place)))
        place.loading.task.add_done_callback(lambda task: self._end_load(place, task))
        self._set(place, ModelState("loading"))
        return place.loading

    async def _load(self, place: _Place) -> EngineInfo:
        entry = await asyncio.to_thread(self._catalog.get, place.name)
        await self._make_room(place)
        return await self._start(place, self._spec(entry))

    def _end_load(self, place: _Place, task: asyncio.Task[EngineInfo]) -> None:
        place.loading, place.reserved = None, False
        if task.cancelled():
            self._set(place, ModelState())
        elif (error := task.exception()) is not None:
            self._set(place, ModelState("failed", error=error if isinstance(error, TetherError) else _bug(place.name)))
        else:
            self._set(place, ModelState("ready", info=task.result()))
        self._freed.set()

    async def _start(self, place: _Place, spec: EngineSpec) -> EngineInfo:
        engine = self._make_engine(spec)
        try:
            info = await engine.load(lambda progress: self._report(place, progress))
        except BaseException:  # a cancelled load is one as well, and leaves no engine behind
            await engine.close()
            raise
        place.engine, place.last_use = engine, next(self._uses)
        if isinstance(engine, Mortal):
            engine.death.add_done_callback(lambda _: self._bury(place, engine))
        return info

    def _spec(self, entry: ModelEntry) -> EngineSpec:
        window = min(self._context_window or entry.context_window, entry.context_window)
        return EngineSpec(entry.name, entry.kind, entry.path, entry.library, window, self._threads)

    async def _make_room(self, place: _Place) -> None:
        """Reserve room for an engine; those that came first get it first."""
        async with self._making_room:
            while sum(other.takes_room() for other in self._places.values()) >= self._capacity:
                idle = [other for other in self._places.values() if other.idle()]
                if idle:
                    await self._drop(min(idle, key=lambda other: other.last_use))
                else:
                    place.tell("queued", None)
                    self._freed.clear()
                    await self._freed.wait()
            place.reserved = True

    async def _drop(self, place: _Place) -> None:
        engine, place.engine = place.engine, None
        if engine is not None:
            self._set(place, ModelState())
            await engine.close()
            self._freed.set()

    def _take_back(self, place: _Place) -> None:
        place.last_use = next(self._uses)
        if place.living() is not None:
            self._set(place, ModelState("ready", info=place.state.info))
        elif place.engine is not None:
            self._bury(place, place.engine)
        self._freed.set()

    def _bury(self, place: _Place, engine: Engine) -> None:
        """Let go of an engine that died; a turn that still has it hears so itself."""
        if place.engine is engine and isinstance(engine, Mortal) and engine.death.done():
            place.engine = None
            self._set(place, ModelState("failed", error=engine.death.result()))
            self._freed.set()

    def _report(self, place: _Place, progress: float) -> None:
        self._set(place, ModelState("loading", progress))
        place.tell("loading_model", progress)

    def _set(self, place: _Place, state: ModelState) -> None:
        place.state = state
        for callback in list(self._callbacks):
            callback()


class _Loading:
    """A load on its way, and those who wait for it."""

    def __init__(self, task: asyncio.Task[EngineInfo]) -> None:
        self.task = task
        self.listeners: list[OnStage] = []
        self.abandoned = False


class _Place:
    """What the pool has of one model; ``turn`` is held by whoever uses the engine."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.turn = asyncio.Lock()
        self.state = ModelState()
        self.engine: Engine | None = None
        self.loading: _Loading | None = None
        self.reserved = False
        self.last_use = 0

    def living(self) -> Engine | None:
        """The engine, unless there is none or it has died."""
        dead = isinstance(self.engine, Mortal) and self.engine.death.done()
        return None if dead else self.engine

    def takes_room(self) -> bool:
        return self.reserved or self.engine is not None

    def idle(self) -> bool:
        return self.engine is not None and not self.turn.locked()

    def tell(self, stage: Stage, progress: float | None) -> None:
        if self.loading is not None:
            for listener in list(self.loading.listeners):
                listener(stage, progress)


async def _abandon(loading: _Loading) -> None:
    """Stop a load, and wait until its process is gone."""
    loading.abandoned = True
    loading.task.cancel()
    await asyncio.wait([loading.task])


def _closing() -> EngineError:
    return EngineError("Tether is closing", "No model can be used any more.")


def _stopped(model: str) -> EngineError:
    return EngineError("Loading was stopped", f"{model} was not loaded.", "Send the message again to load it.")


def _bug(model: str) -> EngineError:
    return EngineError(
        "The model cannot be loaded",
        f"Something unexpected happened while {model} was loaded. This is a fault of the program.",
        "Try again. If it happens again, the log has the details.",
    )
