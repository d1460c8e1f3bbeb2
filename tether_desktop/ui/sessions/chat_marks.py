"""What is marked of chats beside what is stored of them: which answer, which wait, which hold a draft."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject

from tether_desktop.ui.sessions.session_rows import Row


class ChatMarks(QObject):
    """The marks of all chats.

    Attributes:
        busy: which are being answered.
        waiting: in which a tool call waits for permission.
        drafted: in which something was typed and not sent.
    """

    def __init__(self, on_change: Callable[[str], None], parent: QObject) -> None:
        """Prepare; ``on_change`` is told of each chat that is marked otherwise."""
        super().__init__(parent)
        self._on_change = on_change
        self.busy: set[str] = set()
        self.waiting: set[str] = set()
        self.drafted: set[str] = set()

    def set_busy(self, session_id: str, busy: bool) -> None:
        """Mark a chat that is being answered."""
        self._mark(self.busy, session_id, busy)

    def set_waiting(self, session_id: str, waiting: bool) -> None:
        """Mark a chat that waits for the person."""
        self._mark(self.waiting, session_id, waiting)

    def set_drafted(self, session_ids: Iterable[str]) -> None:
        """Mark the chats that hold a draft, and no others."""
        before, self.drafted = self.drafted, set(session_ids)
        for session_id in before ^ self.drafted:
            self._on_change(session_id)

    def set_draft(self, session_id: str, drafted: bool) -> None:
        """Mark a chat that holds a draft."""
        self._mark(self.drafted, session_id, drafted)

    def forget(self, session_id: str) -> None:
        """A chat is no more; whether it answers is told by its end."""
        self.waiting.discard(session_id)
        self.drafted.discard(session_id)

    def spoken(self, row: Row, *, unread: bool, collapsed: bool) -> str:
        """What a screen reader says of a row."""
        if row.kind == "heading":
            return row.text
        if row.kind == "folder":
            state = self.tr("collapsed") if collapsed else self.tr("expanded")
            return ", ".join((row.text, self.tr("folder, %n chat(s)", "", row.count), state))
        said = [row.text]
        if row.id in self.waiting:
            said.append(self.tr("waits for your approval"))
        elif row.id in self.busy:
            said.append(self.tr("answering"))
        elif unread:
            said.append(self.tr("unread"))
        if row.id in self.drafted:
            said.append(self.tr("has a draft"))
        return ", ".join(said)

    def _mark(self, marked: set[str], session_id: str, on: bool) -> None:
        if (session_id in marked) != on:
            (marked.add if on else marked.discard)(session_id)
            self._on_change(session_id)
