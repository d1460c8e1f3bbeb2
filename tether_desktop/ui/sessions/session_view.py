"""The list of chats itself: what keys, clicks and drags in it mean."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu, QWidget

from tether_desktop.ui.look.focus_ring import note_focus, paint_focus_ring, shows_focus
from tether_desktop.ui.sessions.chat_drag import drag_chats, target_of
from tether_desktop.ui.sessions.chat_menu import ChatMenus
from tether_desktop.ui.sessions.chat_requests import ChatRequests
from tether_desktop.ui.sessions.session_delegate import SessionDelegate
from tether_desktop.ui.sessions.session_item_model import (
    COLLAPSED_ROLE,
    FOLDER_ROLE,
    INSIDE_ROLE,
    SESSION_ID_ROLE,
    SessionItemModel,
)

_EXTENDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ChatListView(QListView):
    """Rows of chats, of which several can be selected; the menu is opened by mouse or by the menu key."""

    def __init__(self, model: QAbstractItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setUniformItemSizes(True)  # else each of ten thousand rows is asked for its size whenever one moves
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def session_id(self) -> str:
        """The chat that the keyboard is at; empty when it is at none."""
        return str(self.currentIndex().data(SESSION_ID_ROLE) or "")

    def selected_ids(self) -> tuple[str, ...]:
        """The chats that are selected, from top to bottom."""
        rows = sorted(self.selectionModel().selectedIndexes(), key=QModelIndex.row)
        return tuple(str(index.data(SESSION_ID_ROLE)) for index in rows if index.data(SESSION_ID_ROLE))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802  (Qt's name)
        """What can be done, by mouse or by the menu key."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        menu = self.menu(index)
        if menu is not None:
            position = self.visualRect(index).center() if by_key else event.pos()
            menu.popup(self.viewport().mapToGlobal(QPoint(position)))

    def menu(self, _index: QModelIndex) -> QMenu | None:
        """The menu of a row; None for none."""
        return None

    def meant(self, session_id: str) -> tuple[str, ...]:
        """The chats that something is wanted of at one of them: all that are selected if it is among them."""
        selected = self.selected_ids()
        return selected if session_id in selected else (session_id,)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Show where the keyboard is."""
        note_focus(self, event)
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Rows show the keyboard themselves; where it is at none, the list does."""
        super().paintEvent(event)
        if shows_focus(self) and not self.currentIndex().isValid():
            paint_focus_ring(self.viewport())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Rows may be of another height in another look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.scheduleDelayedItemsLayout()


