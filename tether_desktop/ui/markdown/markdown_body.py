"""The text of one message: selectable, with code to copy, and opening nothing by itself."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QMimeData, QRectF, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetricsF,
    QGuiApplication,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from tether_desktop.ui.chat.copied_text import copied_text
from tether_desktop.ui.composer.typed_text import typed_blocks
from tether_desktop.ui.look import fonts, theme
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.markdown import decorations
from tether_desktop.ui.markdown.blocks import Block, Line
from tether_desktop.ui.markdown.decorations import CodeCard, Decoration, Decorations
from tether_desktop.ui.markdown.document_formats import CODE_HEADER, TAB_COLUMNS, formats
from tether_desktop.ui.markdown.markdown_stream import MarkdownStream

_SCROLL_KEYS = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End}


class MarkdownBody(QTextBrowser):
    """Shows Markdown at a given width, as high as it needs to be; it never scrolls.

    Attributes:
        copy_buttons: one for each block of code.

    Signals:
        link_activated: the person followed a link, whose address is http, https or mailto.
    """

    link_activated = Signal(str)

    def __init__(self, parent: QWidget | None = None, *, muted: bool = False) -> None:
        super().__init__(parent)
        self._muted = muted
        self._width = 0
        self.copy_buttons: list[IconButton] = []
        document = self.document()
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(0)
        self._stream = MarkdownStream(document, formats(theme.active(), muted=muted))
        self._decorations = Decorations(document, self._stream.writer)
        self._configure()

    def _configure(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setLineWrapMode(QTextBrowser.LineWrapMode.FixedPixelWidth)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTabStopDistance(TAB_COLUMNS * QFontMetricsF(fonts.mono(theme.active())).horizontalAdvance(" "))
        self.setOpenLinks(False)
        self.viewport().setAutoFillBackground(False)
        self.anchorClicked.connect(self._on_anchor)

    @property
    def pending(self) -> bool:
        """Whether a part of the text is still to be shown by another call of ``show_markdown``."""
        return self._stream.pending

    @property
    def blocks(self) -> list[Block]:
        """What is shown."""
        return self._stream.writer.blocks

    def show_markdown(self, text: str, *, complete: bool) -> None:
        """Show a model's text, which usually begins with the text shown before."""
        self._refresh(self._stream.show(text, complete=complete))

    def show_typed(self, text: str) -> None:
        """Show what a person typed."""
        self._refresh(self._stream.writer.write(typed_blocks(text)))

    def fit(self, width: int) -> int:
        """Lay the text out at this width and return the height it needs, in device-independent pixels."""
        if width != self._width:
            # Setting the same width again would lay everything out again.
            self._width = width
            self.setLineWrapColumnOrWidth(width)
            self._refresh(0)
        # The card of code at the end reaches below the last line.
        cards = self.code_cards()
        lowest = cards[-1].rect.bottom() + 1 if cards else 0.0
        return int(max(self.document().size().height(), lowest) + 0.999)

    def natural_width(self) -> int:
        """The width of the longest line as laid out now."""
        return int(self.document().idealWidth() + 0.999)

    @property
    def decorations(self) -> list[Decoration]:
        """What is painted around the text."""
        return self._decorations.items

    def code_cards(self) -> list[CodeCard]:
        """The blocks of code and where they are."""
        return self._decorations.code_cards()

    def has_selection(self) -> bool:
        """Whether the person has selected some of the text."""
        return self.textCursor().hasSelection()

    def restyle(self) -> None:
        """Show the same in the theme that is on now."""
        self._stream.writer.restyle(formats(theme.active(), muted=self._muted))
        self._refresh(0)
        self.viewport().update()

    def _refresh(self, changed: int) -> None:
        # Tab has nothing to do in a text without links.
        has_links = bool(self._links(changed)) or (changed > 0 and self.focusPolicy() == Qt.FocusPolicy.StrongFocus)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if has_links else Qt.FocusPolicy.ClickFocus)
        if self._width:
            self._decorations.update(changed)
            self._place_copy_buttons()

    def _links(self, start: int) -> list[str]:
        """The links of the lines from an index on."""
        lines = (block for block in self.blocks[start:] if isinstance(block, Line))
        return [span.link for line in lines for span in line.spans if span.link]

    def _place_copy_buttons(self) -> None:
        cards = self.code_cards()
        while len(self.copy_buttons) < len(cards):
            self.copy_buttons.append(self._make_copy_button(len(self.copy_buttons)))
        for button in self.copy_buttons[len(cards) :]:
            button.deleteLater()
        del self.copy_buttons[len(cards) :]
        for button, card in zip(self.copy_buttons, cards, strict=True):
            button.move(int(card.rect.right()) - button.width() - 4, int(card.rect.top()) + 3)

    def _make_copy_button(self, index: int) -> IconButton:
        button = IconButton("copy", self.tr("Copy code"), self.viewport(), size=15)
        button.setFixedSize(QSize(CODE_HEADER - 6, CODE_HEADER - 6))
        button.clicked.connect(lambda: self._copy_code(index))
        button.show()
        return button

    def _copy_code(self, index: int) -> None:
        QGuiApplication.clipboard().setText(self.code_cards()[index].text(self.blocks))
        self.copy_buttons[index].confirm()

    def _on_anchor(self, address: QUrl) -> None:
        self.link_activated.emit(address.toString(QUrl.ComponentFormattingOption.FullyEncoded))

    def loadResource(self, kind: int, name: QUrl | str) -> Any:  # noqa: ARG002, N802  (Qt's name)
        """Nothing: Qt would read local files, and shares on Windows, that a model wrote the name of."""
        return None

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802  (Qt's name)
        """The selection as plain text, with list markers and without Qt's own marks."""
        cursor = self.textCursor()
        data = QMimeData()
        data.setText(copied_text(self.document(), self._stream.writer, cursor.selectionStart(), cursor.selectionEnd()))
        return data

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint cards and markers, then the text over them."""
        painter = QPainter(self.viewport())
        decorations.paint(painter, self._decorations.items, theme.active(), QRectF(event.rect()))
        painter.end()
        super().paintEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Go straight to a link when Tab comes in."""
        super().focusInEvent(event)
        if event.reason() in {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason}:
            super().focusNextPrevChild(event.reason() == Qt.FocusReason.TabFocusReason)

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802  (Qt's name)
        """From link to link, unless one of the buttons has the keyboard."""
        parent = self.parentWidget()
        if self.hasFocus() or parent is None:
            return super().focusNextPrevChild(forward)
        return parent.focusNextPrevChild(forward)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  (Qt's name)
        """Leave scrolling to the conversation."""
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Leave the keys that scroll to the conversation."""
        if event.key() in _SCROLL_KEYS:
            event.ignore()
        else:
            super().keyPressEvent(event)
