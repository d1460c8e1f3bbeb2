"""The field of the composer: what is pasted is told apart, Up brings earlier questions, Tab fills in prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QRegularExpression, Qt, Signal
from PySide6.QtGui import QKeyEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.composer.message_edit import MessageEdit

LONG = 4_000
"""Above this many characters a pasted text becomes a file of its own."""

MANY_LINES = 60
"""And so does one of more lines."""

_PLACEHOLDER = QRegularExpression(r"\{\{[^{}\n]{1,80}\}\}")


def local_files(data: QMimeData) -> list[Path]:
    """The files of this computer that are dragged or pasted; empty when it is anything else."""
    urls = data.urls() if data.hasUrls() else []
    return [Path(url.toLocalFile()) for url in urls] if urls and all(url.isLocalFile() for url in urls) else []


class ComposerEdit(MessageEdit):
    """The field in which questions are written.

    Attributes:
        past: gives the earlier questions, oldest first.

    Signals:
        files_pasted(list[Path]): files were pasted.
        long_text_pasted(str): a text was pasted that is better a file.
        picture_pasted(): a picture was pasted.
    """

    files_pasted = Signal(object)
    long_text_pasted = Signal(str)
    picture_pasted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.past: Callable[[], Sequence[str]] = list
        self._steps_back = 0
        self._recalled = ""
        self._filling = False

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802  (Qt's name)
        """Take words; files, long texts and pictures are told of."""
        files = local_files(source)
        if files:
            self.files_pasted.emit(files)
        elif source.hasImage() and not source.hasText():
            self.picture_pasted.emit()
        elif source.hasText() and _is_long(source.text()):
            self.long_text_pasted.emit(source.text())
        else:
            super().insertFromMimeData(source)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802  (Qt's name)
        """Pictures too, so that the person is told that they cannot be read."""
        return source.hasImage() or source.hasUrls() or super().canInsertFromMimeData(source)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Up and Down go through the earlier questions while nothing else is typed."""
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        older, newer = event.key() == Qt.Key.Key_Up, event.key() == Qt.Key.Key_Down
        if not (plain and (older or newer) and self._browse(older=older)):
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802  (Qt's name and signature)
        """Tab goes through the blanks of a prompt before it leaves the field."""
        return (self._filling and self.select_blank(forward=forward)) or super().focusNextPrevChild(forward)

    def fill_in(self) -> None:
        """Go to the first blank, ``{{like this}}``; Tab goes to the others."""
        self._filling = True
        self.moveCursor(QTextCursor.MoveOperation.Start)
        if not self.select_blank(forward=True):
            self._filling = False
            self.moveCursor(QTextCursor.MoveOperation.End)

    def select_blank(self, *, forward: bool) -> bool:
        """Select the next blank, or the one before; False when there is none any more."""
        way = QTextDocument.FindFlag(0) if forward else QTextDocument.FindFlag.FindBackward
        found = self.document().find(_PLACEHOLDER, self.textCursor(), way)
        if found.isNull():
            ends = QTextCursor(self.document())
            if not forward:
                ends.movePosition(QTextCursor.MoveOperation.End)
            found = self.document().find(_PLACEHOLDER, ends, way)
        if found.isNull():
            return False
        self.setTextCursor(found)
        return True

    def forget_browsing(self) -> None:
        """The field belongs to another question now."""
        self._steps_back = 0
        self._recalled = ""
        self._filling = False

    def _browse(self, *, older: bool) -> bool:
        """Show an earlier question, or a later one; False leaves the key to the text."""
        if not self._may_browse(older=older):
            return False
        past = self.past()
        steps = min(len(past), self._steps_back + 1) if older else max(0, self._steps_back - 1)
        if steps == self._steps_back:
            return bool(steps)
        self._recalled = past[-steps] if steps else ""
        self.set_text(self._recalled)
        self._recalled = self.text()
        if older:
            self.moveCursor(QTextCursor.MoveOperation.Start)
        self._steps_back = steps
        return True

    def _may_browse(self, *, older: bool) -> bool:
        if self.document().isEmpty():
            self._steps_back = 0
            return older
        edge = QTextCursor.MoveOperation.Up if older else QTextCursor.MoveOperation.Down
        return bool(self._steps_back) and not self.textCursor().movePosition(edge) and self.text() == self._recalled


def _is_long(text: str) -> bool:
    return len(text) > LONG or text.count("\n") >= MANY_LINES
