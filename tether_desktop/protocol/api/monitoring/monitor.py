"""Watches over a running core while the port is open: counts what happens, and looks when it is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from tether_desktop import paths
from tether_desktop.protocol.api.core import Core
from tether_desktop.protocol.api.monitoring import machine
from tether_desktop.protocol.api.monitoring.current import Current, families
from tether_desktop.protocol.api.monitoring.engine_watch import EngineWatch
from tether_desktop.protocol.api.monitoring.loop_watch import LoopWatch
from tether_desktop.protocol.api.monitoring.machine import MachineUse
from tether_desktop.protocol.api.monitoring.measurements import Measurements
from tether_desktop.protocol.api.monitoring.probe import Probe
from tether_desktop.protocol.api.monitoring.readiness import LIMIT_S, Readiness
from tether_desktop.protocol.api.monitoring.reply_watch import ReplyWatch


class Monitor:
    """All that is measured; for the core's loop.

    Attributes:
        measurements: what has happened.
        readiness: whether questions can be answered.
        replies: follows them.
    """

    def __init__(self, core: Core, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare; :meth:`start` begins. ``clock`` tells seconds."""
        self.measurements = Measurements()
        self.readiness = Readiness(core, clock=clock)
        self.replies = ReplyWatch(
            self.measurements, is_tool=lambda name: core.toolbox.get(name) is not None, clock=clock
        )
        self._core = core
        self._clock = clock
        self._machine = Probe(self._look_at_machine, LIMIT_S)
        self._open = AsyncExitStack()

    async def start(self) -> None:
        """Watch whatever any client does, the window included, until :meth:`close`."""
        core, stack = self._core, self._open
        stack.push_async_callback(self.replies.close)
        for turn in core.sessions.turns():
            self.replies.follow(turn)
        stack.callback(core.sessions.subscribe(self.replies.hear))
        core.completions.observers.append(self.replies.completed)
        stack.callback(core.completions.observers.remove, self.replies.completed)
        stack.callback(EngineWatch(core.pool, self.measurements, clock=self._clock).close)
        stack.callback(LoopWatch(self.measurements.loop_was_late).close)

    async def close(self) -> None:
        """Watch no longer; idempotent."""
        await self._open.aclose()

    async def told(self, accept: str) -> tuple[bytes, str]:
        """All figures as a client wants them, and their media type."""
        now = families(await self._look())
        # Writing all of it down takes tens of milliseconds, in which others would wait for their tokens.
        return await asyncio.to_thread(self.measurements.told, accept, now)

    async def _look(self) -> Current:
        condition, use = await asyncio.gather(self.readiness.look(), self._machine_use())
        return Current(
            condition,
            self._core.store.failures(),
            self._core.pool.waiting(),
            len(self._core.sessions.turns()),
            use,
            machine.versions(),
        )

    async def _machine_use(self) -> MachineUse | None:
        try:
            return await self._machine.answer()
        except TimeoutError:
            return None

    def _look_at_machine(self) -> MachineUse:
        return machine.look({"data": paths.data_dir(), "models": self._core.settings.dist_roots[0]})
