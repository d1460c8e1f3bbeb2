"""One side of a comparison: who answers and how, the answer, its figures, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.fold import Fold
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.markdown.markdown_body import MarkdownBody
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.models.side_answer import SideAnswer

_GAP = 10
_LEAST_HEIGHT = 130


@dataclass(frozen=True, slots=True)
class Manner:
    """How a model is to answer: values in place of the settings, under a name."""

    name: str
    overrides: Mapping[str, Any] = field(default_factory=dict, hash=False)
    persona: str = ""


class AnswerText(QScrollArea):
    """Thoughts and text, as high as they are, in a box that scrolls."""

    link_activated = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(_LEAST_HEIGHT)
        self._inside = QWidget()
        self.fold = Fold(self._inside, is_open=False)
        self.fold.hide()
        self.fold.toggled.connect(self._fit)
        self.body = MarkdownBody(self._inside)
        self.body.link_activated.connect(self.link_activated)
        self.setWidget(self._inside)

    def show_answer(self, answer: SideAnswer) -> None:
        """Show what has come; who reads the end goes on seeing it."""
        bar = self.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        self.fold.setVisible(bool(answer.thoughts))
        if answer.thoughts:
            thinking = answer.running and not answer.text
            label = self.tr("Thinking…") if thinking else self.tr("Thoughts")
            self.fold.show_thoughts(label, answer.thoughts, complete=not thinking)
        self.body.show_markdown(answer.text, complete=not answer.running)
        self._fit()
        if at_end and answer.running:
            bar.setValue(bar.maximum())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Lay out at the new width."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.body.restyle()
            if self.fold.body is not None:
                self.fold.body.restyle()

    @Slot()
    def _fit(self) -> None:
        width = max(self.viewport().width() - 8, 40)
        top = 0
        if not self.fold.isHidden():
            height = self.fold.fit(width)
            self.fold.setGeometry(0, 0, width, height)
            top = height + _GAP
        height = self.body.fit(width)
        self.body.setGeometry(0, top, width, height)
        self._inside.resize(QSize(width, top + height))


class AnswerPane(QFrame):
    """One side.

    Signals:
        stop_requested(side), keep_requested(side): its buttons.
        link_activated(address): a link of the answer was followed.
    """

    stop_requested = Signal(int)
    keep_requested = Signal(int)
    link_activated = Signal(str)

    def __init__(self, side: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self._side = side
        self._answer = SideAnswer()
        self._manners: Sequence[Manner] = ()
        which = self.tr("First model") if side == 0 else self.tr("Second model")
        self.setAccessibleName(which)
        self.model_box, self.manner_box = QComboBox(), QComboBox()
        self.model_box.setAccessibleName(which)
        how = self.tr("How the first one answers") if side == 0 else self.tr("How the second one answers")
        self.manner_box.setAccessibleName(how)
        self.text = AnswerText()
        self.text.setAccessibleName(self.tr("Answer of {model}").format(model=which))
        self.state = plain_label("small")
        self.figures = plain_label("small")
        self.error = plain_label("warning")
        self.stop_button = ThemedButton(self.tr("Stop"), "circle-stop")
        self.copy_button = ThemedButton(self.tr("Copy"), "copy", kind="ghost")
        self.keep_button = ThemedButton(self.tr("Keep this answer"), "message-square")
        self._lay_out()
        self.text.link_activated.connect(self.link_activated)
        self.stop_button.clicked.connect(self._on_stop)
        self.keep_button.clicked.connect(self._on_keep)
        self.copy_button.clicked.connect(self._on_copy)
        self.show_answer(self._answer)

    @property
    def model(self) -> str:
        """Who answers; empty when there is no model."""
        return str(self.model_box.currentData() or "")

    @property
    def manner(self) -> Manner:
        """How."""
        return self._manners[max(self.manner_box.currentIndex(), 0)]

    def show_models(self, models: Sequence[ModelStatus], preferred: str) -> None:
        """Offer these, keeping the one that is chosen."""
        listed = [(each.label, each.name) for each in models if each.usable]
        if listed == [
            (self.model_box.itemText(at), self.model_box.itemData(at)) for at in range(self.model_box.count())
        ]:
            return
        chosen = self.model or preferred
        self.model_box.clear()
        for label, name in listed:
            self.model_box.addItem(label, name)
        self.model_box.setCurrentIndex(max(self.model_box.findData(chosen), 0))

    def show_manners(self, manners: Sequence[Manner], chosen: int) -> None:
        """Offer these ways to answer, the first time with the one of that number chosen."""
        before = self.manner_box.currentText() or manners[chosen].name
        self._manners = manners
        self.manner_box.clear()
        self.manner_box.addItems([manner.name for manner in manners])
        self.manner_box.setCurrentIndex(max(self.manner_box.findText(before), 0))

    def show_answer(self, answer: SideAnswer) -> None:
        """Show what has come."""
        self._answer = answer
        self.text.show_answer(answer)
        self.text.setVisible(bool(answer.text or answer.thoughts) or answer.running)
        for label, words in ((self.state, answer.state_text), (self.figures, answer.figures)):
            label.setText(words)
            label.setVisible(bool(words))
        error = answer.error
        self.error.setText("\n".join(filter(None, (error.title, error.message, error.hint))) if error else "")
        self.error.setVisible(error is not None)
        self.stop_button.setVisible(answer.running)
        ended = bool(answer.text) and not answer.running
        self.copy_button.setVisible(ended)
        self.keep_button.setVisible(ended and bool(answer.session_id))

    def _lay_out(self) -> None:
        for box in (self.model_box, self.manner_box):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
        buttons = QHBoxLayout()
        buttons.setSpacing(spacing.SMALL)
        for button in (self.stop_button, self.keep_button, self.copy_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.LARGE, spacing.MEDIUM)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self.model_box)
        layout.addWidget(self.manner_box)
        layout.addWidget(self.text, 10)
        layout.addWidget(self.state)
        layout.addWidget(self.error)
        layout.addWidget(self.figures)
        layout.addStretch(1)
        layout.addLayout(buttons)

    @Slot()
    def _on_stop(self) -> None:
        self.stop_requested.emit(self._side)

    @Slot()
    def _on_keep(self) -> None:
        self.keep_requested.emit(self._side)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._answer.text)
