"""A tool call in a reply: what is called with which arguments, what came of it, and whether it may run at all."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from tether_desktop.protocol.tool_use import ApprovalAnswer
from tether_desktop.ui.chat.message_view import CallView
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.mirror import place
from tether_desktop.ui.look.plain_view import PlainView, pretty_json, visible
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.tools.call_header import CallHeader
from tether_desktop.ui.tools.call_words import identity_of, shown_result
from tether_desktop.ui.tools.tool_facts import ToolNames
from tether_desktop.ui.translation import mark, translate

GUARD_S = 0.4
"""After it appears, a question takes no answer for so long: what was clicked then was meant for something else."""

_LEFT = 38
_RIGHT = 16
_LABEL = 22
_ANSWERS: tuple[tuple[ApprovalAnswer, str, str, str], ...] = (
    ("once", mark("ToolCard", "Allow once"), "check", mark("ToolCard", "Run this call")),
    (
        "always",
        mark("ToolCard", "Always in this chat"),
        "square-check",
        mark("ToolCard", "Run this call and all others of this tool in this chat"),
    ),
    ("deny", mark("ToolCard", "Deny"), "x", mark("ToolCard", "Do not run this call")),
    (
        "never",
        mark("ToolCard", "Never in this chat"),
        "circle-stop",
        mark("ToolCard", "Run no call of this tool in this chat"),
    ),
)


class TextBox(QWidget):
    """A heading and plain text, with a button that copies it."""

    def __init__(self, parent: QWidget, heading: str) -> None:
        super().__init__(parent)
        self._heading = heading
        self._whole = ""
        self.label = QLabel(heading, self)
        self.label.setProperty("kind", "small")
        self.view = PlainView(self, heading)
        self.copy_button = IconButton("copy", self.tr("Copy: {what}").format(what=heading), self, size=14)
        self.copy_button.clicked.connect(self._on_copy)

    def show_text(self, shown: str, whole: str) -> None:
        """Show a text; what is copied is ``whole``."""
        self._whole = whole
        self.view.show_text(shown)

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        height = self.view.fit(width)
        self.view.setGeometry(0, _LABEL, width, height)
        scrolled = self.tr("{heading} (scroll to read all of it)").format(heading=self._heading)
        self.label.setText(scrolled if self.view.overflows else self._heading)
        place(self.label, QRect(0, 0, width - _LABEL, _LABEL), width)
        place(self.copy_button, QRect(width - _LABEL, 0, _LABEL, _LABEL), width)
        return _LABEL + height

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._whole)
        self.copy_button.confirm()


class ToolCard(QFrame):
    """Shows one CallView at a given width.

    Attributes:
        answer_buttons: by what they answer; there while the call waits.

    Signals:
        toggled(bool): the person opened or closed it.
        answered(call_id, ApprovalAnswer): the person decided.
    """

    toggled = Signal(bool)
    answered = Signal(str, str)

    def __init__(
        self,
        parent: QWidget,
        names: ToolNames,
        *,
        is_open: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._names = names
        self._clock = clock
        self._asked_at = clock()
        self._call = CallView(0, "", "")
        self.header = CallHeader(names, self)
        self.header.setChecked(is_open)
        self.header.clicked.connect(self._on_click)
        self.identity: QLabel | None = None
        self.arguments: TextBox | None = None
        self.result: TextBox | None = None
        self.answer_buttons: dict[ApprovalAnswer, ThemedButton] = {}

    @property
    def call(self) -> CallView:
        """What is shown."""
        return self._call

    @property
    def accepts_answers(self) -> bool:
        """Whether a click now is meant for the question."""
        return self._call.state == "waiting" and self._clock() - self._asked_at >= GUARD_S

    @property
    def is_open(self) -> bool:
        """Whether arguments and result are shown; always while the call waits."""
        return self._call.state == "waiting" or self.header.isChecked()

    def show_call(self, call: CallView) -> None:
        """Show this state of the call."""
        if call.state == "waiting" and self._call.state != "waiting":
            self._asked_at = self._clock()
        self._call = call
        set_kind(self, "question_card" if call.state == "waiting" else "well")
        self.header.show_call(call)
        self._fill()

    def restyle(self) -> None:
        """Take the colours of the theme that is on now."""
        self.show_call(self._call)

    def has_selection(self) -> bool:
        """Whether the person has selected some of its text."""
        return any(box is not None and box.view.has_selection() for box in (self.arguments, self.result))

    def focus_question(self) -> None:
        """Give the keyboard to what has to be read before the answer."""
        (self.arguments.view if self.arguments is not None else self.header).setFocus(
            Qt.FocusReason.ShortcutFocusReason
        )

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        top = 1 + self.header.wanted_height
        self.header.setGeometry(1, 1, width - 2, top - 1)
        inner = width - _LEFT - _RIGHT
        if self.identity is not None and not self.identity.isHidden():
            height = self.identity.heightForWidth(inner)
            place(self.identity, QRect(_LEFT, top, inner, height), width)
            top += height + 4
        for box in (self.arguments, self.result):
            if box is not None and not box.isHidden():
                height = box.fit(inner)
                place(box, QRect(_LEFT, top, inner, height), width)
                top += height + 8
        top = self._place_buttons(top, width)
        return top + (4 if self.is_open else 1)

    def event(self, event: QEvent) -> bool:
        """Begin the guard anew when the card, or its window, comes before the person's eyes."""
        if event.type() in {QEvent.Type.Show, QEvent.Type.WindowActivate}:
            self._asked_at = self._clock()
        return super().event(event)

    def _fill(self) -> None:
        """Make what an open card shows; a closed one has only its header."""
        call, opened = self._call, self.is_open
        if opened:
            self._show_identity()
            if self.arguments is None:
                heading = self.tr("What the model wrote") if call.text else self.tr("Arguments")
                self.arguments = TextBox(self, heading)
            text = call.text or pretty_json(call.arguments)
            self.arguments.show_text(visible(text), text)
            if call.result:
                if self.result is None:
                    heading = self.tr("Result") if call.state == "done" else self.tr("What the model is told")
                    self.result = TextBox(self, heading)
                self.result.show_text(shown_result(call), call.result)
        for part in (self.identity, self.arguments):
            if part is not None:
                part.setVisible(opened)
        if self.result is not None:
            self.result.setVisible(opened and bool(call.result))
        self._show_buttons()

    def _show_identity(self) -> None:
        if self.identity is None:
            self.identity = QLabel(self)
            self.identity.setTextFormat(Qt.TextFormat.PlainText)
            self.identity.setWordWrap(True)
            self.identity.setProperty("kind", "small")
        self.identity.setText(identity_of(self._call, self._names))

    def _show_buttons(self) -> None:
        asks = self._call.state == "waiting"
        if asks and not self.answer_buttons:
            for answer, text, icon, tip in _ANSWERS:
                words, told = translate("ToolCard", text), translate("ToolCard", tip)
                self.answer_buttons[answer] = self._make_button(answer, words, icon, told)
        for button in self.answer_buttons.values():
            button.setVisible(asks)

    def _make_button(self, answer: ApprovalAnswer, text: str, icon: str, tip: str) -> ThemedButton:
        button = ThemedButton(text, icon, self, kind="answer")
        button.setToolTip(tip)
        button.setAccessibleDescription(tip)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: self._on_answer(answer))
        return button

    def _place_buttons(self, top: int, width: int) -> int:
        """Put the buttons side by side, and below each other where there is no room."""
        if self._call.state != "waiting":
            return top
        left, height = _LEFT, 0
        for button in self.answer_buttons.values():
            size = button.sizeHint()
            if left > _LEFT and left + size.width() > width - _RIGHT:
                left, top = _LEFT, top + height + 6
            place(button, QRect(left, top, size.width(), size.height()), width)
            left, height = left + size.width() + 8, size.height()
        return top + height + 8

    def _on_answer(self, answer: ApprovalAnswer) -> None:
        if self.accepts_answers:
            self.answered.emit(self._call.id, answer)

    def _on_click(self) -> None:
        self._fill()
        self.header.update()
        self.toggled.emit(self.header.isChecked())
