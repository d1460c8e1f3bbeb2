"""The sidebar: a new chat, a search field, the chats, and the settings button."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from tether_desktop.ui.look.icons import icon
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.port.port_sign import PortSign
from tether_desktop.ui.sessions.session_delegate import SessionDelegate
from tether_desktop.ui.sessions.session_item_model import PINNED_ROLE, SESSION_ID_ROLE, SessionItemModel


class SessionView(QListView):
    """The list itself.

    Signals:
        chosen(session_id): a chat is to be shown.
        pin_requested(session_id, bool): the menu.
        delete_requested(session_id): the Delete key or the menu.
    """

    chosen = Signal(str)
    pin_requested = Signal(str, bool)
    delete_requested = Signal(str)

    def __init__(self, model: SessionItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setModel(model)
        self.setItemDelegate(SessionDelegate(self))
        self.setUniformItemSizes(True)  # else each of ten thousand rows is asked for its size whenever one moves
        self.setAccessibleName("Chats")
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked)
        self.selectionModel().currentChanged.connect(self._on_current_changed)

    def session_id(self) -> str:
        """The chat that is selected; empty when none is."""
        return str(self.currentIndex().data(SESSION_ID_ROLE) or "")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Delete deletes; Backspace does not, since it is pressed by mistake too easily."""
        if event.matches(QKeySequence.StandardKey.Delete) and self.session_id():
            self.delete_requested.emit(self.session_id())
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802  (Qt's name)
        """Rename, pin and delete, by mouse or by the menu key."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if index.data(SESSION_ID_ROLE):
            position = self.visualRect(index).center() if by_key else event.pos()
            self.menu(index).popup(self.viewport().mapToGlobal(QPoint(position)))

    def menu(self, index: QModelIndex) -> QMenu:
        """The menu of one chat."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        session_id = str(index.data(SESSION_ID_ROLE))
        rename = QAction(icon("pencil"), "Rename", menu, shortcut=QKeySequence(Qt.Key.Key_F2))
        rename.triggered.connect(lambda: self._edit(session_id))
        pinned = bool(index.data(PINNED_ROLE))
        pin = QAction(icon("pin-off" if pinned else "pin"), "Unpin" if pinned else "Pin", menu)
        pin.triggered.connect(lambda: self.pin_requested.emit(session_id, not pinned))
        delete = QAction(icon("trash-2", "danger"), "Delete", menu, shortcut=QKeySequence(Qt.Key.Key_Delete))
        delete.triggered.connect(lambda: self.delete_requested.emit(session_id))
        menu.addActions([rename, pin, delete])
        return menu

    def _edit(self, session_id: str) -> None:
        self.edit(self._model.index_of(session_id))

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        session_id = current.data(SESSION_ID_ROLE)
        if session_id and not self._model.rebuilding:
            self.chosen.emit(str(session_id))


class SessionList(QWidget):
    """The sidebar of the window.

    Signals:
        new_requested(): a new chat.
        chosen(session_id): another chat is to be shown.
        rename_requested(session_id, title): a title was edited.
        pin_requested(session_id, bool): a chat is to be shown before the others, or no longer.
        delete_requested(session_id): a chat is to be deleted.
        settings_requested(): the settings button was pressed.
        port_requested(): the sign of the local port was pressed.
    """

    new_requested = Signal()
    chosen = Signal(str)
    rename_requested = Signal(str, str)
    pin_requested = Signal(str, bool)
    delete_requested = Signal(str)
    settings_requested = Signal()
    port_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._selected = ""
        self.model = SessionItemModel(self)
        self.view = SessionView(self.model, self)
        self.search = self._make_search()
        self.new_button = ThemedButton("New chat", "plus", kind="row", color="text")
        self.new_button.setToolTip("New chat (Ctrl+N)")
        self.settings_button = ThemedButton("Settings", "settings", kind="sidebar_row")
        self.settings_button.setToolTip("Settings (Ctrl+,)")
        self.port_sign = PortSign()
        self.nothing_found = QLabel("No chat has these words in its title.")
        self.nothing_found.setProperty("kind", "small")
        self.nothing_found.setWordWrap(True)
        self.nothing_found.hide()
        self._lay_out()
        self.new_button.clicked.connect(self.new_requested)
        self.settings_button.clicked.connect(self.settings_requested)
        self.port_sign.clicked.connect(self.port_requested)
        self.search.textChanged.connect(self._on_search)
        self.view.chosen.connect(self._on_chosen)
        self.view.pin_requested.connect(self.pin_requested)
        self.view.delete_requested.connect(self.delete_requested)
        self.model.rename_requested.connect(self.rename_requested)
        self.model.rebuilt.connect(self._on_rebuilt)

    def select(self, session_id: str) -> None:
        """Mark a chat as the one that is shown, without asking for it; none for an empty id."""
        self._selected = session_id
        self.model.reveal(session_id)
        index = self.model.index_of(session_id)
        blocked = self.view.blockSignals(True)
        if index.isValid():
            self.view.setCurrentIndex(index)
        else:
            self.view.selectionModel().clear()
        self.view.blockSignals(blocked)
        self.view.viewport().update()

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._search_mark.setIcon(icon("search"))

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText("Search chats")
        search.setAccessibleName("Search chats")
        search.setToolTip("Search chats (Ctrl+K)")
        search.setClearButtonEnabled(True)
        self._search_mark = search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        return search

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 14, 12, 10)
        layout.setSpacing(10)
        layout.addWidget(self.new_button)
        layout.addWidget(self.search)
        layout.addWidget(self.nothing_found)
        layout.addWidget(self.view, 1)
        foot = QHBoxLayout()
        foot.setSpacing(4)
        foot.addWidget(self.settings_button, 1)
        foot.addWidget(self.port_sign)
        layout.addLayout(foot)
        self.setMinimumWidth(180)
        QWidget.setTabOrder(self.new_button, self.search)
        QWidget.setTabOrder(self.search, self.view)
        QWidget.setTabOrder(self.view, self.settings_button)
        QWidget.setTabOrder(self.settings_button, self.port_sign)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As wide as a title needs."""
        return QSize(250, 600)

    @Slot(str)
    def _on_search(self, text: str) -> None:
        self.model.set_filter(text)
        self.nothing_found.setVisible(bool(text.strip()) and self.model.rowCount() == 0)

    @Slot(str)
    def _on_chosen(self, session_id: str) -> None:
        self._selected = session_id
        self.chosen.emit(session_id)

    @Slot()
    def _on_rebuilt(self) -> None:
        if self.view.session_id() != self._selected:
            self.select(self._selected)
