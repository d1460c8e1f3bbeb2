"""The archive and the bin, in the place of the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from tether_desktop.context.records import SessionRecord
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.sessions.chat_menu import ChatMenus
from tether_desktop.ui.sessions.chat_requests import ChatRequests
from tether_desktop.ui.sessions.confirm_line import ConfirmLine
from tether_desktop.ui.sessions.empty_shelf import EmptyShelf
from tether_desktop.ui.sessions.session_delegate import PADDING, SessionDelegate
from tether_desktop.ui.sessions.session_item_model import SESSION_ID_ROLE, SessionItemModel
from tether_desktop.ui.sessions.session_view import ChatListView
from tether_desktop.ui.sessions.shelf_item_model import ShelfItemModel

Shelf = Literal["archive", "bin"]


class ShelfView(ChatListView):
    """The chats of a shelf.

    Signals:
        opened(session_id): Enter or a click.
        delete_pressed(): the Delete key.
    """

    opened = Signal(str)
    delete_pressed = Signal()

    def __init__(self, model: ShelfItemModel, parent: ShelfPage) -> None:
        super().__init__(model, parent)
        self._page = parent
        self.setItemDelegate(SessionDelegate(self))
        self.clicked.connect(self._on_clicked)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Enter opens, Delete deletes."""
        if event.matches(QKeySequence.StandardKey.Delete) and self.selected_ids():
            self.delete_pressed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.session_id():
            self.opened.emit(self.session_id())
        else:
            super().keyPressEvent(event)

    def menu(self, index: QModelIndex) -> QMenu | None:
        """What can be done with the chats that are selected, or the one at hand."""
        session_id = index.data(SESSION_ID_ROLE)
        return self._page.menu_of(self.meant(str(session_id))) if session_id else None

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        if len(self.selected_ids()) == 1:
            self.opened.emit(str(index.data(SESSION_ID_ROLE)))


