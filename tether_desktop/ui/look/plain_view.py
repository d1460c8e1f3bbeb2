"""A box of plain text in the code face: what a tool was told or answered, exactly as it is."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QTextOption, QWheelEvent
from PySide6.QtWidgets import QTextEdit, QWidget

MOST_HEIGHT = 240
"""Device-independent pixels above which the text scrolls in its box."""

_SCROLL_BAR = 14
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
_LAYOUT = {"\n", "\t"}


def visible(text: str) -> str:
    """The text with characters spelled out that nobody sees, or that make others appear in another order."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(each) if _is_unseen(each) else each for each in text)


def pretty_json(value: Any) -> str:
    """A JSON value over several lines, as a person decides by it: nothing left out, nothing invisible."""
    return visible(json.dumps(value, ensure_ascii=False, indent=2))


def _is_unseen(character: str) -> bool:
    return character not in _LAYOUT and unicodedata.category(character) in _UNSEEN


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class PlainView(QTextEdit):
    """Shows text that nobody may take for markup; high as needed up to a limit, then it scrolls."""

    def __init__(self, parent: QWidget, label: str) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setProperty("kind", "plain")
        self.setAccessibleName(label)
        self.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.document().setDocumentMargin(0)

    def show_text(self, text: str) -> None:
        """Show this, where it is not shown already: what is selected stays selected."""
        if text != self.toPlainText():
            self.setPlainText(text)

    @property
    def overflows(self) -> bool:
        """Whether some of the text is seen only by scrolling."""
        return self.document().size().height() > MOST_HEIGHT

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        wrap = max(1, width - _SCROLL_BAR)
        if wrap != self.lineWrapColumnOrWidth():  # setting the same width again would lay everything out again
            self.setLineWrapColumnOrWidth(wrap)
        self.ensurePolished()  # the face is the stylesheet's
        return min(MOST_HEIGHT, int(self.document().size().height() + 0.999))

    def has_selection(self) -> bool:
        """Whether the person has selected some of it."""
        return self.textCursor().hasSelection()

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802  (Qt's name)
        """The selection as plain text only."""
        data = QMimeData()
        data.setText(self.textCursor().selection().toPlainText())
        return data

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  (Qt's name)
        """Scroll in the box, and at its ends in the conversation."""
        bar, delta = self.verticalScrollBar(), event.angleDelta().y()
        at_end = bar.value() == (bar.minimum() if delta > 0 else bar.maximum())
        if at_end:
            event.ignore()
        else:
            super().wheelEvent(event)
