"""Temporary chats: begins them, says what they are, forgets them when they are left, and keeps one that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.errors import SessionNotFound
from tether_desktop.ui.chat.chat_desk import ChatDesk
from tether_desktop.ui.chat.chats import Chats
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.system.temporary_bar import TemporaryBar
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.context.records import SessionRecord


class TemporaryDesk(QObject):
    """Keeps the bar in step with the chat that is shown.

    Signals:
        changed(bool): whether a temporary chat is shown.
    """

    changed = Signal(bool)

    def __init__(self, worker: EngineWorker, tasks: Tasks, chats: Chats, desk: ChatDesk, bar: TemporaryBar) -> None:
        super().__init__(desk)
        self._worker = worker
        self._tasks = tasks
        self._chats = chats
        self._desk = desk
        self._bar = bar
        self._shown: Conversation = desk.conversation
        self._left: Conversation | None = None
        self._kept: set[Conversation] = set()
        desk.shown.connect(self._on_shown)
        chats.busy_changed.connect(self._on_busy_changed)
        bar.keep_requested.connect(self._on_keep)
        bar.over.connect(self._on_over)

    @Slot()
    def toggle(self) -> None:
        """Begin a temporary chat, or leave the one that is shown for an ordinary one."""
        if self._desk.conversation.temporary and not self._desk.conversation.views:
            self._desk.new()
        else:
            self._desk.new_temporary()

    def forget(self, conversation: Conversation) -> None:
        """Forget a temporary chat that nobody wants any more, ending its answer."""
        self._chats.forget(conversation.session_id)
        if conversation.session_id:
            self._tasks.start(self._erase(conversation.session_id))

    async def keep(self, conversation: Conversation) -> None:
        """Store a temporary chat with the others, as far as it came.

        Raises:
            StoreError: it cannot be stored; it stays temporary.
        """
        await self._chats.stop(conversation)
        session_id = conversation.session_id
        record: SessionRecord = await self._worker.submit(lambda tether: _store(tether, session_id))
        conversation.temporary = False
        self._chats.created.emit(record)

    @Slot()
    def _on_shown(self) -> None:
        before, now = self._shown, self._desk.conversation
        if now is before:
            return
        self._shown = now
        if before.temporary and before not in self._kept:
            self._forget_left()
            self._left = before if before.session_id else None
        self._show_bar()
        self.changed.emit(now.temporary)

    @Slot(str, bool)
    def _on_busy_changed(self, session_id: str, _busy: bool) -> None:
        if self._desk.conversation.temporary and session_id == self._desk.conversation.session_id:
            self._show_bar()

    def _show_bar(self) -> None:
        now = self._desk.conversation
        if now.temporary and now not in self._kept:
            self._forget_left()
            self._bar.show_current(begun=bool(now.session_id))
        elif self._left is None:
            self._bar.dismiss()
        elif not self._bar.offers:
            self._bar.offer()

    def _forget_left(self) -> None:
        left, self._left = self._left, None
        if left is not None:
            self.forget(left)

    async def _erase(self, session_id: str) -> None:
        await self._worker.submit(lambda tether: _erase(tether, session_id))

    async def _keep(self, conversation: Conversation, *, opens: bool) -> None:
        try:
            await self.keep(conversation)
        except Exception:
            self._kept.discard(conversation)
            self._show(conversation)  # as it is, still temporary, so that it can be tried again
            raise
        self._kept.discard(conversation)
        if opens or conversation is self._desk.conversation:
            self._show(conversation)

    def _show(self, conversation: Conversation) -> None:
        if conversation is self._desk.conversation:
            self._show_bar()
            self.changed.emit(conversation.temporary)
        else:
            self._desk.open(conversation.session_id)

    @Slot()
    def _on_keep(self) -> None:
        left, self._left = self._left, None
        conversation = left or self._desk.conversation
        self._bar.dismiss()
        if conversation.temporary and conversation.session_id and conversation not in self._kept:
            self._kept.add(conversation)  # from now on nothing that is shown instead makes anybody forget it
            self._tasks.start(self._keep(conversation, opens=left is not None))

    @Slot()
    def _on_over(self) -> None:
        self._forget_left()


async def _store(tether: Tether, session_id: str) -> SessionRecord:
    """Put a temporary conversation among the others; it is temporary no more."""
    await tether.temporary.cancel(session_id)
    record = await tether.sessions.adopt(await tether.temporary.whole(session_id))
    await tether.temporary.erase(session_id)
    return record


async def _erase(tether: Tether, session_id: str) -> None:
    try:
        await tether.temporary.erase(session_id)
    except SessionNotFound:  # it was taken back before anything was asked
        return
