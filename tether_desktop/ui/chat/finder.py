"""Looks for words in all messages of a chat, shown or not, a bit at a time."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from tether_desktop.ui.chat.message_view import MessageView

STEP_CHARACTERS = 400_000
"""Of messages that are searched before other events have their turn."""


class Finder(QObject):
    """Counts where words stand, and goes from one place to the next.

    Signals:
        counted(number, count): which place is the current one, from 1, and how many are known.
        arrived(message_id, words, number): a place to be shown, counted within its message from 0.
    """

    counted = Signal(int, int)
    arrived = Signal(str, str, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.words = ""
        self._views: Sequence[MessageView] = ()
        self._next = 0
        self._counts: list[tuple[str, int]] = []
        self._total = 0
        self._at = -1
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._search_on)

    @property
    def total(self) -> int:
        """How many places are known."""
        return self._total

    def start(self, words: str, views: Sequence[MessageView]) -> None:
        """Look for words, from the newest message back; the newest place is shown first."""
        self.words = words.casefold()
        self._views = views
        self._next = len(views) - 1
        self._counts, self._total, self._at = [], 0, -1
        self._timer.stop()
        if words:
            self._search_on()
        else:
            self.counted.emit(0, 0)

    def step(self, places: int) -> None:
        """Go on by so many places, round the end; those of newer messages come later."""
        if self._total:
            self._go((self._at - places) % self._total)

    def _search_on(self) -> None:
        budget = STEP_CHARACTERS
        while self._next >= 0 and budget > 0:
            view = self._views[self._next]
            self._next -= 1
            budget -= len(view.text) + 1
            count = view.text.casefold().count(self.words)
            if count:
                self._counts.append((view.id, count))
                self._total += count
        if self._at < 0 and self._total:
            self._go(0)
        self.counted.emit(self._total - self._at if self._total else 0, self._total)
        if self._next >= 0:
            self._timer.start()

    def _go(self, place: int) -> None:
        """Show a place, counted from the newest back."""
        self._at = place
        for message_id, count in self._counts:
            if place < count:
                self.counted.emit(self._total - self._at, self._total)
                self.arrived.emit(message_id, self.words, count - 1 - place)
                return
            place -= count
