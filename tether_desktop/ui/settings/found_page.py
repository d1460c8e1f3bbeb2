"""What a search of the settings has found."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QStackedLayout, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.finding import Place, matching, places
from tether_desktop.ui.settings.page_table import page_words


class FoundPage(QWidget):
    """The places, two lines each: what it is called, and where it is.

    Attributes:
        hits: the list.

    Signals:
        chosen(page, row): go there.
        left(): the keyboard goes up, back to the field.
    """

    chosen = Signal(str, str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._places = places()
        self.hits = _Hits()
        self.hits.setAccessibleName(self.tr("Settings that were found"))
        self.hits.setWordWrap(True)
        self.hits.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.hits.itemActivated.connect(self._on_activated)
        self.hits.itemClicked.connect(self._on_activated)
        self.hits.left.connect(self.left)
        self.nothing = plain_label("muted", "")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignTop)
        heading = QLabel(self.tr("Found"))
        heading.setProperty("kind", "title")
        self._stack = QStackedLayout()
        self._stack.addWidget(self.hits)
        self._stack.addWidget(self.nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.MEDIUM)
        layout.addWidget(heading)
        layout.addLayout(self._stack, 1)

    def search(self, query: str) -> None:
        """Show what the query finds."""
        self.hits.clear()
        found = matching(query, self._places)
        for place in found:
            item = QListWidgetItem(f"{place.title}\n{_where(place)}")
            item.setData(Qt.ItemDataRole.UserRole, (place.page, place.row))
            self.hits.addItem(item)
        self.hits.setCurrentRow(0)
        self.nothing.setText(self.tr("No setting is called “{query}”.").format(query=query.strip()[:60]))
        self._stack.setCurrentIndex(0 if found else 1)

    @Slot()
    def open_first(self) -> None:
        """Go where the chosen one is."""
        item = self.hits.currentItem()
        if item is not None:
            self._on_activated(item)

    @Slot(object)
    def _on_activated(self, item: QListWidgetItem) -> None:
        page, row = item.data(Qt.ItemDataRole.UserRole)
        self.chosen.emit(page, row)


class _Hits(QListWidget):
    """A list that the keyboard leaves upwards."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        if event.key() == Qt.Key.Key_Up and self.currentRow() == 0:
            self.left.emit()
        else:
            super().keyPressEvent(event)


def _where(place: Place) -> str:
    page = page_words(place.page)
    return f"{page} — {place.about}" if place.about else page