class SessionView(ChatListView):
    """The chats of the list.

    Signals:
        chosen(session_id): a chat is to be shown.
    """

    chosen = Signal(str)

    def __init__(self, model: SessionItemModel, requests: ChatRequests, parent: QWidget | None = None) -> None:
        super().__init__(model, parent)
        self._model = model
        self._requests = requests
        self._menus = ChatMenus(model, requests, self)
        self._extending = False
        self._one_of_many = QPersistentModelIndex()
        self._drop_target: str | None = None
        self.setItemDelegate(SessionDelegate(self))
        self.setAccessibleName(self.tr("Chats"))
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setDragDropOverwriteMode(True)  # onto rows, never between them
        self.setDropIndicatorShown(False)  # Qt's is around the row under the pointer, not where the chats come
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.clicked.connect(self._on_clicked)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Delete deletes; Backspace does not, since it is pressed by mistake too easily."""
        if self.editing:  # a key that the editor leaves to us
            super().keyPressEvent(event)
            return
        folder, ids = self.currentIndex().data(FOLDER_ROLE), self.selected_ids()
        if event.matches(QKeySequence.StandardKey.SelectAll):
            self._model.show_all()
        if event.matches(QKeySequence.StandardKey.Delete) and (folder or ids):
            if ids:
                self._requests.delete.emit(ids)
            else:
                self._requests.delete_folder.emit(folder)
        elif event.key() in _ENTER and not folder and self.session_id():
            self.chosen.emit(self.session_id())
        elif not (folder and self._folder_key(folder, event.key())) and not self._leave_folder(event.key()):
            self._extending = bool(event.modifiers() & _EXTENDS)
            super().keyPressEvent(event)
            self._extending = False

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """The keyboard alone opens nothing, though Qt puts it at the first row."""
        self._extending = True
        super().focusInEvent(event)
        self._extending = False

    @property
    def editing(self) -> bool:
        """Whether a title or a name is being typed."""
        return self.state() == QAbstractItemView.State.EditingState

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """A click opens, unless it selects more; the right button only asks for the menu."""
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()
            return
        index = self.indexAt(event.position().toPoint())
        extends = bool(event.modifiers() & _EXTENDS)
        many = len(self.selected_ids()) > 1 and self.selectionModel().isSelected(index)
        self._one_of_many = QPersistentModelIndex(index) if many and not extends else QPersistentModelIndex()
        self._extending = extends or many
        super().mousePressEvent(event)
        self._extending = False

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Pressed among the selected and not dragged, one chat alone was meant."""
        super().mouseReleaseEvent(event)
        meant, self._one_of_many = self._one_of_many, QPersistentModelIndex()
        session_id = meant.data(SESSION_ID_ROLE) if meant.isValid() else ""
        if session_id and self.indexAt(event.position().toPoint()) == meant:
            self.chosen.emit(session_id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Edit a title; a double click on a folder is two clicks."""
        if self.indexAt(event.position().toPoint()).data(FOLDER_ROLE):
            super().mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    def startDrag(self, _actions: Qt.DropAction) -> None:  # noqa: N802  (Qt's name)
        """Drag the chats that are selected."""
        drag_chats(self, self._model)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802  (Qt's name)
        """Show where the chats would come."""
        super().dragMoveEvent(event)
        target = target_of(self.indexAt(event.position().toPoint())) if event.isAccepted() else None
        self._show_drop_target(target)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802  (Qt's name)
        """They would come nowhere."""
        super().dragLeaveEvent(event)
        self._show_drop_target(None)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802  (Qt's name)
        """They come there."""
        super().dropEvent(event)
        self._show_drop_target(None)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Frame the folder, or all of the list, that dragged chats would come into."""
        super().paintEvent(event)
        if self._drop_target is not None:
            paint_focus_ring(self.viewport(), self._place_of_folder(self._drop_target))

    def menu(self, index: QModelIndex) -> QMenu | None:
        """The menu of a chat, of all that are selected, or of a folder."""
        folder, session_id = index.data(FOLDER_ROLE), index.data(SESSION_ID_ROLE)
        if folder:
            return self._menus.of_folder(folder, lambda: self.edit_folder(folder))
        return self.menu_of(self.meant(str(session_id))) if session_id else None

    def menu_of(self, session_ids: tuple[str, ...]) -> QMenu:
        """The menu of some chats."""
        return self._menus.of_chats(session_ids)

    def edit_chat(self, session_id: str) -> None:
        """Let the title of a chat be typed."""
        index = self._model.index_of(session_id)
        if index.isValid():
            self.edit(index)

    def edit_folder(self, folder_id: str) -> None:
        """Let the name of a folder be typed."""
        index = self._model.folder_index(folder_id)
        if index.isValid():
            self.scrollTo(index)
            self.edit(index)

    def _show_drop_target(self, folder_id: str | None) -> None:
        if folder_id != self._drop_target:
            self._drop_target = folder_id
            self.viewport().update()

    def _place_of_folder(self, folder_id: str) -> QRect | None:
        """Where a folder and its chats are seen; None for no folder."""
        row = self._model.folder_index(folder_id)
        place = self.visualRect(row)
        while row.isValid() and (row := row.siblingAtRow(row.row() + 1)).data(INSIDE_ROLE) == folder_id:
            place |= self.visualRect(row)
        return place & self.viewport().rect() if folder_id else None

    def _folder_key(self, folder_id: str, key: int) -> bool:
        """Fold and unfold by keys; whether this was one."""
        collapsed = folder_id in self._model.collapsed
        opens, closes = Qt.Key.Key_Right, Qt.Key.Key_Left
        if self.isRightToLeft():
            opens, closes = closes, opens
        if key in {*_ENTER, Qt.Key.Key_Space}:
            self._model.collapse(folder_id, not collapsed)
        elif key in {opens, closes}:
            self._model.collapse(folder_id, key == closes)
        else:
            return False
        return True

    def _leave_folder(self, key: int) -> bool:
        """Go from a chat to the folder it lies in."""
        back = Qt.Key.Key_Right if self.isRightToLeft() else Qt.Key.Key_Left
        inside = self.currentIndex().data(INSIDE_ROLE)
        if key != back or not inside:
            return False
        self.setCurrentIndex(self._model.folder_index(str(inside)))
        return True

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        folder = index.data(FOLDER_ROLE)
        if folder:
            self._model.collapse(folder, not index.data(COLLAPSED_ROLE))

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        session_id = current.data(SESSION_ID_ROLE)
        if session_id and not self._model.rebuilding and not self._extending:
            self.chosen.emit(str(session_id))
