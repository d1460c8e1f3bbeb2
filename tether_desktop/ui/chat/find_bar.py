"""The bar that looks for words in the chat that is shown."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton


class FindBar(QFrame):
    """A field for the words, how often they are there, and the way from place to place.

    Signals:
        words_changed(words): other words are looked for; none when the field is empty.
        step_requested(int): go 1 place on, or -1 back.
        closed(): the person is done.
    """

    words_changed = Signal(str)
    step_requested = Signal(int)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.field = QLineEdit()
        self.field.setProperty("kind", "bare")
        self.field.setPlaceholderText(self.tr("Find in this chat"))
        self.field.setAccessibleName(self.tr("Find in this chat"))
        self.field.setMaxLength(200)
        self.count = QLabel()
        self.count.setProperty("kind", "small")
        self.previous = IconButton("chevron-up", self.tr("Previous place"), size=16)
        self.next = IconButton("chevron-down", self.tr("Next place"), size=16)
        self.close_button = IconButton("x", self.tr("Close"), size=16)
        row = QHBoxLayout(self)
        row.setContentsMargins(spacing.LARGE, spacing.NEAR, spacing.SMALL, spacing.NEAR)
        row.setSpacing(spacing.TIGHT)
        row.addWidget(self.field, 1)
        for part in (self.count, self.previous, self.next, self.close_button):
            row.addWidget(part)
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self.words_changed)
        self.previous.clicked.connect(lambda: self.step_requested.emit(-1))
        self.next.clicked.connect(lambda: self.step_requested.emit(1))
        self.close_button.clicked.connect(self.leave)
        self.hide()

    def open(self, words: str = "") -> None:
        """Show it with the keyboard in the field; ``words`` take the place of those that are there."""
        self.show()
        if words:
            self.field.setText(words)
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def leave(self) -> None:
        """Hide it; nothing is looked for any more."""
        self.hide()
        self.field.clear()
        self.closed.emit()

    def show_count(self, number: int, count: int) -> None:
        """Say which of how many places is shown, from 1; 0 of 0 where there is none."""
        if not self.field.text():
            words = ""
        elif count == 0:
            words = self.tr("Not found")
        else:
            words = self.tr("{number} of {count}").format(number=number, count=count)
        self.count.setText(words)
        for button in (self.previous, self.next):
            button.setEnabled(count > 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Keep Escape for the bar while the keyboard is in it: elsewhere in the window it stops an answer."""
        asks = event.type() == QEvent.Type.ShortcutOverride
        if asks and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Enter goes on, with Shift back; Escape leaves."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.step_requested.emit(-1 if back else 1)
        elif event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)
