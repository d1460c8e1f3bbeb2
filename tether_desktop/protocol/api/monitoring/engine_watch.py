"""Watches models come and go: loads and how long they took, unloads, engines that died."""

from __future__ import annotations

import time
from collections.abc import Callable

from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.pool.slot import ModelState
from tether_desktop.protocol.api.monitoring.measurements import Measurements

_OUTCOMES = {"ready": "loaded", "failed": "failed", "unloaded": "stopped"}


class EngineWatch:
    """Tells what the pool's states change to; for the core's loop."""

    def __init__(
        self, pool: EnginePool, measurements: Measurements, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with the states as they are; ``clock`` tells seconds."""
        self._pool = pool
        self._measurements = measurements
        self._clock = clock
        self._states = pool.states()
        self._began: dict[str, float] = {}
        self.close = pool.subscribe(self._look)

    def _look(self) -> None:
        states = self._pool.states()
        for model, state in states.items():
            before = self._states.get(model, ModelState())
            if before.state != state.state:
                self._changed(model, before, state)
        self._states = states

    def _changed(self, model: str, before: ModelState, state: ModelState) -> None:
        if state.state == "loading":
            self._began[model] = self._clock()
        elif before.state == "loading":
            now = self._clock()
            self._measurements.load_ended(model, _OUTCOMES[state.state], now - self._began.pop(model, now))
        elif state.state == "unloaded" and state.unloading:
            self._measurements.unloaded(model, state.unloading)
        elif state.state == "failed":
            self._measurements.engine_died(model)
