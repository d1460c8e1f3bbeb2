"""Gathers changes for one frame, so that the window never spends all its time on showing them."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer

FRAME_S = 0.033
SHARE = 4
"""After a flush that took t, at least t times this passes before the next."""


class FlushTimer(QObject):
    """Calls ``flush`` once for any number of requests, at most about 30 times a second."""

    def __init__(self, flush: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._flush = flush
        self._free_at = 0.0
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)

    def request(self) -> None:
        """Ask for a flush; the first one after a pause comes at once, when control returns to Qt."""
        if not self._timer.isActive():
            self._timer.start(self.wait_ms())

    def wait_ms(self) -> int:
        """Milliseconds until the next flush may be."""
        return round(max(0.0, self._free_at - time.monotonic()) * 1000)

    def _on_timeout(self) -> None:
        start = time.monotonic()
        self._flush()
        took = time.monotonic() - start
        self._free_at = start + max(FRAME_S, took * (1 + SHARE))
