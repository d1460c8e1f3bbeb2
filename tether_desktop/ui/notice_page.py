"""The page for when the program itself cannot go on: what happened, what to do, and the buttons that do it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from tether_desktop.errors import TetherError
from tether_desktop.ui.look import icons, spacing
from tether_desktop.ui.look.calm_page import CalmPage
from tether_desktop.ui.look.flow_layout import FlowLayout
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton

Remedy = Literal["restore", "begin", "folder"]
"""What can be done besides trying again: restore a backup, begin with no chats, look into the folder."""


class NoticePage(CalmPage):
    """A calm page with one error.

    Attributes:
        title, message, hint: what happened and what to do.
        problem: why a remedy did not work.
        buttons: by what they do: the remedies, then "retry" and "quit".

    Signals:
        retry_requested(): try to open again.
        remedy_requested(remedy): one of the other things that can be done.
        quit_requested(): close the program.
    """

    retry_requested = Signal()
    remedy_requested = Signal(str)
    quit_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mark = QLabel()
        self.title = self._label("title")
        self.message = self._label("")
        self.hint = self._label("muted")
        self.problem = self._label("danger_text")
        self.retry_button = ThemedButton(self.tr("Try again"), "rotate-ccw", kind="primary", color="on_accent")
        self.quit_button = ThemedButton(self.tr("Quit"))
        self.buttons: dict[str, ThemedButton] = {
            "restore": ThemedButton(self.tr("Restore a backup…"), "archive-restore"),
            "begin": ThemedButton(self.tr("Begin with no chats"), "plus"),
            "retry": self.retry_button,
            "folder": ThemedButton(self.tr("Open the folder"), "folder-open"),
            "quit": self.quit_button,
        }
        self._lay_out()
        self.retry_button.clicked.connect(self.retry_requested)
        self.quit_button.clicked.connect(self.quit_requested)
        for remedy in ("restore", "begin", "folder"):
            self.buttons[remedy].clicked.connect(lambda _=False, what=remedy: self.remedy_requested.emit(what))

    def show_error(self, error: TetherError, remedies: Collection[Remedy] = ()) -> None:
        """Say what happened, and offer what can be done."""
        self._mark.setPixmap(icons.pixmap("triangle-alert", "warning", 36, self.devicePixelRatioF()))
        self.title.setText(error.title)
        self.message.setText(error.message)
        self.hint.setText(error.hint)
        self.hint.setVisible(bool(error.hint))
        self.problem.hide()
        for remedy in ("restore", "begin", "folder"):
            self.buttons[remedy].setVisible(remedy in remedies)
        self._point_out("restore" if "restore" in remedies else "retry")
        self.setAccessibleName(f"{error.title}. {error.message} {error.hint}")
        self.set_busy("")

    def show_problem(self, error: TetherError) -> None:
        """Say why a remedy did not work; what happened first still holds."""
        self.problem.setText(f"{error.title}. {error.message} {error.hint}".strip())
        self.problem.show()
        self.set_busy("")

    def set_busy(self, doing: str) -> None:
        """While something is tried, nothing else can be; ``doing`` says what, and is empty when it is over."""
        for name, button in self.buttons.items():
            button.setEnabled(not doing or name == "quit")
        self.retry_button.setText(doing or self.tr("Try again"))
        self.retry_button.setAccessibleName(self.retry_button.text())

    def _point_out(self, main: str) -> None:
        for name, icon in (("restore", "archive-restore"), ("retry", "rotate-ccw")):
            set_kind(self.buttons[name], "primary" if name == main else "")
            self.buttons[name].set_icon(icon, "on_accent" if name == main else "muted")
        self.buttons[main].setEnabled(True)
        self.buttons[main].setFocus()

    def _lay_out(self) -> None:
        for widget in (self._mark, self.title, self.message, self.hint, self.problem):
            self.column.addWidget(widget)
        self.column.addSpacing(spacing.SMALL)
        row = QWidget()
        flow = FlowLayout(row, 8)
        for button in self.buttons.values():
            flow.addWidget(button)
        self.column.addWidget(row)

    @staticmethod
    def _label(kind: str) -> QLabel:
        label = QLabel()
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if kind:
            label.setProperty("kind", kind)
        return label
