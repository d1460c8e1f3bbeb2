"""The list of chats: what a person does with it, and what other clients do to its sessions."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.context.records import SessionRecord
from tether_desktop.errors import TetherError
from tether_desktop.ui.chat.chats import Chats
from tether_desktop.ui.sessions.session_item_model import UNTITLED, SessionItemModel
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.session_news import SessionsNews
from tether_desktop.ui.worker.worker import EngineWorker


class SessionsDesk(QObject):
    """Keeps the list of sessions in step with the store.

    Signals:
        deleted(session_id, title): a chat went to the bin, from where it can be taken back.
        restored(session_id): a chat came back.
        gone(session_id, title): another client has deleted or erased a chat.
    """

    deleted = Signal(str, str)
    restored = Signal(str)
    gone = Signal(str, str)

    def __init__(
        self, worker: EngineWorker, chats: Chats, model: SessionItemModel, tasks: Tasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._chats = chats
        self._model = model
        self._tasks = tasks
        self._deleting: set[str] = set()
        self._held: list[SessionsNews] | None = []
        worker.sessions_changed.connect(self._on_news)
        chats.created.connect(model.put)
        chats.dropped.connect(model.remove)
        chats.busy_changed.connect(model.set_busy)
        chats.waiting_changed.connect(model.set_waiting)
        chats.titled.connect(model.set_title)

    async def fill(self) -> list[SessionRecord]:
        """Read the sessions and list them, newest first."""
        records = await self._worker.submit(lambda tether: tether.sessions.list())
        self._model.set_sessions(records)
        held, self._held = self._held or [], None
        for news in held:
            self._on_news(news)
        return records

    @Slot(str, bool)
    def pin(self, session_id: str, pinned: bool) -> None:
        """Show a chat before the others, or no longer."""
        self._tasks.start(self._pin(session_id, pinned))

    @Slot(str, str)
    def rename(self, session_id: str, title: str) -> None:
        """Give a chat another title."""
        self._tasks.start(self._rename(session_id, title, self._model.session(session_id)))

    @Slot(str)
    def delete(self, session_id: str) -> None:
        """Move a chat to the bin, stopping its answer."""
        self._tasks.start(self._delete(session_id))

    @Slot(str)
    def restore(self, session_id: str) -> None:
        """Take a deletion back."""
        self._tasks.start(self._restore(session_id))

    async def _pin(self, session_id: str, pinned: bool) -> None:
        self._model.put(await self._worker.submit(lambda tether: tether.sessions.pin(session_id, pinned=pinned)))

    async def _rename(self, session_id: str, title: str, before: SessionRecord | None) -> None:
        try:
            await self._worker.submit(lambda tether: tether.sessions.rename(session_id, title))
        except TetherError:
            if before is not None:
                self._model.set_title(session_id, before.title)
            raise

    async def _delete(self, session_id: str) -> None:
        record = self._model.session(session_id)
        self._deleting.add(session_id)
        try:
            await self._worker.submit(lambda tether: tether.sessions.delete(session_id))
            self._model.remove(session_id)
        finally:
            self._deleting.discard(session_id)
        self._chats.forget(session_id)
        self.deleted.emit(session_id, (record.title if record else "") or UNTITLED)

    @Slot(object)
    def _on_news(self, news: SessionsNews) -> None:
        if self._held is not None:  # the list that is being read may be older
            self._held.append(news)
            return
        known = [record for each in news.gone if (record := self._model.session(each)) is not None]
        self._model.apply(news.changed, news.gone)
        for record in known:
            if record.id not in self._deleting:
                self._chats.forget(record.id)
                self.gone.emit(record.id, record.title or UNTITLED)

    async def _restore(self, session_id: str) -> None:
        self._model.put(await self._worker.submit(lambda tether: tether.sessions.restore(session_id)))
        self.restored.emit(session_id)
