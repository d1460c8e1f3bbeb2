"""The page for when the program itself cannot go on: what happened, what to do, try again or quit."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.errors import TetherError
from tether_desktop.ui.look import icons
from tether_desktop.ui.look.themed_button import ThemedButton


class NoticePage(QWidget):
    """A calm page with one error.

    Signals:
        retry_requested(): try to open again.
        quit_requested(): close the program.
    """

    retry_requested = Signal()
    quit_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mark = QLabel()
        self.title = self._label("title")
        self.message = self._label("")
        self.hint = self._label("muted")
        self.retry_button = ThemedButton(self.tr("Try again"), "rotate-ccw", kind="primary", color="on_accent")
        self.quit_button = ThemedButton(self.tr("Quit"), kind="")
        self.retry_button.clicked.connect(self.retry_requested)
        self.quit_button.clicked.connect(self.quit_requested)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addWidget(self.retry_button)
        buttons.addWidget(self.quit_button)
        buttons.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addStretch(2)
        for widget in (self._mark, self.title, self.message, self.hint):
            column.addWidget(widget)
        column.addSpacing(8)
        column.addLayout(buttons)
        column.addStretch(3)
        layout = QHBoxLayout(self)
        layout.addStretch(1)
        layout.addLayout(column, 4)
        layout.addStretch(1)

    def show_error(self, error: TetherError) -> None:
        """Say what happened."""
        self._mark.setPixmap(icons.pixmap("triangle-alert", "warning", 36, self.devicePixelRatioF()))
        self.title.setText(error.title)
        self.message.setText(error.message)
        self.hint.setText(error.hint)
        self.hint.setVisible(bool(error.hint))
        self.setAccessibleName(f"{error.title}. {error.message} {error.hint}")
        self.set_retrying(retrying=False)
        self.retry_button.setFocus()

    def set_retrying(self, *, retrying: bool) -> None:
        """While it is tried again, it cannot be asked again."""
        self.retry_button.setEnabled(not retrying)
        self.retry_button.setText(self.tr("Trying…") if retrying else self.tr("Try again"))

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
