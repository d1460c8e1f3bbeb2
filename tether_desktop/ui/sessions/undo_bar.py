"""A bar that says what was done and offers to take it back for a few seconds, or notes what others have done."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from tether_desktop.ui.chat.announcement import announce
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.themed_button import ThemedButton

UNDO_MS = 8_000
"""How long a deletion can be taken back from the bar."""


class UndoBar(QFrame):
    """Shown after a deletion, the person's own or another client's.

    Signals:
        undo_requested(key): take back what the bar was shown for.
    """

    undo_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "well")
        self._key = ""
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self.undo_button = ThemedButton(self.tr("Undo"), "undo-2")
        keys = QKeySequence("Ctrl+Shift+Z")
        self.undo_button.setShortcut(keys)
        native = keys.toString(QKeySequence.SequenceFormat.NativeText)
        self.undo_button.setToolTip(self.tr("Undo ({keys})").format(keys=native))
        close = IconButton("x", self.tr("Dismiss"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.NEAR, spacing.NEAR, spacing.NEAR)
        layout.addWidget(self._label, 1)
        layout.addWidget(self.undo_button)
        layout.addWidget(close)
        self.timer = QTimer(self, singleShot=True, interval=UNDO_MS)
        self.timer.timeout.connect(self.dismiss)
        self.undo_button.clicked.connect(self._on_undo)
        close.clicked.connect(self.dismiss)
        self.hide()

    def offer(self, text: str, key: str) -> None:
        """Say what was done; ``key`` is given back when it is to be undone."""
        self._key = key
        self._say(text)
        self.undo_button.show()
        self.timer.start()

    def note(self, text: str) -> None:
        """Say what happened, until it is dismissed: there is nothing to take back."""
        self.timer.stop()
        self._say(text)
        self.undo_button.hide()
        announce(self, text)

    def dismiss_note(self) -> None:
        """Go away if nothing is offered any more."""
        if not self.timer.isActive():
            self.dismiss()

    @Slot()
    def dismiss(self) -> None:
        """Go away; what was done stays done."""
        self.timer.stop()
        self.hide()

    def _say(self, text: str) -> None:
        self._label.setText(text)
        self.setAccessibleName(text)
        self.show()

    @Slot()
    def _on_undo(self) -> None:
        self.dismiss()
        self.undo_requested.emit(self._key)
