"""The menu beside the search: the order of the chats, folders, and files of chats."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from tether_desktop.ui.look.icons import IconButton, icon
from tether_desktop.ui.sessions.chat_requests import ChatRequests
from tether_desktop.ui.sessions.session_item_model import SessionItemModel
from tether_desktop.ui.sessions.session_order import SORTS, Sort


class ListMenuButton(IconButton):
    """Opens the menu, which is made when it is wanted.

    Signals:
        sort_chosen(Sort): the chats are to be in another order.
    """

    sort_chosen = Signal(str)

    def __init__(self, model: SessionItemModel, requests: ChatRequests, parent: QWidget | None = None) -> None:
        super().__init__("ellipsis", "", parent)
        self.set_label(self.tr("Order, folders and files"))
        self._model = model
        self._requests = requests
        self.sort: Sort = "activity"
        self.clicked.connect(self._open)

    def menu_of_list(self) -> QMenu:
        """The menu as it is now."""
        menu = QMenu(self)
        self._add_sorts(menu)
        menu.addSeparator()
        menu.addAction(icon("folder-plus"), self.tr("New folder"), lambda: self._requests.move_to_new.emit(()))
        self._add_folding(menu)
        menu.addSeparator()
        menu.addAction(icon("upload"), self.tr("Import…"), lambda: self._requests.import_file.emit(""))
        menu.addAction(icon("download"), self.tr("Export all…"), lambda: self._requests.export.emit((), "json"))
        return menu

    def _add_folding(self, menu: QMenu) -> None:
        ids = {folder.id for folder in self._model.folders}
        if ids - self._model.collapsed:
            menu.addAction(icon("folder"), self.tr("Collapse all folders"), lambda: self._model.collapse_all(True))
        elif ids:
            menu.addAction(icon("folder-open"), self.tr("Expand all folders"), lambda: self._model.collapse_all(False))

    def _add_sorts(self, menu: QMenu) -> None:
        texts = {
            "activity": self.tr("Sort by last activity"),
            "created": self.tr("Sort by creation"),
            "title": self.tr("Sort by title"),
        }
        group = QActionGroup(menu)
        for sort in SORTS:
            action = QAction(texts[sort], menu, checkable=True, checked=sort == self.sort)
            action.triggered.connect(lambda _checked=False, by=sort: self.sort_chosen.emit(by))
            group.addAction(action)
            menu.addAction(action)

    @Slot()
    def _open(self) -> None:
        menu = self.menu_of_list()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))
