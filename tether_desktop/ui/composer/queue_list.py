"""The questions that wait until the model is free, as small cards above the composer."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.composer.question_queue import QuestionQueue
from tether_desktop.ui.composer.queue_card import QueueCard
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.keyed_rows import KeyedRows
from tether_desktop.ui.look.themed_button import ThemedButton

_SHOWN_CARDS = 4
"""More of them scroll."""


class QueueList(QFrame):
    """Shows the queue of the chat that is shown; hidden while it is empty.

    Signals:
        send_now_requested(key): stop what is being answered, and send this one.
        send_next_requested(): go on with a queue that waits for the person.
        left(): the keyboard should go back to the message.
    """

    send_now_requested = Signal(int)
    send_next_requested = Signal()
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "well")
        self._queue: QuestionQueue | None = None
        self._cards: KeyedRows[QueueCard] = KeyedRows(self._make_card, gap=0)
        self.state_label = QLabel()
        self.state_label.setProperty("kind", "small")
        self.next_button = ThemedButton(self.tr("Send next"), "arrow-up", kind="answer")
        self.next_button.clicked.connect(self.send_next_requested)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setAccessibleName(self.tr("Questions that wait"))
        self._lay_out()
        self.hide()

    @property
    def cards(self) -> list[QueueCard]:
        """The cards, the next question first."""
        return list(self._cards.rows.values())

    def show_queue(self, queue: QuestionQueue) -> None:
        """Show this one from now on."""
        if self._queue is not None:
            self._queue.changed.disconnect(self._on_changed)
            self._queue.edit(0)
        self._queue = queue
        self._cards.show(())
        queue.changed.connect(self._on_changed)
        self._on_changed()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(spacing.MEDIUM, 0, spacing.NEAR, 0)
        top.addWidget(self.state_label, 1)
        top.addWidget(self.next_button)
        inside = QWidget()
        inside.setLayout(self._cards.layout)
        self._scroll.setWidget(inside)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for each in (inside, self._scroll.viewport()):
            each.setAutoFillBackground(False)
        inside.installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing.HAIR, spacing.NEAR, spacing.HAIR, spacing.NEAR)
        column.setSpacing(spacing.HAIR)
        column.addLayout(top)
        column.addWidget(self._scroll)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Be as high as the cards need."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return False

    def _make_card(self, key: Hashable) -> QueueCard:
        card = QueueCard(cast("int", key))
        card.edit_requested.connect(self._on_edit)
        card.saved.connect(self._on_saved)
        card.remove_requested.connect(self._on_remove)
        card.moved.connect(self._on_moved)
        card.send_now_requested.connect(self.send_now_requested)
        return card

    @Slot()
    def _on_changed(self) -> None:
        queue = self._queue
        waiting = queue.waiting if queue is not None else ()
        had_focus = self.isAncestorOf(self.focusWidget() or self)
        self._cards.show(each.key for each in waiting)
        for place, each in enumerate(waiting):
            card = self._cards.rows[each.key]
            card.show_question(each.question, place, len(waiting))
            card.show_editing(editing=queue is not None and queue.editing == each.key)
        self._say(len(waiting), held=queue is not None and queue.held)
        self._fit()
        self.setVisible(bool(waiting))
        if had_focus and not waiting:
            self.left.emit()

    def _say(self, count: int, *, held: bool) -> None:
        waits = self.tr("%n question(s) waiting for you", "", count)
        follows = self.tr("%n question(s) will be sent when the answer is done", "", count)
        self.state_label.setText(waits if held else follows)
        self.next_button.setVisible(held)

    def _fit(self) -> None:
        heights = [card.sizeHint().height() for card in self.cards]
        self._scroll.setFixedHeight(sum(heights[:_SHOWN_CARDS]) + 2)

    @Slot(int)
    def _on_edit(self, key: int) -> None:
        if self._queue is not None:
            self._queue.edit(key)
        if key == 0:
            self.left.emit()

    @Slot(int, str)
    def _on_saved(self, key: int, text: str) -> None:
        queue = self._queue
        found = next((each.question for each in queue.waiting if each.key == key), None) if queue else None
        if queue is not None and found is not None:
            queue.replace(key, replace(found, text=text))
        self.left.emit()

    @Slot(int)
    def _on_remove(self, key: int) -> None:
        if self._queue is not None:
            self._queue.remove(key)

    @Slot(int, int)
    def _on_moved(self, key: int, place: int) -> None:
        if self._queue is not None:
            self._queue.move(key, place)
