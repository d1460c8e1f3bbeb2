"""Keeps recently used engines loaded: lends each to one turn at a time, loads and unloads them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from tether_desktop.errors import EngineError, TetherError
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.engine import Engine, EngineInfo, EngineSpec, OnProgress
from tether_desktop.model.engines import make_engine as engine_of_kind
from tether_desktop.model.pool.admission import Admission, Admit, Evict, obtainable
from tether_desktop.model.pool.demand import Demand, demand_of, within
from tether_desktop.model.pool.memory_fit import Memory, memory_now
from tether_desktop.model.pool.slot import Loading, ModelState, Mortal, OnStage, Slot, Timer, Unloading

logger = logging.getLogger(__name__)

MakeEngine = Callable[[EngineSpec], Engine]
CallLater = Callable[[float, Callable[[], None]], Timer]


class EnginePool:
    """Loaded engines, as many as memory and ``capacity`` allow; used from one event loop.

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
        cache_bytes: int = 0,
        idle_seconds: float = 0.0,
        make_engine: MakeEngine = engine_of_kind,
        measure: Callable[[], Memory] = memory_now,
        call_later: CallLater | None = None,
    ) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            catalog: where models are looked up.
            capacity: engines kept loaded.
            threads: compute threads of each; None or 0 lets the engine choose.
            context_window: tokens kept in mind, at most the model's own; 0 takes that as far as memory allows.
            cache_bytes: memory for the warm chats of each model; 0 lets the pool choose.
            idle_seconds: an engine that nobody used for so long is unloaded; 0 keeps it.
            make_engine: makes an engine that is not loaded yet.
            measure: the memory that is left; called in a thread.
            call_later: calls something after so many seconds; None is the event loop's own.
        """
        self._catalog = catalog
        self.configure(capacity, threads, context_window, cache_bytes, idle_seconds)
        self._make_engine = make_engine
        self._measure = measure
        self._call_later = call_later or _call_later
        self._slots: dict[str, Slot] = {}
        self._making_room = asyncio.Lock()
        self._freed = asyncio.Event()
        self._retiring: set[asyncio.Task[None]] = set()
        self._uses = itertools.count(1)
        self._callbacks: list[Callable[[], None]] = []
        self._closed = False

    def configure(
        self, capacity: int, threads: int | None, context_window: int, cache_bytes: int, idle_seconds: float
    ) -> None:
        """Let other values hold for what is loaded, or becomes idle, from now on; they are those of the constructor."""
        self._admission = Admission(capacity, cache_bytes)
        self._threads = threads or None
        self._context_window = context_window
        self._idle_seconds = idle_seconds

    @asynccontextmanager
    async def lend(self, model: str, on_stage: OnStage) -> AsyncGenerator[Engine, None]:
        """The model's engine for one turn, loaded; ``on_stage`` hears what is waited for.

        Raises:
            ModelError: the model cannot be used.
            EngineError: it could not be loaded, or somebody unloaded it meanwhile.
        """
        slot = self._slot(model)
        if slot.turn.locked():
            on_stage("queued", None)
        async with slot.turn:
            while (engine := slot.living()) is None:
                await self._join_load(slot, on_stage)
            slot.stop_timer()
            self._set(slot, ModelState("busy", info=slot.state.info))
            try:
                yield engine
            finally:
                self._take_back(slot)

    async def load(self, model: str, on_progress: OnProgress) -> None:
        """Load a model now, so that its next turn starts at once; ``on_progress`` gets fractions 0..1.

        Raises:
            ModelError, EngineError: as :meth:`lend`.
        """
        slot = self._slot(model)
        if slot.living() is None:
            await self._join_load(slot, lambda _, progress: None if progress is None else on_progress(progress))

    async def unload(self, model: str) -> None:
        """Free a model's memory; a load that runs is stopped.

        Raises:
            EngineError: it is answering.
        """
        slot = self._slots.get(model)
        if slot is None:
            return
        if slot.loading is not None:
            await slot.loading.abandon()
        elif slot.turn.locked():
            raise EngineError(
                "The model is answering", f"{model} cannot be unloaded while it answers.", "Stop the answer first."
            )
        else:
            await self._drop(slot, "asked")

    def loaded(self, model: str) -> Engine | None:
        """The model's engine where it is loaded, for what may be asked of it beside a turn; None where it is not."""
        slot = self._slots.get(model)
        return None if slot is None or slot.leaving else slot.living()

    def states(self) -> dict[str, ModelState]:
        """The state of every model that was used so far; the others are unloaded."""
        return {name: slot.state for name, slot in self._slots.items()}

    def waiting(self) -> dict[str, int]:
        """How many turns stand in line for the engine of each of these models."""
        return {name: slot.turn.waiting for name, slot in self._slots.items()}

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback``, in the loop's thread, whenever a state changes; returns how to stop that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    async def close(self) -> None:
        """Stop every load and end every engine; idempotent."""
        self._closed = True
        slots = list(self._slots.values())
        await asyncio.gather(*(slot.loading.abandon() for slot in slots if slot.loading is not None))
        await asyncio.gather(*(self._drop(slot, "closing") for slot in slots), *self._retiring)

    def _slot(self, model: str) -> Slot:
        if self._closed:
            raise _closing()
        return self._slots.setdefault(model, Slot(model))

    async def _join_load(self, slot: Slot, on_stage: OnStage) -> None:
        """Wait for the slot's load, starting it if nobody has; the last one to give up ends it."""
        while slot.loading is not None and slot.loading.abandoned:
            await asyncio.wait([slot.loading.task])
        loading = slot.loading or self._begin_load(slot)
        loading.listeners.append(on_stage)
        try:
            await asyncio.wait([loading.task])
        finally:
            loading.listeners.remove(on_stage)
            if not loading.listeners:
                await loading.abandon()
        if loading.task.cancelled():
            raise _stopped(slot.name)
        loading.task.result()

    def _begin_load(self, slot: Slot) -> Loading:
        if self._closed:
            raise _closing()
        slot.loading = Loading(asyncio.create_task(self._load(slot)))
        slot.loading.task.add_done_callback(lambda task: self._end_load(slot, task))
        self._set(slot, ModelState("loading"))
        return slot.loading

    async def _load(self, slot: Slot) -> EngineInfo:
        entry = await asyncio.to_thread(self._catalog.get, slot.name)
        slot.demand = await asyncio.to_thread(self._demand, entry)
        cache_bytes = await self._make_room(slot)
        # Looked at once more, since making room may have taken any time.
        entry = await asyncio.to_thread(self._catalog.for_loading, slot.name)
        return await self._start(slot, self._spec(entry, slot.demand.context_window, cache_bytes))

    def _end_load(self, slot: Slot, task: asyncio.Task[EngineInfo]) -> None:
        slot.loading, slot.reserved = None, False
        if task.cancelled():
            self._set(slot, ModelState())
        elif (error := task.exception()) is not None:
            self._set(slot, ModelState("failed", error=error if isinstance(error, TetherError) else _bug(slot.name)))
        else:
            self._set(slot, ModelState("ready", info=task.result(), idle_since=time.time()))
        self._freed.set()

    async def _start(self, slot: Slot, spec: EngineSpec) -> EngineInfo:
        engine = self._make_engine(spec)
        try:
            info = await engine.load(lambda progress: self._report(slot, progress))
        except BaseException:  # a cancelled load is one as well, and leaves no engine behind
            await engine.close()
            raise
        slot.engine, slot.last_use = engine, next(self._uses)
        if isinstance(engine, Mortal):
            engine.death.add_done_callback(lambda _: self._bury(slot, engine))
        self._start_timer(slot)
        return info

    def _demand(self, entry: ModelEntry) -> Demand:
        """What is asked for: the window of the setting, or the model's own as far as memory allows."""
        windows = [window for window in (self._context_window, entry.context_window) if window]
        demand = demand_of(entry, min(windows, default=0))
        if self._context_window:
            return demand
        fitting = within(demand, obtainable(self._holders(), self._measure()))
        if fitting.context_window < demand.context_window:
            logger.info("%s has room for %d of its %d tokens", entry.name, fitting.context_window, windows[0])
        return fitting

    def _spec(self, entry: ModelEntry, window: int, cache_bytes: int) -> EngineSpec:
        return EngineSpec(entry.name, entry.kind, entry.model_dir, entry.library, window, self._threads, cache_bytes)

    async def _make_room(self, slot: Slot) -> int:
        """Reserve room for an engine; those that came first get it first.

        Returns:
            Bytes that its warm chats may take.
        """
        if self._making_room.locked():
            slot.tell("queued", None)
        async with self._making_room:
            while not isinstance(step := self._admission.decide(slot, self._holders(), self._measure()), Admit):
                if isinstance(step, Evict):
                    await self._drop(step.slot, "room")
                else:
                    slot.tell("queued", None)
                    self._freed.clear()
                    await self._freed.wait()
            slot.reserved = True
        return step.cache_bytes

    def _holders(self) -> list[Slot]:
        return [slot for slot in self._slots.values() if slot.takes_room()]

    async def _drop(self, slot: Slot, why: Unloading) -> None:
        engine, slot.engine = slot.engine, None
        if engine is None:
            return
        slot.stop_timer()
        slot.leaving = True
        self._set(slot, ModelState(unloading=why))
        try:
            await engine.close()
        finally:
            slot.leaving = False
            self._freed.set()

    def _start_timer(self, slot: Slot) -> None:
        """Unload the engine when it has been idle for long, unless it is used before."""
        slot.stop_timer()
        if self._idle_seconds > 0:
            slot.timer = self._call_later(self._idle_seconds, lambda: self._retire(slot))

    def _retire(self, slot: Slot) -> None:
        if slot.idle():
            task = asyncio.create_task(self._drop(slot, "idle"))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    def _take_back(self, slot: Slot) -> None:
        slot.last_use = next(self._uses)
        if slot.living() is not None:
            self._set(slot, ModelState("ready", info=slot.state.info, idle_since=time.time()))
            self._start_timer(slot)
        elif slot.engine is not None:
            self._bury(slot, slot.engine)
        self._freed.set()

    def _bury(self, slot: Slot, engine: Engine) -> None:
        """Let go of an engine that died; a turn that still has it hears so itself."""
        if slot.engine is engine and isinstance(engine, Mortal) and engine.death.done():
            slot.engine = None
            slot.stop_timer()
            self._set(slot, ModelState("failed", error=engine.death.result()))
            self._freed.set()

    def _report(self, slot: Slot, progress: float) -> None:
        self._set(slot, ModelState("loading", progress))
        slot.tell("loading_model", progress)

    def _set(self, slot: Slot, state: ModelState) -> None:
        slot.state = state
        for callback in list(self._callbacks):
            callback()


def _call_later(seconds: float, callback: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, callback)


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
