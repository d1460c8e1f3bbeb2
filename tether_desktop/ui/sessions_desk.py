"""What a person does with the list of chats: fill it, rename, delete, take a deletion back."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.context.records import SessionRecord
from tether_desktop.errors import TetherError
from tether_desktop.ui.chats import Chats
from tether_desktop.ui.session_item_model import UNTITLED, SessionItemModel
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker import EngineWorker


class SessionsDesk(QObject):
    """Keeps the list of sessions in step with the store.

    Signals:
        deleted(session_id, title): a chat went to the bin, from where it can be taken back.
        restored(session_id): a chat came back.
    """

    deleted = Signal(str, str)
    restored = Signal(str)

    def __init__(
        self, worker: EngineWorker, chats: Chats, model: SessionItemModel, tasks: Tasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._chats = chats
        self._model = model
        self._tasks = tasks
        chats.created.connect(model.put)
        chats.dropped.connect(model.remove)
        chats.busy_changed.connect(model.set_busy)
        chats.waiting_changed.connect(model.set_waiting)
        chats.titled.connect(model.set_title)

    async def fill(self) -> list[SessionRecord]:
        """Read the sessions and list them, newest first."""
        records = await self._worker.submit(lambda tether: tether.sessions.list())
        self._model.set_sessions(records)
        return records

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

    async def _rename(self, session_id: str, title: str, before: SessionRecord | None) -> None:
        try:
            await self._worker.submit(lambda tether: tether.sessions.rename(session_id, title))
        except TetherError:
            if before is not None:
                self._model.set_title(session_id, before.title)
            raise

    async def _delete(self, session_id: str) -> None:
        await self._worker.submit(lambda tether: tether.sessions.delete(session_id))
        removed = self._model.remove(session_id)
        self._chats.forget(session_id)
        self.deleted.emit(session_id, (removed.title if removed else "") or UNTITLED)

    async def _restore(self, session_id: str) -> None:
        self._model.put(await self._worker.submit(lambda tether: tether.sessions.restore(session_id)))
        self.restored.emit(session_id)
