"""What the keyboard does in the conversation: it scrolls, and goes from message to message."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.focus_ring import note_focus, paint_focus_ring, shows_focus

KEY_STEP = 60
"""Pixels that an arrow key scrolls."""

_AROUND = (-spacing.SMALL, -spacing.HAIR, spacing.SMALL, spacing.HAIR)
"""How far outside a message its frame is, so that it touches nothing of it."""


class KeyboardArea(QAbstractScrollArea):
    """Scrolls by keys and shows when it has the keyboard; who inherits it knows the messages."""

    def go_to_neighbour(self, step: int) -> None:
        """Give the keyboard to the message so many further down, or up where it is less than none."""
        raise NotImplementedError

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Scroll, or go from message to message: with Alt and an arrow, or with J and K."""
        bar, key = self.verticalScrollBar(), event.key()
        is_arrow = event.modifiers() & Qt.KeyboardModifier.AltModifier and key in {Qt.Key.Key_Up, Qt.Key.Key_Down}
        is_letter = event.modifiers() == Qt.KeyboardModifier.NoModifier and key in {Qt.Key.Key_J, Qt.Key.Key_K}
        if is_arrow or is_letter:
            self.go_to_neighbour(-1 if key in {Qt.Key.Key_Up, Qt.Key.Key_K} else 1)
            return
        steps = {
            Qt.Key.Key_Up: bar.value() - KEY_STEP,
            Qt.Key.Key_Down: bar.value() + KEY_STEP,
            Qt.Key.Key_PageUp: bar.value() - bar.pageStep(),
            Qt.Key.Key_PageDown: bar.value() + bar.pageStep(),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: bar.maximum(),
        }
        if key in steps:
            bar.setValue(steps[Qt.Key(key)])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Show that the keyboard is at a message, or here and at none of them."""
        message = self.focused_message()
        if message is not None:
            paint_focus_ring(self.viewport(), message.geometry().adjusted(*_AROUND))
        elif shows_focus(self):
            paint_focus_ring(self.viewport())

    def focused_message(self) -> QWidget | None:
        """The message that has the keyboard; None where something else has it, be it in a message."""
        focused = QApplication.focusWidget()
        return focused if focused is not None and focused.parentWidget() is self.viewport() else None

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Show where the keyboard is."""
        note_focus(self, event)
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Stop showing it."""
        super().focusOutEvent(event)
        self.viewport().update()