class ShelfPage(QWidget):
    """Chats that are out of the list, and the ways back into it.

    Attributes:
        shelf: which one is shown.

    Signals:
        left(): back to the list.
        chosen(session_id): a chat of the archive is to be shown.
    """

    left = Signal()
    chosen = Signal(str)

    def __init__(self, chats: SessionItemModel, requests: ChatRequests, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shelf: Shelf = "archive"
        self._requests = requests
        self._menus = ChatMenus(chats, requests, self)
        self._erasing: tuple[str, ...] = ()
        self._emptying = False
        self._bin_days = 0
        self.model = ShelfItemModel(self)
        self.view = ShelfView(self.model, self)
        self.back_button = IconButton("chevron-left", self.tr("Back to the chats"))
        self._title = _label("heading")
        self.note = _label("small")
        self.note.setWordWrap(True)
        self.note.setIndent(PADDING)
        self.return_button = QPushButton()
        self.remove_button = QPushButton()
        self.empty_button = QPushButton(self.tr("Empty bin"))
        self.confirm = ConfirmLine()
        self.nothing_here = EmptyShelf()
        self._lay_out()
        self._connect()

    def show_shelf(self, shelf: Shelf) -> None:
        """Show the archive or the bin, empty until its chats come."""
        self.shelf = shelf
        self.confirm.close_question()
        in_bin = shelf == "bin"
        self._title.setText(self.tr("Bin") if in_bin else self.tr("Archive"))
        self.view.setAccessibleName(self.tr("Bin") if in_bin else self.tr("Archive"))
        self.return_button.setText(self.tr("Restore") if in_bin else self.tr("Unarchive"))
        self.remove_button.setText(self.tr("Erase now") if in_bin else self.tr("Delete"))
        self.model.show(())
        self._show_state()
        self.nothing_here.clear()

    def show_chats(self, records: Sequence[SessionRecord], bin_days: int = 0) -> None:
        """Show what lies there; ``bin_days`` is after how many days the bin forgets, 0 for never."""
        self._bin_days = bin_days
        self.model.show(records)
        if not records:
            self.confirm.close_question()
            self._say_nothing_is_here()
        self.note.setText(self._note())
        self._show_state()
        if records and self.back_button.hasFocus():
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def menu_of(self, session_ids: tuple[str, ...]) -> QMenu:
        """The menu of chats of this shelf."""
        if self.shelf == "archive":
            return self._menus.of_chats(session_ids)
        return self._menus.of_bin(session_ids, lambda: self._ask(session_ids))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Escape leaves the question, then the page."""
        if event.key() == Qt.Key.Key_Escape:
            if self.confirm.isVisible():
                self.confirm.close_question()
            else:
                self.left.emit()
        else:
            super().keyPressEvent(event)

    def _note(self) -> str:
        if self.shelf == "archive":
            return self.tr("These chats stay out of the list and are found by searching.")
        return self._keeping()

    def _keeping(self) -> str:
        if self._bin_days:
            return self.tr("Erased after %n day(s).", "", self._bin_days)
        return self.tr("Kept until you erase them.")

    def _say_nothing_is_here(self) -> None:
        if self.shelf == "archive":
            title = self.tr("Nothing is archived.")
            text = self.tr("Archived chats stay out of the list and are found by searching.")
            self.nothing_here.describe("archive", title, text)
        else:
            text = self.tr("Deleted chats come here.")
            self.nothing_here.describe("trash-2", self.tr("The bin is empty."), f"{text} {self._keeping()}")

    def _ask(self, session_ids: tuple[str, ...], *, emptying: bool = False) -> None:
        if not session_ids:
            return
        self._erasing, self._emptying = session_ids, emptying
        self._buttons.hide()
        self.confirm.ask(self.tr("Erase %n chat(s) for good? This cannot be undone.", "", len(session_ids)))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(spacing.TIGHT)
        head.addWidget(self.back_button)
        head.addWidget(self._title, 1)
        head.addWidget(self.empty_button)
        self._buttons = QWidget()
        foot = QHBoxLayout(self._buttons)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(spacing.NEAR)
        for button in (self.return_button, self.remove_button, self.empty_button):
            button.setProperty("kind", "answer")
        foot.addWidget(self.return_button)
        foot.addWidget(self.remove_button)
        foot.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.SMALL)
        layout.addLayout(head)
        layout.addWidget(self.note)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.nothing_here, 1)
        layout.addWidget(self.confirm)
        layout.addWidget(self._buttons)

    def _connect(self) -> None:
        self.back_button.clicked.connect(self.left)
        self.return_button.clicked.connect(self._on_return)
        self.remove_button.clicked.connect(self._on_remove)
        self.empty_button.clicked.connect(self._on_empty)
        self.view.opened.connect(self._on_opened)
        self.view.delete_pressed.connect(self._on_remove)
        self.view.selectionModel().selectionChanged.connect(self._show_state)
        self.confirm.confirmed.connect(self._on_confirmed)
        self.confirm.closed.connect(self._on_question_closed)

    @Slot()
    def _show_state(self) -> None:
        """Offer only what can be done: nothing where nothing is, and not before it is known what is here."""
        filled, selected = self.model.rowCount() > 0, bool(self.view.selected_ids())
        for widget in (self.note, self.view):
            widget.setVisible(filled)
        self.nothing_here.setVisible(not filled)
        self.empty_button.setVisible(filled and self.shelf == "bin")
        self._buttons.setVisible(filled and self.confirm.isHidden())
        self.return_button.setEnabled(selected)
        self.remove_button.setEnabled(selected)

    @Slot()
    def _on_return(self) -> None:
        ids = self.view.selected_ids()
        if self.shelf == "bin":
            self._requests.restore.emit(ids)
        else:
            self._requests.archive.emit(ids, False)

    @Slot()
    def _on_remove(self) -> None:
        ids = self.view.selected_ids()
        if self.shelf == "bin":
            self._ask(ids)
        else:
            self._requests.delete.emit(ids)

    @Slot()
    def _on_empty(self) -> None:
        self._ask(self.model.ids, emptying=True)

    @Slot()
    def _on_confirmed(self) -> None:
        if self._emptying:
            self._requests.empty_bin.emit()
        else:
            self._requests.erase.emit(self._erasing)

    @Slot()
    def _on_question_closed(self) -> None:
        self._show_state()
        (self.view if self.model.rowCount() else self.back_button).setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(str)
    def _on_opened(self, session_id: str) -> None:
        if self.shelf == "archive":
            self.chosen.emit(session_id)


def _label(kind: str) -> QLabel:
    label = QLabel()
    label.setProperty("kind", kind)
    return label
