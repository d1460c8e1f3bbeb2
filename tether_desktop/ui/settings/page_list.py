"""The names of the settings' pages, each with its icon."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QPaintEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from tether_desktop.ui.look.focus_ring import note_focus, paint_focus_ring, shows_focus
from tether_desktop.ui.look.icons import icon
from tether_desktop.ui.settings.page_table import PAGE_NAMES, PAGES

_ICON = 18
_MARGIN = 44


class PageList(QListWidget):
    """One is chosen, with the arrow keys too.

    Signals:
        chosen(name): a page, by its name in the table.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Pages of the settings"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setIconSize(QSize(_ICON, _ICON))
        for page in PAGES:
            self.addItem(QListWidgetItem(page.translated))
        self._draw()
        self.currentRowChanged.connect(self._on_row)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Show where the keyboard is."""
        note_focus(self, event)
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Show that the keyboard is here."""
        super().paintEvent(event)
        if shows_focus(self):
            paint_focus_ring(self.viewport(), self.visualItemRect(self.currentItem()) if self.currentItem() else None)

    def show_page(self, name: str) -> None:
        """Choose a page."""
        self.setCurrentRow(PAGE_NAMES.index(name))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours and the text size of a new look."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.StyleChange, QEvent.Type.FontChange}:
            self._draw()

    def _draw(self) -> None:
        for row, page in enumerate(PAGES):
            if (item := self.item(row)) is not None:
                item.setIcon(icon(page.icon, "muted", size=_ICON))
        widest = max(self.fontMetrics().horizontalAdvance(page.translated) for page in PAGES)
        self.setFixedWidth(widest + _ICON + _MARGIN)

    @Slot(int)
    def _on_row(self, row: int) -> None:
        if row >= 0:
            self.chosen.emit(PAGE_NAMES[row])
