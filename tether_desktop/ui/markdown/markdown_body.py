"""The text of one message: selectable, with code to copy, and opening nothing by itself."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QMimeData, QPointF, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QTextEdit, QWidget

from tether_desktop.ui.chat.copied_text import copied_text
from tether_desktop.ui.composer.typed_text import typed_blocks
from tether_desktop.ui.look import fonts, theme
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.markdown import decorations
from tether_desktop.ui.markdown.blocks import Block, Line, Table
from tether_desktop.ui.markdown.code_tools import CodeTools
from tether_desktop.ui.markdown.decorations import CodeCard, Decoration, Decorations
from tether_desktop.ui.markdown.document_formats import TAB_COLUMNS, formats, left_edge
from tether_desktop.ui.markdown.markdown_stream import MarkdownStream
from tether_desktop.ui.markdown.shortened import SCHEME, whole_of
from tether_desktop.ui.markdown.side_scroll import SideScroll
from tether_desktop.ui.markdown.table_tools import TableTools
from tether_desktop.ui.markdown.table_widths import column_widths, set_widths

_UNFITTED = 1_000
"""Width until the real one is known: without any, Qt begins by giving each letter of a long word a line of its own."""
_SCROLL_KEYS = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End}


class MarkdownBody(QTextBrowser):
    """Shows Markdown at a given width, as high as it needs to be; only wide code and tables scroll, sideways.

    Attributes:
        tools: the buttons of the blocks of code.
        table_tools: the buttons of the table under the pointer.
        side_scroll: scrolls what is too wide.

    Signals:
        link_activated: the person followed a link, whose address is http, https or mailto.
        save_requested(code, language): the person wants the code in a file.
        whole_requested(text, language): the person wants to see all of what is shown in part.
        wrap_changed(bool): long lines of code are to go on in the next line, or to be scrolled.
        menu_requested(QContextMenuEvent): the person asks what can be done.
    """

    link_activated = Signal(str)
    save_requested = Signal(str, str)
    whole_requested = Signal(str, str)
    wrap_changed = Signal(bool)
    menu_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, muted: bool = False, wrap: bool = False) -> None:
        super().__init__(parent)
        self._muted = muted
        self._wrap = wrap
        self._width = 0
        self._marks: list[QTextEdit.ExtraSelection] = []
        document = self.document()
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(0)
        self._stream = MarkdownStream(document, self._formats())
        self._decorations = Decorations(document, self._stream.writer)
        self.tools = CodeTools(self.viewport())
        self.table_tools = TableTools(self, self._stream.writer)
        self.side_scroll = SideScroll(self.viewport(), self._stream.writer, self._decorations)
        self._configure()

    def _configure(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setLineWrapMode(QTextBrowser.LineWrapMode.FixedPixelWidth)
        self.setLineWrapColumnOrWidth(_UNFITTED)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTabStopDistance(TAB_COLUMNS * QFontMetricsF(fonts.mono(theme.active())).horizontalAdvance(" "))
        self.setOpenLinks(False)
        self.setAccessibleName(self.tr("Text of the message"))
        self.viewport().setAutoFillBackground(False)
        self.anchorClicked.connect(self._on_anchor)
        self.tools.copy_pressed.connect(self._on_copy_code)
        self.tools.save_pressed.connect(self._on_save_code)
        self.tools.wrap_pressed.connect(self._on_wrap)
        self.side_scroll.scrolled.connect(self.viewport().update)
        # Wide lines make the document wider than the widget, and a fold less high; it stays where it is all the same.
        self.horizontalScrollBar().valueChanged.connect(self._hold_still)
        self.verticalScrollBar().valueChanged.connect(self._hold_still)

    @property
    def pending(self) -> bool:
        """Whether a part of the text is still to be shown by another call of ``show_markdown``."""
        return self._stream.pending

    @property
    def blocks(self) -> list[Block]:
        """What is shown."""
        return self._stream.writer.blocks

    @property
    def copy_buttons(self) -> list[IconButton]:
        """One for each block of code."""
        return self.tools.copy_buttons

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

    def set_wrapped(self, wrapped: bool) -> None:
        """Let long lines of code go on in the next line, or be scrolled."""
        if wrapped != self._wrap:
            self._wrap = wrapped
            self.restyle()

    def show_marks(self, marks: list[QTextEdit.ExtraSelection]) -> None:
        """Mark places in the text, as finding does; an empty list marks none."""
        if marks or self._marks:
            self._marks = marks
            self.setExtraSelections(marks)

    def restyle(self) -> None:
        """Show the same in the theme that is on now."""
        self._stream.writer.restyle(self._formats())
        self._refresh(0)
        self.viewport().update()

    def plain_text(self) -> str:
        """All that is shown, as plain text with list markers."""
        return copied_text(self.document(), self._stream.writer, 0, self.document().characterCount())

    def _formats(self) -> Any:
        return formats(theme.active(), muted=self._muted, wrap=self._wrap)

    def _refresh(self, changed: int) -> None:
        # Tab has nothing to do in a text without links.
        has_links = bool(self._links(changed)) or (changed > 0 and self.focusPolicy() == Qt.FocusPolicy.StrongFocus)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if has_links else Qt.FocusPolicy.ClickFocus)
        self.table_tools.hide()
        if self._width:
            self._fit_tables(changed)
            self._decorations.update(changed)
            self.side_scroll.update(changed, self._width)
            wide = {piece.first for piece in self.side_scroll.pieces}
            self.tools.place(self.code_cards(), {card.first for card in self.code_cards()} if self._wrap else wide)

    def _fit_tables(self, changed: int) -> None:
        metrics = QFontMetricsF(fonts.sans(theme.active()))
        for index in range(changed, len(self.blocks)):
            block = self.blocks[index]
            if isinstance(block, Table):
                room = self._width - left_edge(block.depth, block.quote) - 2
                set_widths(self._stream.writer.table(index), column_widths(block, metrics, room))

    def _links(self, start: int) -> list[str]:
        """The links of the lines from an index on."""
        lines = (block for block in self.blocks[start:] if isinstance(block, Line))
        return [span.link for line in lines for span in line.spans if span.link]

    def _on_copy_code(self, index: int) -> None:
        QGuiApplication.clipboard().setText(self.code_cards()[index].text(self.blocks))
        self.tools.copy_buttons[index].confirm()

    def _on_save_code(self, index: int) -> None:
        card = self.code_cards()[index]
        self.save_requested.emit(card.text(self.blocks), card.language)

    def _on_wrap(self) -> None:
        self.set_wrapped(not self._wrap)
        self.wrap_changed.emit(self._wrap)

    def _on_anchor(self, address: QUrl) -> None:
        if address.scheme() == SCHEME:
            line = whole_of([block for block in self.blocks if isinstance(block, Line)], address.toString())
            if line is not None:
                self.whole_requested.emit(line.whole, line.language)
            return
        self.link_activated.emit(address.toString(QUrl.ComponentFormattingOption.FullyEncoded))

    def _hold_still(self, value: int) -> None:
        if value:
            self.horizontalScrollBar().setValue(0)
            self.verticalScrollBar().setValue(0)

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
        if self.side_scroll.pieces:
            self.side_scroll.paint(
                painter, self.document().documentLayout(), self._paint_context(event), event.region()
            )
            painter.end()
            return
        painter.end()
        super().paintEvent(event)

    def _paint_context(self, event: QPaintEvent) -> QAbstractTextDocumentLayout.PaintContext:
        """What Qt itself would paint with: its own painting knows nothing of parts that are scrolled."""
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette = self.palette()
        context.clip = QRectF(event.rect())
        selections = [_selection(mark.cursor, mark.format) for mark in self._marks]
        if self.textCursor().hasSelection():
            looks = QTextCharFormat()
            looks.setBackground(self.palette().brush(QPalette.ColorRole.Highlight))
            looks.setForeground(self.palette().brush(QPalette.ColorRole.HighlightedText))
            selections.append(_selection(self.textCursor(), looks))
        context.selections = selections
        return context

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
        """Scroll wide code and tables sideways; leave any other scrolling to the conversation."""
        delta = event.pixelDelta() if not event.pixelDelta().isNull() else event.angleDelta() / 2
        piece = self.side_scroll.at(event.position())
        sideways = delta.x() if abs(delta.x()) > abs(delta.y()) else 0
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            sideways = sideways or delta.y()
        if piece is None or not sideways:
            event.ignore()
            return
        self.side_scroll.scroll_by(piece, -sideways)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Leave the keys that scroll to the conversation, and to the message what concerns all of it."""
        if event.key() in _SCROLL_KEYS or event.matches(QKeySequence.StandardKey.SelectAll):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Begin to select where the pointer is, in a scrolled piece too."""
        super().mousePressEvent(self._moved(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Select on, and scroll along past the edge of a wide piece."""
        piece = self.side_scroll.at(QPointF(self.width() / 2, event.position().y()))
        if event.buttons() & Qt.MouseButton.LeftButton and piece is not None:
            beyond = event.position().x() - piece.rect.right()
            before = event.position().x() - piece.rect.left()
            self.side_scroll.scroll_by(piece, int(max(beyond, 0.0) + min(before, 0.0)) // 2)
        super().mouseMoveEvent(self._moved(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Follow the link under the pointer, in a scrolled piece too."""
        super().mouseReleaseEvent(self._moved(event))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Select the word under the pointer, in a scrolled piece too."""
        super().mouseDoubleClickEvent(self._moved(event))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802  (Qt's name)
        """Let the message say what can be done."""
        self.menu_requested.emit(event)

    def _moved(self, event: QMouseEvent) -> QMouseEvent:
        """The event at the place of the document that is seen under the pointer."""
        place = self.side_scroll.mapped(event.position())
        if place == event.position():
            return event
        scene = event.scenePosition() + (place - event.position())
        moved = QMouseEvent(
            event.type(), place, scene, event.globalPosition(), event.button(), event.buttons(), event.modifiers()
        )
        moved.setTimestamp(event.timestamp())
        return moved


def _selection(cursor: QTextCursor, looks: QTextCharFormat) -> QAbstractTextDocumentLayout.Selection:
    selection = QAbstractTextDocumentLayout.Selection()
    selection.cursor = cursor
    selection.format = looks
    return selection
