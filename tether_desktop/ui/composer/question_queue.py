"""The questions of one chat that wait until the model is free."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from tether_desktop.ui.composer.question import Question


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question that waits; ``key`` stays the same while it is changed and moved."""

    key: int
    question: Question


class QuestionQueue(QObject):
    """Keeps the questions in order. Who sends them asks whether one is ``due`` and takes it.

    Attributes:
        held: whether they wait for the person, because an answer was stopped or failed, or after a restart.
        urgent: whether the first one is to be sent although the answer before it is being stopped for it.
        editing: the key of the one that the person is changing: it is not sent meanwhile; 0 for none.

    Signals:
        changed(): questions, their order, or when they are sent.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.held = False
        self.urgent = False
        self.editing = 0
        self._waiting: list[Waiting] = []
        self._keys = itertools.count(1)

    def __len__(self) -> int:
        return len(self._waiting)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """The questions, the next one first."""
        return tuple(self._waiting)

    @property
    def due(self) -> bool:
        """Whether the first one may be sent once nothing is being answered."""
        return bool(self._waiting) and not self.held and self._waiting[0].key != self.editing

    def add(self, question: Question) -> None:
        """Put a question at the end; whoever adds one wants the queue to go on."""
        self._waiting.append(Waiting(next(self._keys), question))
        self.held = False
        self.changed.emit()

    def restore(self, questions: Iterable[Question]) -> None:
        """Put kept questions before all others; nothing is sent by itself then."""
        kept = [Waiting(next(self._keys), question) for question in questions]
        if kept:
            self._waiting[:0] = kept
            self.held = True
            self.changed.emit()

    def take(self) -> Question:
        """The first question, which waits no longer; IndexError when there is none."""
        taken = self._waiting.pop(0)
        self.urgent = False
        self.changed.emit()
        return taken.question

    def remove(self, key: int) -> Question | None:
        """Take a question out; None when it does not wait any more."""
        index = self._index(key)
        if index is None:
            return None
        removed = self._waiting.pop(index)
        self.urgent = self.urgent and index > 0
        self._stop_editing(key)
        self.changed.emit()
        return removed.question

    def replace(self, key: int, question: Question) -> None:
        """Change a question; one without words and files is removed."""
        index = self._index(key)
        if index is None:
            return
        if not question:
            self.remove(key)
            return
        self._waiting[index] = Waiting(key, question)
        self._stop_editing(key)
        self.changed.emit()

    def move(self, key: int, place: int) -> None:
        """Let a question be at another place, the first one being 0."""
        index = self._index(key)
        place = max(0, min(place, len(self._waiting) - 1))
        if index is not None and place != index:
            self._waiting.insert(place, self._waiting.pop(index))
            self.changed.emit()

    def edit(self, key: int) -> None:
        """Keep a question from being sent while it is changed; 0 ends that."""
        if key != self.editing:
            self.editing = key
            self.changed.emit()

    def hold(self) -> None:
        """Send nothing by itself any more."""
        self.urgent = False
        if self._waiting and not self.held:
            self.held = True
            self.changed.emit()

    def release(self) -> None:
        """Go on with the first one as soon as nothing is being answered."""
        if self.held:
            self.held = False
            self.changed.emit()

    def settle(self, *, went_well: bool) -> None:
        """An answer ended; after one that was stopped or failed the person decides how to go on."""
        if not went_well and not self.urgent:
            self.hold()

    def _index(self, key: int) -> int | None:
        return next((place for place, each in enumerate(self._waiting) if each.key == key), None)

    def _stop_editing(self, key: int) -> None:
        if self.editing == key:
            self.editing = 0
