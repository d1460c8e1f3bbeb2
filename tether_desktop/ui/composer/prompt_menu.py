"""The list that opens above the composer at a slash: saved prompts and those of MCP servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from tether_desktop.context.records import Snippet
from tether_desktop.ui.chat.announcement import announce
from tether_desktop.ui.look import fonts, spacing, theme
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.tools.tool_facts import ServerPrompt

_SHOWN = 6
_PREVIEW_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_KEYS = {
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
    Qt.Key.Key_Return: "choose",
    Qt.Key.Key_Enter: "choose",
    Qt.Key.Key_Tab: "choose",
    Qt.Key.Key_Escape: "close",
}


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """A prompt that can be put into the message.

    Attributes:
        title: by which it is found.
        preview: what it is about, in one line.
    """

    title: str
    preview: str
    prompt: Snippet | ServerPrompt


def matching(entries: Sequence[PromptEntry], query: str) -> list[PromptEntry]:
    """The entries in whose titles all words of the query stand; those that begin so come first."""
    words = query.casefold().split()
    found = [entry for entry in entries if all(word in entry.title.casefold() for word in words)]
    return sorted(found, key=lambda entry: not entry.title.casefold().startswith(query.casefold().strip()))


class PromptMenu(QFrame):
    """Stays above the composer; the keyboard stays in the message and is listened to there.

    Signals:
        chosen(PromptEntry): put it into the message.
        manage_requested(): the person wants to add, change or delete prompts.
        closed(): it was closed without a choice.
    """

    chosen = Signal(object)
    manage_requested = Signal()
    closed = Signal()

    def __init__(self, edit: QWidget, anchor: QWidget) -> None:
        """``edit`` is listened to, ``anchor`` is what it opens above."""
        super().__init__(anchor)
        self.setProperty("kind", "card")
        self._anchor = anchor
        self._entries: tuple[PromptEntry, ...] = ()
        self._query = ""
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName(self.tr("Prompts"))
        self.list.setItemDelegate(_PromptDelegate(self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(self._on_clicked)
        self.note_label = QLabel()
        self.note_label.setWordWrap(True)
        self.note_label.setProperty("kind", "small")
        self.manage_button = ThemedButton(self.tr("Edit prompts…"), "pencil", kind="ghost")
        self.manage_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.manage_button.clicked.connect(self._on_manage)
        self._lay_out()
        edit.installEventFilter(self)
        self.hide()

    @property
    def is_open(self) -> bool:
        """Whether it is to be seen and takes keys."""
        return not self.isHidden()

    def open(self, entries: Sequence[PromptEntry], query: str) -> None:
        """Show what matches; without any prompt at all, say how one is saved."""
        self._entries = tuple(entries)
        if self.parentWidget() is not self._anchor.window():
            self.setParent(self._anchor.window())
            self._anchor.window().installEventFilter(self)
        self.show()
        self.raise_()
        self.filter(query)

    def filter(self, query: str) -> None:
        """Show what matches what is typed behind the slash."""
        self._query = query
        found = matching(self._entries, query)
        self.list.clear()
        for entry in found:
            item = QListWidgetItem(visible(entry.title)[:80])
            item.setData(Qt.ItemDataRole.UserRole, entry)
            item.setData(_PREVIEW_ROLE, visible(entry.preview)[:200])
            self.list.addItem(item)
        self.list.setCurrentRow(0 if found else -1)
        self.list.setVisible(bool(found))
        self.note_label.setText(self._note())
        self.note_label.setVisible(not found)
        self._place()
        if found:
            self._tell()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Take the keys that move in the list from the message, and follow the window's size."""
        if not self.is_open:
            return False
        if event.type() == QEvent.Type.Resize and watched is self._anchor.window():
            self._place()
        if event.type() == QEvent.Type.FocusOut and watched is not self._anchor.window():
            self.hide()
        takes = event.type() in {QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride}
        if takes and isinstance(event, QKeyEvent) and watched is not self._anchor.window():
            return self._take(event)
        return False

    def _take(self, event: QKeyEvent) -> bool:
        action = _KEYS.get(Qt.Key(event.key()), "") if not event.modifiers() else ""
        if not action or (action != "close" and not self.list.count()):
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            self._act(action)
        return True

    def _act(self, action: str) -> None:
        count, row = self.list.count(), self.list.currentRow()
        if action == "close":
            self.hide()
            self.closed.emit()
        elif action == "choose":
            self._choose(self.list.item(row))
        else:
            self.list.setCurrentRow((row + (1 if action == "down" else -1)) % count)
            self._tell()

    def _choose(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.hide()
            self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))

    def _tell(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            announce(self._anchor, item.text())

    def _note(self) -> str:
        if self._entries:
            return self.tr("No prompt is called so. Enter sends what is typed.")
        return self.tr("No prompts are saved yet. Keep what you often ask, and call it up by typing a slash.")

    def _place(self) -> None:
        window = self._anchor.window()
        row = theme.active().space.row
        rows = min(self.list.count(), _SHOWN)
        self.list.setFixedHeight(rows * row + 2)
        width = min(self._anchor.width(), 560)
        height = self._column.totalHeightForWidth(width)
        height = max(height, self.sizeHint().height() if self.list.count() else 0)
        corner = self._anchor.mapTo(window, QPoint(0, 0))
        x = corner.x()
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            x += self._anchor.width() - width
        self.setGeometry(QRect(x, max(0, corner.y() - height - 6), width, height))

    def _lay_out(self) -> None:
        bottom = QHBoxLayout()
        bottom.setContentsMargins(spacing.NEAR, 0, 0, 0)
        bottom.addWidget(self.note_label, 1)
        bottom.addStretch(0)
        bottom.addWidget(self.manage_button)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(spacing.NEAR, spacing.NEAR, spacing.NEAR, spacing.NEAR)
        column.setSpacing(spacing.TIGHT)
        column.addWidget(self.list)
        column.addLayout(bottom)

    @Slot(QListWidgetItem)
    def _on_clicked(self, item: QListWidgetItem) -> None:
        self._choose(item)

    @Slot()
    def _on_manage(self) -> None:
        self.hide()
        self.manage_requested.emit()


class _PromptDelegate(QStyledItemDelegate):
    """A title, and behind it what the prompt is about in quieter words."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        return QSize(100, theme.active().space.row)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        look = theme.active()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room: QRect = option.rect
        state: QStyle.StateFlag = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.colors.selected if selected else look.colors.hover))
            painter.drawRoundedRect(room, look.radius.md, look.radius.md)
        self._paint_words(painter, option, room.adjusted(10, 0, -10, 0), index)
        painter.restore()

    def _paint_words(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        room: QRect,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        look = theme.active()
        direction: Qt.LayoutDirection = option.direction
        side = QStyle.visualAlignment(direction, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        bold, plain = fonts.sans(look, bold=True), fonts.sans(look, look.type.small)
        metrics = QFontMetrics(bold)
        title = metrics.elidedText(index.data(), Qt.TextElideMode.ElideRight, room.width())
        width = metrics.horizontalAdvance(title)
        painter.setFont(bold)
        painter.setPen(QColor(look.colors.text))
        painter.drawText(
            QStyle.visualRect(direction, room, QRect(room.topLeft(), QSize(width, room.height()))), side, title
        )
        rest = QRect(room.x() + width + 12, room.y(), room.width() - width - 12, room.height())
        if rest.width() > 40:
            painter.setFont(plain)
            painter.setPen(QColor(look.colors.muted))
            preview = QFontMetrics(plain).elidedText(
                index.data(_PREVIEW_ROLE), Qt.TextElideMode.ElideRight, rest.width()
            )
            painter.drawText(QStyle.visualRect(direction, room, rest), side, preview)
