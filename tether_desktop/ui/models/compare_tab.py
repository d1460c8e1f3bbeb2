"""One question, two answers side by side; below one another where there is little room."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.answer_pane import AnswerPane, Manner
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.models.model_status import ModelStatus

_SIDE_BY_SIDE = 600
"""Device-independent pixels from which two answers fit beside each other."""

_QUESTION_LINES = 2


class CompareTab(QScrollArea):
    """The question, and the two sides.

    Attributes:
        panes: the two sides.

    Signals:
        asked(text): the question is to be answered by both.
    """

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.question = QPlainTextEdit()
        self.question.setPlaceholderText(self.tr("One question for both"))
        self.question.setAccessibleName(self.tr("One question for both"))
        self.question.setTabChangesFocus(True)
        self.question.installEventFilter(self)
        self.ask_button = ThemedButton(self.tr("Ask both"), "columns-2", kind="primary", color="on_accent")
        self.panes = (AnswerPane(0), AnswerPane(1))
        self._varied = False
        note = self.tr("Nothing of this is stored unless you keep an answer.")
        self.note = plain_label("small", note)
        self._sides = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._lay_out()
        self.question.textChanged.connect(self._refresh)
        self.ask_button.clicked.connect(self._on_ask)
        self._refresh()

    def show_models(self, models: Sequence[ModelStatus], current: str) -> None:
        """Offer these: the one that answers in chats on the first side, another one on the second."""
        usable = [each.name for each in models if each.usable]
        other = next((name for name in usable if name != current), current)
        self.panes[0].show_models(models, current)
        self.panes[1].show_models(models, other)
        if len(usable) == 1 and not self._varied:
            # The same model twice is worth a comparison only when it answers in two ways.
            self._varied = True
            self.panes[1].manner_box.setCurrentIndex(1)
        self._refresh()

    def show_manners(self, manners: Sequence[Manner]) -> None:
        """Offer these ways to answer."""
        for pane in self.panes:
            pane.show_manners(manners, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Beside or below one another."""
        super().resizeEvent(event)
        wide = self.width() >= _SIDE_BY_SIDE
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if direction != self._sides.direction():
            self._sides.setDirection(direction)
            self._lay_out_anew()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  (Qt's name)
        """Catch up with what changed while another tab was shown."""
        super().showEvent(event)
        self._lay_out_anew()

    def _lay_out_anew(self) -> None:
        """Qt does so by itself only for what is seen and has not changed its direction."""
        inside = self.widget()
        layout = inside.layout() if inside is not None else None
        if layout is not None:
            layout.invalidate()
            layout.activate()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Enter asks, with Shift it begins a new line."""
        if watched is self.question and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            enter = event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
            if enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._on_ask()
                return True
        return super().eventFilter(watched, event)

    def _lay_out(self) -> None:
        self.question.setFixedHeight(self.question.fontMetrics().lineSpacing() * _QUESTION_LINES + 26)
        ask = QHBoxLayout()
        ask.setSpacing(spacing.SMALL)
        ask.addWidget(self.question, 1)
        ask.addWidget(self.ask_button, 0, Qt.AlignmentFlag.AlignBottom)
        self._sides.setSpacing(spacing.MEDIUM)
        for pane in self.panes:
            self._sides.addWidget(pane, 1)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(spacing.BROAD, spacing.LARGE, spacing.BROAD, spacing.LARGE)
        layout.setSpacing(spacing.SMALL)
        layout.addLayout(ask)
        layout.addWidget(self.note)
        layout.addLayout(self._sides, 1)
        self.setWidget(inside)

    @Slot()
    def _refresh(self) -> None:
        ready = all(pane.model for pane in self.panes)
        self.ask_button.setEnabled(ready and bool(self.question.toPlainText().strip()))

    @Slot()
    def _on_ask(self) -> None:
        if self.ask_button.isEnabled():
            self.asked.emit(self.question.toPlainText().strip())
