"""What a search has found, in the place of the list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QLabel, QMenu, QVBoxLayout, QWidget

from tether_desktop.context.records import SearchHit
from tether_desktop.ui.sessions.chat_menu import ChatMenus
from tether_desktop.ui.sessions.chat_requests import ChatRequests
from tether_desktop.ui.sessions.found_rows import Found
from tether_desktop.ui.sessions.search_delegate import SearchDelegate
from tether_desktop.ui.sessions.search_item_model import FOUND_ROLE, SearchItemModel
from tether_desktop.ui.sessions.session_delegate import PADDING
from tether_desktop.ui.sessions.session_item_model import SessionItemModel
from tether_desktop.ui.sessions.session_view import ChatListView

_LONGEST = 60


class FoundView(ChatListView):
    """The rows; Enter or a click opens one.

    Signals:
        opened(Found): a row is to be opened.
        left(): the keyboard goes back to the search field.
        cleared(): the search is over.
    """

    opened = Signal(object)
    left = Signal()
    cleared = Signal()

    def __init__(self, model: SearchItemModel, menus: ChatMenus, parent: QWidget) -> None:
        super().__init__(model, parent)
        self._menus = menus
        self.setUniformItemSizes(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setItemDelegate(SearchDelegate(self))
        self.setAccessibleName(self.tr("Found"))
        self.clicked.connect(self._open)
        self._at: tuple[str, str] = ("", "")
        model.modelAboutToBeReset.connect(self._remember_place)
        model.modelReset.connect(self._go_back)

    def begin(self) -> None:
        """Take the keyboard, at the first row."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        if not self.currentIndex().isValid():
            self.setCurrentIndex(self._first())

    def open_first(self) -> None:
        """Open the first row."""
        self._open(self._first())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Enter opens, Up leaves at the first row, Escape ends the search."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentIndex())
        elif event.key() == Qt.Key.Key_Up and self.currentIndex() == self._first():
            self.left.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.cleared.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Escape is ours before it stops an answer."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() == Qt.Key.Key_Escape
        ):
            event.accept()
            return True
        return super().event(event)

    def menu(self, index: QModelIndex) -> QMenu | None:
        """The menu of the chat of a row."""
        found = index.data(FOUND_ROLE)
        return self._menus.of_chats((found.session_id,)) if found is not None and found.session_id else None

    def _first(self) -> QModelIndex:
        model = self.model()
        rows = (model.index(row, 0) for row in range(model.rowCount()))
        return next((index for index in rows if index.flags() & Qt.ItemFlag.ItemIsEnabled), QModelIndex())

    @Slot()
    def _remember_place(self) -> None:
        found = self.currentIndex().data(FOUND_ROLE)
        self._at = (found.session_id, found.message_id) if found is not None else ("", "")

    @Slot()
    def _go_back(self) -> None:
        """Stay at the row where the keyboard was: others may have come before it."""
        model = self.model()
        for row in range(model.rowCount()) if any(self._at) else ():
            found = model.index(row, 0).data(FOUND_ROLE)
            if (found.session_id, found.message_id) == self._at:
                self.setCurrentIndex(model.index(row, 0))
                return

    @Slot(QModelIndex)
    def _open(self, index: QModelIndex) -> None:
        if index.isValid() and index.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.setCurrentIndex(index)
            self.opened.emit(index.data(FOUND_ROLE))


class SearchPage(QWidget):
    """Titles as soon as they are typed, messages as soon as they are found.

    Signals:
        chat_opened(session_id): a chat is to be shown.
        message_opened(session_id, message_id): a chat is to be shown at a message.
        wanted(query, offset): messages are to be found.
    """

    chat_opened = Signal(str)
    message_opened = Signal(str, str)
    wanted = Signal(str, int)

    def __init__(self, chats: SessionItemModel, requests: ChatRequests, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chats = chats
        self._query = ""
        self.model = SearchItemModel(self)
        self.view = FoundView(self.model, ChatMenus(chats, requests, self), self)
        self.nothing = QLabel()
        self.nothing.setProperty("kind", "small")
        self.nothing.setTextFormat(Qt.TextFormat.PlainText)
        self.nothing.setWordWrap(True)
        self.nothing.setIndent(PADDING)
        self.nothing.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.nothing)
        layout.addWidget(self.view, 1)
        self.view.opened.connect(self._on_opened)
        self.model.more_wanted.connect(self._on_more_wanted)

    @property
    def query(self) -> str:
        """What is searched for."""
        return self._query

    def search(self, query: str) -> None:
        """Find chats by their titles at once, and ask for messages."""
        self._query = query
        self.model.set_titles(query, self._chats.titled(query))
        if self.model.rowCount():
            self.nothing.hide()
        self.wanted.emit(query, 0)

    def refresh(self) -> None:
        """Find the chats anew, because some have changed."""
        self.model.set_titles(self._query, self._chats.titled(self._query))
        self.wanted.emit(self._query, 0)

    def show_hits(self, query: str, offset: int, hits: Sequence[SearchHit], *, more: bool) -> None:
        """Show messages that were found, unless something else is searched for by now."""
        if query != self._query:
            return
        if offset and offset == self.model.hits:
            self.model.add_hits(hits, more=more)
        elif not offset:
            self.model.set_hits(hits, more=more)
        self._say_nothing(nothing=self.model.rowCount() == 0)

    def _say_nothing(self, *, nothing: bool) -> None:
        query = " ".join(self._query.split())
        shown = query[:_LONGEST] + ("…" if len(query) > _LONGEST else "")
        self.nothing.setText(self.tr("Nothing found for “{query}”.").format(query=shown))
        self.nothing.setVisible(nothing)

    @Slot(object)
    def _on_opened(self, found: Found) -> None:
        if found.kind == "more":
            self.model.show_all_titles()
            self.view.begin()
        elif found.message_id:
            self.message_opened.emit(found.session_id, found.message_id)
        else:
            self.chat_opened.emit(found.session_id)

    @Slot(int)
    def _on_more_wanted(self, offset: int) -> None:
        self.wanted.emit(self._query, offset)
