"""The menus of chats and folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from tether_desktop.context.records import SessionRecord
from tether_desktop.ui.look.icons import icon
from tether_desktop.ui.sessions.chat_requests import ChatRequests
from tether_desktop.ui.sessions.chat_titles import shown_text
from tether_desktop.ui.sessions.session_item_model import SessionItemModel

_Ids = tuple[str, ...]
_LONGEST_NAME = 40


class ChatMenus(QObject):
    """Makes the menus; each deletes itself once it is closed."""

    def __init__(self, model: SessionItemModel, requests: ChatRequests, parent: QWidget) -> None:
        super().__init__(parent)
        self._widget = parent
        self._model = model
        self._requests = requests

    def of_chats(self, session_ids: Sequence[str]) -> QMenu:
        """What can be done with chats, one or several."""
        ids = tuple(session_ids)
        records = [record for each in ids if (record := self._model.session(each)) is not None]
        menu, requests = self._menu(), self._requests
        if len(records) == 1:
            self._add(menu, "external-link", self.tr("Open"), lambda: requests.open.emit(ids[0]))
            self._add(menu, "pencil", self.tr("Rename"), lambda: requests.edit.emit(ids[0]), Qt.Key.Key_F2)
        self._add_placing(menu, ids, records)
        if len(records) == 1:
            self._add(menu, "copy", self.tr("Duplicate"), lambda: requests.duplicate.emit(ids[0]))
        unread = all(record.unread for record in records)
        text = self.tr("Mark as read") if unread else self.tr("Mark as unread")
        self._add(menu, "eye" if unread else "eye-off", text, lambda: requests.mark_unread.emit(ids, not unread))
        self._add_exports(menu, ids)
        menu.addSeparator()
        self._add_deletion(menu, self.tr("Delete"), lambda: requests.delete.emit(ids))
        return menu

    def of_folder(self, folder_id: str, rename: Callable[[], None]) -> QMenu:
        """What can be done with a folder."""
        menu = self._menu()
        self._add(menu, "pencil", self.tr("Rename"), rename, Qt.Key.Key_F2)
        self._add(menu, "folder-plus", self.tr("New folder"), lambda: self._requests.move_to_new.emit(()))
        menu.addSeparator()
        delete = self._requests.delete_folder
        self._add_deletion(menu, self.tr("Delete folder"), lambda: delete.emit(folder_id))
        return menu

    def of_bin(self, session_ids: Sequence[str], erase: Callable[[], None]) -> QMenu:
        """What can be done with chats of the bin."""
        ids, menu = tuple(session_ids), self._menu()
        self._add(menu, "undo-2", self.tr("Restore"), lambda: self._requests.restore.emit(ids))
        self._add_deletion(menu, self.tr("Erase for good…"), erase)
        return menu

    def _add_placing(self, menu: QMenu, ids: _Ids, records: Sequence[SessionRecord]) -> None:
        requests = self._requests
        archived = all(record.archived for record in records)
        if not archived:
            pinned = all(record.pinned for record in records)
            text = self.tr("Unpin") if pinned else self.tr("Pin")
            self._add(menu, "pin-off" if pinned else "pin", text, lambda: requests.pin.emit(ids, not pinned))
            self._add_folders(menu, ids, records)
        text = self.tr("Unarchive") if archived else self.tr("Archive")
        name = "archive-restore" if archived else "archive"
        self._add(menu, name, text, lambda: requests.archive.emit(ids, not archived))

    def _add_folders(self, menu: QMenu, ids: _Ids, records: Sequence[SessionRecord]) -> None:
        folders = menu.addMenu(icon("folder"), self.tr("Move to folder"))
        here = {record.folder_id for record in records}
        for folder in self._model.folders:
            name = shown_text(folder.name)[:_LONGEST_NAME].replace("&", "&&")
            action = folders.addAction(name, partial(self._requests.move.emit, ids, folder.id))
            action.setCheckable(True)
            action.setChecked(here == {folder.id})
        if here - {None}:
            folders.addAction(self.tr("No folder"), lambda: self._requests.move.emit(ids, ""))
        folders.addSeparator()
        self._add(folders, "folder-plus", self.tr("New folder"), lambda: self._requests.move_to_new.emit(ids))

    def _add_exports(self, menu: QMenu, ids: _Ids) -> None:
        exports = menu.addMenu(icon("download"), self.tr("Export"))
        exports.addAction(self.tr("JSON…"), lambda: self._requests.export.emit(ids, "json"))
        exports.addAction(self.tr("Markdown…"), lambda: self._requests.export.emit(ids, "markdown"))

    def _menu(self) -> QMenu:
        menu = QMenu(self._widget)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _add(
        self, menu: QMenu, name: str, text: str, done: Callable[[], object], key: Qt.Key = Qt.Key.Key_unknown
    ) -> None:
        action = QAction(icon(name), text, menu)
        if key != Qt.Key.Key_unknown:
            action.setShortcut(QKeySequence(key))
        action.triggered.connect(done)
        menu.addAction(action)

    def _add_deletion(self, menu: QMenu, text: str, done: Callable[[], object]) -> None:
        action = QAction(icon("trash-2", "danger"), text, menu, shortcut=QKeySequence(Qt.Key.Key_Delete))
        action.triggered.connect(done)
        menu.addAction(action)
