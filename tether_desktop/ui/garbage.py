"""Collects garbage in the GUI thread alone: a widget that another thread destroys takes the program with it.

Python looks for cycles of objects in whichever thread has just made one too many. Where such a cycle holds an object of
Qt, that must be the GUI thread. So the automatic search is switched off, and made up for whenever Qt has nothing to do.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QAbstractEventDispatcher, QObject, Slot

DUE = 5_000
"""New objects after which it is worth searching the young ones."""

_OFTEN = 10
"""Searches of one generation after which the next older one has its turn."""


class GarbageCollector(QObject):
    """Searches while it is on; it belongs to the GUI thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_on = gc.isenabled()
        gc.disable()
        dispatcher = QAbstractEventDispatcher.instance()
        dispatcher.aboutToBlock.connect(self.collect_if_due)

    @Slot()
    def collect_if_due(self) -> None:
        """Search as much as Python would have."""
        young, middle, old = gc.get_count()
        if young > DUE:
            gc.collect(2 if old > _OFTEN else 1 if middle > _OFTEN else 0)

    def stop(self) -> None:
        """Search all, and let Python do it by itself again."""
        QAbstractEventDispatcher.instance().aboutToBlock.disconnect(self.collect_if_due)
        gc.collect()
        if self._was_on:
            gc.enable()
