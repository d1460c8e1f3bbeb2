"""A plain text field for messages: as high as its text, quick even with a million characters."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QFocusEvent,
    QFontMetricsF,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QTextBlockFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

SendKey = Literal["enter", "ctrl_enter"]

MAX_LINES = 9
"""The field grows to this many lines and scrolls from then on."""

LONG_LINE = 2_000
"""Longer pasted lines are laid out in pieces: Qt takes a second per key for a line of a million characters."""

_CONTINUES = int(QTextFormat.Property.UserProperty) + 1


class MessageEdit(QPlainTextEdit):
    """A plain text field as high as its text.

    Attributes:
        send_key: which key sends.

    Signals:
        submitted(): the key that sends was pressed.
        height_wanted(int): the text needs another height, in device-independent pixels.
        focused(bool): the cursor came or went.
    """

    submitted = Signal()
    height_wanted = Signal(int)
    focused = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.send_key: SendKey = "enter"
        self._composing = False
        self.setProperty("kind", "bare")
        self.setAccessibleName(self.tr("Message"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(2)
        self.textChanged.connect(self.fit)
        self.fit()

    def event(self, event: QEvent) -> bool:
        """A command of the window comes before Qt's own keys of editing: Ctrl+K deletes a line on some desktops."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.matches(QKeySequence.StandardKey.Redo) and not self.document().isRedoAvailable():
                event.ignore()  # where nothing is to be done again, the keys take back what the window offers to
                return True
            pressed = QKeySequence(event.keyCombination())
            if any(pressed == command.key() for command in self.window().findChildren(QShortcut)):
                event.ignore()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Enter sends, or Ctrl+Enter; every other Enter breaks the line, or ends a word that is being composed."""
        if event.key() not in {Qt.Key.Key_Return, Qt.Key.Key_Enter} or self._composing:
            super().keyPressEvent(event)
        elif self._sends(event.modifiers()):
            self.submitted.emit()
        else:
            self.textCursor().insertText("\u2028")
            self.ensureCursorVisible()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:  # noqa: N802  (Qt's name)
        """Know whether a word is being composed."""
        super().inputMethodEvent(event)
        self._composing = bool(event.preeditString())

    def _sends(self, held: Qt.KeyboardModifier) -> bool:
        if held & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier):
            return False
        return self.send_key == "enter" or bool(held & Qt.KeyboardModifier.ControlModifier)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  (Qt's name)
        """Leave files to what lies around."""
        if event.mimeData().hasUrls():
            event.ignore()
        else:
            super().dragEnterEvent(event)

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802  (Qt's name)
        """Take the words of what is pasted and leave its looks."""
        if source.hasText():
            self.insert(source.text())

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802  (Qt's name)
        """What is copied is what was typed."""
        cursor = self.textCursor()
        data = QMimeData()
        data.setText(self._text_between(cursor.selectionStart(), cursor.selectionEnd()))
        return data

    def text(self) -> str:
        """What is typed, exactly."""
        return self._text_between(0, self.document().characterCount())

    def set_text(self, text: str) -> None:
        """Replace the text, the cursor at its end."""
        self.clear()
        self.insert(text)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Another width needs another height."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Tell the frame around."""
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Tell the frame around."""
        super().focusOutEvent(event)
        self.focused.emit(False)

    @Slot()
    def fit(self) -> None:
        """Ask for the height of the text, up to the limit."""
        lines = self._lines()
        line = QFontMetricsF(self.font()).lineSpacing()
        scrolls = lines > MAX_LINES
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if scrolls else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        self.height_wanted.emit(round(line * min(lines, MAX_LINES) + 2 * self.document().documentMargin() + 2))

    def _lines(self) -> int:
        """Lines the text takes; counting ends above the limit, so that a long text costs no more."""
        block = self.document().firstBlock()
        lines = 0
        while block.isValid() and lines <= MAX_LINES:
            self.document().documentLayout().blockBoundingRect(block)  # lays the block out if it is not yet
            lines += max(1, block.layout().lineCount())
            block = block.next()
        return max(1, lines)

    def insert(self, text: str) -> None:
        """Put text in the place of what is selected, or where the cursor is."""
        cursor = self.textCursor()
        cursor.beginEditBlock()
        cursor.removeSelectedText()
        lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").split("\n")
        if max(map(len, lines)) <= LONG_LINE:
            cursor.insertText("\n".join(lines))
        else:
            _insert_pieces(cursor, lines)
        cursor.endEditBlock()
        self.setTextCursor(cursor)

    def _text_between(self, start: int, end: int) -> str:
        parts: list[str] = []
        block = self.document().findBlock(start)
        while block.isValid() and block.position() < end:
            if parts and not block.blockFormat().hasProperty(_CONTINUES):
                parts.append("\n")
            parts.append(block.text()[max(0, start - block.position()) : end - block.position()])
            block = block.next()
        return "".join(parts).replace("\u2028", "\n")


def _insert_pieces(cursor: QTextCursor, lines: list[str]) -> None:
    """Insert lines in pieces that are quick to lay out; a piece knows that it continues the one before."""
    continues = QTextBlockFormat()
    continues.setProperty(_CONTINUES, True)
    for number, line in enumerate(lines):
        if number:
            cursor.insertBlock(QTextBlockFormat())
        for start in range(0, len(line), LONG_LINE):
            if start:
                cursor.insertBlock(continues)
            cursor.insertText(line[start : start + LONG_LINE])
