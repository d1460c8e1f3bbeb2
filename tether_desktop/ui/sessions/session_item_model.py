"""The Qt item model of the session list: pinned chats, folders, and the others by age."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from tether_desktop.context.moments import moment_after
from tether_desktop.context.records import FolderRecord, SessionRecord
from tether_desktop.ui.sessions.chat_marks import ChatMarks
from tether_desktop.ui.sessions.row_list import RowList
from tether_desktop.ui.sessions.session_order import ARCHIVED_GROUP, LOOSE_GROUP, PINNED_GROUP, SessionOrder, Sort
from tether_desktop.ui.sessions.session_rows import Row, RowPlan

SESSION_ID_ROLE = int(Qt.ItemDataRole.UserRole)
BUSY_ROLE = SESSION_ID_ROLE + 1
HEADING_ROLE = SESSION_ID_ROLE + 2
WAITING_ROLE = SESSION_ID_ROLE + 3
FOLDER_ROLE = SESSION_ID_ROLE + 4
"""The id of the folder that a row is of; empty for others."""
UNREAD_ROLE = SESSION_ID_ROLE + 5
DRAFT_ROLE = SESSION_ID_ROLE + 6
COUNT_ROLE = SESSION_ID_ROLE + 7
COLLAPSED_ROLE = SESSION_ID_ROLE + 8
INSIDE_ROLE = SESSION_ID_ROLE + 9
"""The id of the folder that a chat is shown in; empty for none."""

CHATS_MIME = "application/x-tether-chats"
_PAGE = 200
"""How many more rows there are whenever the view comes to the end; so the list is as cheap with 10,000 chats."""

Index = QModelIndex | QPersistentModelIndex


class SessionItemModel(QAbstractListModel):
    """Chats as rows, with headings and folders; further down, there are rows once they are wanted.

    Signals:
        rename_requested(session_id, title): a title was edited in the list; :meth:`session` still has the
            old one, and the new one is shown next.
        folder_rename_requested(folder_id, name): the name of a folder was edited.
        move_requested(session_ids, folder_id): chats were dropped on a folder, or outside of all: an empty id.
        rebuilt(): rows came, went or moved.

    Attributes:
        marks: which chats answer, wait, or hold a draft.
        rebuilding: whether rows move, when Qt moves the current row by itself.
    """

    rename_requested = Signal(str, str)
    folder_rename_requested = Signal(str, str)
    move_requested = Signal(object, str)
    rebuilt = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._order = SessionOrder()
        self._plan = RowPlan(self._order)
        self._list = RowList(self, self._tell_of_rows)
        self.marks = ChatMarks(self.refresh, self)
        self._most = _PAGE
        self._has_more = False
        self.rebuilding = False

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  (Qt's signature)
        """Rows, headings and folders included."""
        return 0 if parent.isValid() else len(self._list.rows)

    def canFetchMore(self, parent: Index) -> bool:  # noqa: N802  (Qt's name)
        """Whether there are chats below the last row; not while rows move, when Qt asks too."""
        return not parent.isValid() and self._has_more and not self.rebuilding

    def fetchMore(self, parent: Index) -> None:  # noqa: N802  (Qt's name)
        """Have rows for the next chats."""
        if self.canFetchMore(parent):
            self._most += _PAGE
            self._rebuild()

    def show_all(self) -> None:
        """Have rows for all chats."""
        if self._has_more:
            self._most = 2 * len(self._order) + len(self._plan.folders) + _PAGE
            self._rebuild()

    def reveal(self, session_id: str) -> None:
        """Have as many rows as it takes for one to be of this chat."""
        while self._has_more and self._plan.is_listed(session_id) and not self.index_of(session_id).isValid():
            self._most *= 2
            self._rebuild()

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Title, identity and state of a row."""
        if not index.isValid() or index.row() >= len(self._list.rows):
            return None
        row = self._list.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.text
        if role == SESSION_ID_ROLE:
            return row.id if row.kind == "session" else ""
        if role == FOLDER_ROLE:
            return row.id if row.kind == "folder" else ""
        return self._state_of(row, role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings are only to be read; folders are where chats can be dropped."""
        if not index.isValid() or index.row() >= len(self._list.rows):
            return Qt.ItemFlag.ItemIsDropEnabled
        row = self._list.rows[index.row()]
        if row.kind == "heading":
            return Qt.ItemFlag.ItemIsDropEnabled
        both = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDropEnabled
        if row.kind == "folder":
            return both
        return both | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled

    def setData(self, index: Index, value: Any, role: int = int(Qt.ItemDataRole.EditRole)) -> bool:  # noqa: N802
        """Take an edited title or name; an empty one changes nothing."""
        title = " ".join(str(value).split())
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or not title:
            return False
        row = self._list.rows[index.row()]
        if title == self._whole_text(row):
            return True
        if not self._is_there(row):  # its editor closes because it goes
            return False
        if row.kind == "folder":
            self.folder_rename_requested.emit(row.id, title)
        else:
            self.rename_requested.emit(row.id, title)
            self.set_title(row.id, title)
        return True

    def supportedDropActions(self) -> Qt.DropAction:  # noqa: N802  (Qt's name)
        """Chats are moved."""
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:  # noqa: N802  (Qt's name)
        """Our own: chats are dropped nowhere else."""
        return [CHATS_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802  (Qt's name)
        """The ids of chats that are dragged."""
        data = QMimeData()
        data.setData(CHATS_MIME, "\n".join(index.data(SESSION_ID_ROLE) for index in indexes).encode())
        return data

    def dropMimeData(  # noqa: N802  (Qt's name)
        self, data: QMimeData, _action: Qt.DropAction, _row: int, _column: int, parent: Index
    ) -> bool:
        """Ask for chats to be put where they were dropped; what moves is shown once it has moved."""
        if not data.hasFormat(CHATS_MIME):
            return False
        ids = tuple(bytes(data.data(CHATS_MIME).data()).decode().split("\n"))
        target = parent.data(FOLDER_ROLE) or parent.data(INSIDE_ROLE) or ""
        self.move_requested.emit(ids, target)
        return False  # or the view would remove the rows by itself

    def session(self, session_id: str) -> SessionRecord | None:
        """A chat by its id."""
        return self._order.get(session_id)

    def sessions(self) -> list[SessionRecord]:
        """All chats of the list, as they stand there, and those in folders at the end."""
        groups = [PINNED_GROUP, LOOSE_GROUP, *(f"folder {each.id}" for each in self._plan.folders)]
        return [record for group in groups for record in self._order.each(group)]

    def archived(self) -> list[SessionRecord]:
        """The chats of the archive, in the order of the list."""
        return list(self._order.each(ARCHIVED_GROUP))

    def inside(self, folder_id: str) -> tuple[str, ...]:
        """The chats of a folder, also those that are shown elsewhere."""
        return self._order.inside(folder_id)

    def titled(self, query: str) -> list[SessionRecord]:
        """The chats whose titles have all words of a query, the archive included."""
        return self._order.titled(query)

    @property
    def folders(self) -> tuple[FolderRecord, ...]:
        """All folders."""
        return self._plan.folders

    @property
    def collapsed(self) -> frozenset[str]:
        """The folders whose chats are not shown."""
        return frozenset(self._plan.collapsed)

    @property
    def sorting(self) -> Sort:
        """By what the chats are in order."""
        return self._order.sort

    @property
    def waiting(self) -> frozenset[str]:
        """The chats in which a tool call waits for permission."""
        return frozenset(self.marks.waiting)

    def index_of(self, session_id: str) -> QModelIndex:
        """Where a chat is; invalid when it is not shown."""
        return self._index(self._plan.made(session_id))

    def folder_index(self, folder_id: str) -> QModelIndex:
        """Where a folder is; invalid when it is not shown."""
        return self._index(self._plan.made(f"folder {folder_id}"))

    def set_sessions(self, sessions: Iterable[SessionRecord]) -> None:
        """Show these chats."""
        self._order.fill(sessions)
        self._rebuild()

    def set_folders(self, folders: Sequence[FolderRecord]) -> None:
        """Show these folders."""
        self._plan.set_folders(folders)
        self._rebuild()

    def collapse(self, folder_id: str, collapsed: bool) -> None:
        """Show the chats of a folder, or do not."""
        (self._plan.collapsed.add if collapsed else self._plan.collapsed.discard)(folder_id)
        self._rebuild()
        self._tell_of_folder(folder_id)

    def collapse_all(self, collapsed: bool) -> None:
        """Show the chats of all folders, or of none."""
        self._plan.collapsed = {folder.id for folder in self.folders} if collapsed else set()
        self._rebuild()
        for folder in self.folders:
            self._tell_of_folder(folder.id)

    def sort_by(self, sort: Sort) -> None:
        """Have the chats in another order."""
        self._order.sort_by(sort)
        self._rebuild()

    def put(self, session: SessionRecord) -> None:
        """Add a chat or take its new state."""
        self.apply((session,), ())

    def apply(self, changed: Iterable[SessionRecord], gone: Iterable[str]) -> None:
        """Take what became of many chats at once."""
        changed, gone = tuple(changed), tuple(gone)
        for session_id in gone:
            self.marks.forget(session_id)
            self._plan.forget(session_id)
        unread = [each for each in changed if (old := self._order.get(each.id)) and old.unread != each.unread]
        self._order.change(changed, gone)
        self._rebuild()
        for record in unread:
            self.refresh(record.id)

    def remove(self, session_id: str) -> SessionRecord | None:
        """Take a chat out of the list."""
        removed = self._order.get(session_id)
        self.apply((), (session_id,))
        return removed

    def set_title(self, session_id: str, title: str) -> None:
        """Show another title."""
        record = self._order.get(session_id)
        if record is not None:
            self.put(replace(record, title=title))

    def set_busy(self, session_id: str, busy: bool) -> None:
        """Mark a chat that is being answered; it becomes the newest."""
        record = self._order.get(session_id)
        if busy and record is not None and session_id not in self.marks.busy:
            self.put(replace(record, last_active=moment_after(self._order.newest)))
        self.marks.set_busy(session_id, busy)

    def set_waiting(self, session_id: str, waiting: bool) -> None:
        """Mark a chat in which a tool call waits for the person's permission."""
        self.marks.set_waiting(session_id, waiting)

    def refresh(self, session_id: str) -> None:
        """What is marked of a chat has changed."""
        index = self.index_of(session_id)
        if index.isValid():
            self.dataChanged.emit(index, index)

    def _index(self, row: Row | None) -> QModelIndex:
        place = self._list.place(row) if row is not None else -1
        return self.index(place) if place >= 0 else QModelIndex()

    def _is_there(self, row: Row) -> bool:
        if row.kind == "folder":
            return any(each.id == row.id for each in self._plan.folders)
        return self._order.get(row.id) is not None

    def _whole_text(self, row: Row) -> str:
        """The title or name as it is stored."""
        if row.kind == "folder":
            return next((each.name for each in self._plan.folders if each.id == row.id), row.text)
        record = self._order.get(row.id)
        return (record.title if record is not None else "") or row.text

    def _state_of(self, row: Row, role: int) -> Any:
        marks = self.marks
        record = self._order.get(row.id) if row.kind == "session" else None
        values: dict[int, Any] = {
            Qt.ItemDataRole.EditRole: self._whole_text(row),
            Qt.ItemDataRole.ToolTipRole: row.text if row.id else None,
            HEADING_ROLE: row.kind == "heading",
            BUSY_ROLE: row.id in marks.busy,
            WAITING_ROLE: row.id in marks.waiting,
            DRAFT_ROLE: row.id in marks.drafted,
            UNREAD_ROLE: record is not None and record.unread,
            COUNT_ROLE: row.count,
            COLLAPSED_ROLE: row.id in self._plan.collapsed,
            INSIDE_ROLE: row.inside,
        }
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return marks.spoken(row, unread=bool(values[UNREAD_ROLE]), collapsed=bool(values[COLLAPSED_ROLE]))
        return values.get(role)

    def _tell_of_folder(self, folder_id: str) -> None:
        index = self.folder_index(folder_id)
        if index.isValid():
            self.dataChanged.emit(index, index)

    def _tell_of_rows(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first), self.index(last))

    def _rebuild(self) -> None:
        self.rebuilding = True
        rows, self._has_more = self._plan.rows(self._most)
        self._list.show(rows)
        self.rebuilding = False
        self.rebuilt.emit()
