"""Keys that are set by pressing them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QKeyCombination, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPushButton

_HELD = {Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr, Qt.Key.Key_unknown}
_FORGET = {Qt.Key.Key_Backspace, Qt.Key.Key_Delete}
_CHARACTERS = 18

Judge = Callable[[str], str]
"""Why keys cannot be taken, in words; empty when they can."""


class KeyEditor(QPushButton):
    """Shows keys; pressed, it waits for others. Esc leaves them as they are, Backspace takes them away.

    Attributes:
        waiting: whether it waits for keys.

    Signals:
        edited(keys): others were pressed, in Qt's portable words; empty for none.
        refused(reason): those that were pressed cannot be taken.
    """

    edited = Signal(str)
    refused = Signal(str)

    def __init__(self, judge: Judge = lambda _: "") -> None:
        super().__init__()
        self._judge = judge
        self._keys = ""
        self._name = ""
        self.waiting = False
        self.setAutoDefault(False)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumWidth(_CHARACTERS * self.fontMetrics().averageCharWidth())
        self.clicked.connect(self._on_clicked)
        self._refresh()

    @property
    def keys(self) -> str:
        """What is shown, in Qt's portable words."""
        return self._keys

    def show_value(self, text: str) -> None:
        """Show the keys that hold."""
        self._keys = text
        self.waiting = False
        self._refresh()

    def setAccessibleName(self, name: str) -> None:  # noqa: N802  (Qt's name)
        """Say what the keys are for; the keys are said after it."""
        self._name = name
        self._refresh()

    def event(self, event: QEvent) -> bool:
        """While it waits, no key is anybody else's: neither Tab nor the window's shortcuts."""
        if self.waiting and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if self.waiting and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            self._take(event)
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Wait no more."""
        super().focusOutEvent(event)
        self.show_value(self._keys)

    def _take(self, event: QKeyEvent) -> None:
        event.accept()
        key = Qt.Key(event.key())
        if key in _HELD:
            return
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        bare = held == Qt.KeyboardModifier.NoModifier
        before = self._keys
        self.show_value(before)
        if bare and key in _FORGET:
            self._tell("", before)
        elif not (bare and key == Qt.Key.Key_Escape):
            pressed = QKeySequence(QKeyCombination(held, key)).toString(QKeySequence.SequenceFormat.PortableText)
            self._tell(pressed, before)

    def _tell(self, keys: str, before: str) -> None:
        reason = self._judge(keys) if keys else ""
        if reason:
            self.refused.emit(reason)
        elif keys != before:
            self.edited.emit(keys)

    @Slot()
    def _on_clicked(self) -> None:
        self.waiting = True
        self._refresh()

    def _refresh(self) -> None:
        native = QKeySequence(self._keys).toString(QKeySequence.SequenceFormat.NativeText)
        words = self.tr("Press keys…") if self.waiting else native or self.tr("None")
        self.setText(words)
        super().setAccessibleName(f"{self._name}: {words}" if self._name else words)
