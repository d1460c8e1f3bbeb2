"""The sidebar: a new chat, the search, the chats or what was found of them, archive and bin, and the settings."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QSize, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QStackedWidget, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.port.port_sign import PortSign
from tether_desktop.ui.sessions.chat_requests import ChatRequests
from tether_desktop.ui.sessions.list_menu import ListMenuButton
from tether_desktop.ui.sessions.search_field import SearchField
from tether_desktop.ui.sessions.session_delegate import PADDING
from tether_desktop.ui.sessions.session_item_model import SessionItemModel
from tether_desktop.ui.sessions.session_order import SORTS, Sort
from tether_desktop.ui.sessions.session_view import SessionView

if TYPE_CHECKING:
    from tether_desktop.ui.sessions.search_page import SearchPage
    from tether_desktop.ui.sessions.shelf_page import Shelf, ShelfPage

_NARROWEST = 200
_FILES = (".json", ".zip")


class SessionList(QWidget):
    """The sidebar of the window.

    Attributes:
        model: the chats.
        requests: what is wanted of them.

    Signals:
        new_requested(): a new chat.
        chosen(session_id): another chat is to be shown.
        message_chosen(session_id, message_id): a chat is to be shown at a message.
        search_wanted(query, offset): messages are to be found.
        shelf_opened(Shelf): the archive or the bin is shown, and waits for its chats.
        settings_requested(): the settings button was pressed.
        port_requested(): the sign of the local port was pressed.
    """

    new_requested = Signal()
    chosen = Signal(str)
    message_chosen = Signal(str, str)
    search_wanted = Signal(str, int)
    shelf_opened = Signal(str)
    settings_requested = Signal()
    port_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)
        self._selected = ""
        self.model = SessionItemModel(self)
        self.requests = ChatRequests(self)
        self.view = SessionView(self.model, self.requests, self)
        self.search = SearchField()
        self.more_button = ListMenuButton(self.model, self.requests)
        self._pages = QStackedWidget()
        self.nothing_here = QLabel(self.tr("Your chats will be listed here."))
        self._make_buttons()
        self._lay_out()
        self._connect()

    @cached_property
    def found(self) -> SearchPage:
        """What was found, made when something is searched for."""
        from tether_desktop.ui.sessions.search_page import SearchPage

        page = SearchPage(self.model, self.requests)
        page.chat_opened.connect(self._on_chosen)
        page.message_opened.connect(self.message_chosen)
        page.wanted.connect(self.search_wanted)
        page.view.left.connect(self.search.setFocus)
        page.view.cleared.connect(self._on_search_over)
        self._pages.addWidget(page)
        return page

    @cached_property
    def shelf(self) -> ShelfPage:
        """The archive or the bin, made when one is wanted."""
        from tether_desktop.ui.sessions.shelf_page import ShelfPage

        page = ShelfPage(self.model, self.requests)
        page.left.connect(self.show_chats)
        page.chosen.connect(self._on_chosen)
        self._pages.addWidget(page)
        return page

    @property
    def open_shelf(self) -> Shelf | None:
        """Which of archive and bin is shown; None for neither."""
        if "shelf" in vars(self) and self._pages.currentWidget() is self.shelf:
            return self.shelf.shelf
        return None

    @property
    def arrangement(self) -> str:
        """The order of the chats and the folders that are collapsed, to be remembered."""
        return " ".join((self.model.sorting, *sorted(self.model.collapsed)))

    def arrange(self, arrangement: str) -> None:
        """Take a remembered order; what is not understood of it changes nothing."""
        sort, *collapsed = arrangement.split() or [""]
        known = next((each for each in SORTS if each == sort), None)
        if known is not None:
            self.sort_by(known)
        for folder_id in collapsed:
            self.model.collapse(folder_id, True)

    @Slot(str)
    def sort_by(self, sort: Sort) -> None:
        """Have the chats in another order."""
        self.more_button.sort = sort
        self.model.sort_by(sort)

    def select(self, session_id: str) -> None:
        """Mark a chat as the one that is shown, without asking for it; none for an empty id."""
        self._selected = session_id
        if self.view.editing or len(self.view.selected_ids()) > 1:
            return
        self.model.reveal(session_id)
        index = self.model.index_of(session_id)
        blocked = self.view.blockSignals(True)
        if index.isValid():
            self.view.setCurrentIndex(index)
        else:
            self.view.selectionModel().clear()
        self.view.blockSignals(blocked)
        self.view.viewport().update()

    def menu_of(self, session_id: str) -> QMenu | None:
        """The menu of a chat; None for one that is not stored."""
        return self.view.menu_of((session_id,)) if self.model.session(session_id) else None

    @property
    def shown_id(self) -> str:
        """The chat that is shown; empty for a new one."""
        return self._selected

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    @Slot()
    def show_chats(self) -> None:
        """Show the list."""
        self.search.clear()
        self._pages.setCurrentIndex(0)
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def show_archive(self) -> None:
        """Show the archive."""
        self._open_shelf("archive")

    @Slot()
    def show_bin(self) -> None:
        """Show the bin."""
        self._open_shelf("bin")

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As wide as a title needs."""
        return QSize(250, 600)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As narrow as the buttons can be."""
        return super().minimumSizeHint().expandedTo(QSize(_NARROWEST, 0))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  (Qt's name)
        """Files of conversations can be dropped anywhere here."""
        if _dropped_file(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802  (Qt's name)
        """Add the conversations of a file."""
        path = _dropped_file(event.mimeData())
        if path:
            event.acceptProposedAction()
            self.requests.import_file.emit(path)

    def _make_buttons(self) -> None:
        self.new_button = ThemedButton(self.tr("New chat"), "plus", kind="row", color="text")
        self.archive_button = ThemedButton(self.tr("Archive"), "archive", kind="sidebar_row")
        self.bin_button = ThemedButton(self.tr("Bin"), "trash-2", kind="sidebar_row")
        self.settings_button = ThemedButton(self.tr("Settings"), "settings", kind="sidebar_row")
        self.port_sign = PortSign()

    def _lay_out(self) -> None:
        self.nothing_here.setProperty("kind", "small")
        self.nothing_here.setWordWrap(True)
        self.nothing_here.setIndent(PADDING)
        chats = QWidget()
        column = QVBoxLayout(chats)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.nothing_here)
        column.addWidget(self.view, 1)
        self._pages.addWidget(chats)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.MEDIUM, spacing.LARGE, spacing.MEDIUM, spacing.MEDIUM)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self.new_button)
        layout.addLayout(_row(self.search, self.more_button))
        layout.addWidget(self._pages, 1)
        foot = QVBoxLayout()
        foot.setSpacing(0)
        foot.addLayout(_row(self.archive_button, self.bin_button, all_wide=True))
        foot.addLayout(_row(self.settings_button, self.port_sign))
        layout.addLayout(foot)

    def _connect(self) -> None:
        self.new_button.clicked.connect(self.new_requested)
        self.settings_button.clicked.connect(self.settings_requested)
        self.port_sign.clicked.connect(self.port_requested)
        self.archive_button.clicked.connect(self.show_archive)
        self.bin_button.clicked.connect(self.show_bin)
        self.more_button.sort_chosen.connect(self.sort_by)
        self.search.textChanged.connect(self._on_search)
        self.search.entered.connect(self._on_search_entered)
        self.search.down_pressed.connect(self._on_down)
        self.search.enter_pressed.connect(self._on_enter)
        self.view.chosen.connect(self._on_chosen)
        self.model.rename_requested.connect(self.requests.rename)
        self.model.folder_rename_requested.connect(self.requests.rename_folder)
        self.model.move_requested.connect(self.requests.move)
        self.model.rebuilt.connect(self._on_rebuilt)
        self.requests.open.connect(self._on_chosen)
        self.requests.edit.connect(self._on_edit)

    def _open_shelf(self, shelf: Shelf) -> None:
        self.search.clear()
        self.shelf.show_shelf(shelf)
        self._pages.setCurrentWidget(self.shelf)
        self.shelf.back_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self.shelf_opened.emit(shelf)

    @Slot(str)
    def _on_search(self, text: str) -> None:
        if text.strip():
            self.found.search(text)
            self._pages.setCurrentWidget(self.found)
        elif "found" in vars(self):
            self.found.search("")
            self._pages.setCurrentIndex(0)

    @Slot()
    def _on_search_entered(self) -> None:
        self.found.ensurePolished()  # made now, so that the first key need not wait for it

    @Slot()
    def _on_search_over(self) -> None:
        self.search.clear()
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _on_down(self) -> None:
        if self.search.text().strip():
            self.found.view.begin()
        else:
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _on_enter(self) -> None:
        if self.search.text().strip():
            self.found.view.open_first()

    @Slot(str)
    def _on_edit(self, session_id: str) -> None:
        self.show_chats()
        self.select(session_id)
        self.view.edit_chat(session_id)

    @Slot(str)
    def _on_chosen(self, session_id: str) -> None:
        self._selected = session_id
        self.chosen.emit(session_id)

    @Slot()
    def _on_rebuilt(self) -> None:
        self.nothing_here.setVisible(self.model.rowCount() == 0)
        if self.view.session_id() != self._selected:
            self.select(self._selected)
        if "found" in vars(self) and self._pages.currentWidget() is self.found:
            self.found.refresh()


def _row(*widgets: QWidget, all_wide: bool = False) -> QHBoxLayout:
    """Widgets side by side, the first one wide."""
    row = QHBoxLayout()
    row.setSpacing(spacing.TIGHT)
    for number, widget in enumerate(widgets):
        row.addWidget(widget, 1 if all_wide or not number else 0)
    return row


def _dropped_file(data: QMimeData) -> str:
    """The one file of conversations that is dropped; empty for anything else."""
    paths = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
    return paths[0] if len(paths) == 1 and paths[0].lower().endswith(_FILES) else ""
