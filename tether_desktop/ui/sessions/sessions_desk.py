"""The list of chats: what a person does with it, and what other clients do to its sessions."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.context.records import SessionRecord
from tether_desktop.errors import SessionNotFound, TetherError
from tether_desktop.ui.chat.chats import Chats
from tether_desktop.ui.sessions.chat_titles import shown_title
from tether_desktop.ui.sessions.folders_desk import FoldersDesk
from tether_desktop.ui.sessions.search_desk import SearchDesk
from tether_desktop.ui.sessions.session_list import SessionList
from tether_desktop.ui.sessions.shelf_desk import ShelfDesk
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.session_news import SessionsNews
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.ui.sessions.files_desk import FilesDesk

_Step = Callable[["Tether", str], Coroutine[Any, Any, Any]]


class SessionsDesk(QObject):
    """Keeps the list of sessions in step with the store.

    Attributes:
        folders: what is done with folders.
        shelves: shows archive and bin.

    Signals:
        done(text, key): something was done that can be taken back: :meth:`undo`.
        said(text): something happened that a person is to know.
        left(session_ids): chats are no longer in the list, because the person wanted that.
        wanted(session_id): a chat is to be shown.
        gone(session_id, title): another client has deleted or erased a chat.
    """

    done = Signal(str, str)
    said = Signal(str)
    left = Signal(object)
    wanted = Signal(str)
    gone = Signal(str, str)

    def __init__(
        self, worker: EngineWorker, chats: Chats, sidebar: SessionList, tasks: Tasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._chats = chats
        self._sidebar = sidebar
        self._model = sidebar.model
        self._tasks = tasks
        self._deleting: set[str] = set()
        self._undo: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {}
        self._held: list[SessionsNews] | None = []
        self.folders = FoldersDesk(worker, sidebar, tasks, self)
        self.shelves = ShelfDesk(worker, sidebar, tasks, self)
        self._search = SearchDesk(worker, sidebar, tasks, self)
        self._files: FilesDesk | None = None
        self._connect()

    async def fill(self, arrangement: str = "") -> list[SessionRecord]:
        """Read folders and sessions and list them, arranged as they were."""
        await self.folders.fill()
        self._sidebar.arrange(arrangement)
        records = await self._worker.submit(lambda tether: tether.sessions.list())
        self._model.set_sessions(records)
        held, self._held = self._held or [], None
        for news in held:
            self._on_news(news)
        self._model.marks.set_drafted(await self._worker.submit(lambda tether: tether.library.drafted()))
        return records

    @Slot(str)
    def undo(self, key: str) -> None:
        """Take back what was done."""
        work = self._undo.pop(key, None)
        if work is not None:
            self._tasks.start(work())

    @Slot(str)
    def looked_at(self, session_id: str) -> None:
        """A chat is shown: what is new in it was seen."""
        record = self._model.session(session_id)
        if record is not None and record.unread:
            self._tasks.start(self._note(session_id, unread=False))

    @Slot(str, bool)
    def _on_busy(self, session_id: str, busy: bool) -> None:
        ended = not busy and session_id in self._model.marks.busy
        self._model.set_busy(session_id, busy)
        if ended and session_id != self._sidebar.shown_id and self._model.session(session_id) is not None:
            self._tasks.start(self._note(session_id, unread=True))

    async def _note(self, session_id: str, *, unread: bool) -> None:
        """Remember whether it was looked at; nobody has asked for that, and nobody is told when it is gone."""
        with suppress(SessionNotFound):
            await self._worker.submit(lambda tether: tether.sessions.mark_unread(session_id, unread=unread))

    @Slot(object, bool)
    def _pin(self, ids: Sequence[str], pinned: bool) -> None:
        self._tasks.start(self._each(ids, lambda tether, each: tether.sessions.pin(each, pinned=pinned)))

    @Slot(object, bool)
    def _mark(self, ids: Sequence[str], unread: bool) -> None:
        self._tasks.start(self._each(ids, lambda tether, each: tether.sessions.mark_unread(each, unread=unread)))

    @Slot(object, bool)
    def _archive(self, ids: Sequence[str], archived: bool) -> None:
        self._tasks.start(self._archive_now(tuple(ids), archived=archived))

    @Slot(str, str)
    def _rename(self, session_id: str, title: str) -> None:
        self._tasks.start(self._rename_now(session_id, title, self._model.session(session_id)))

    @Slot(str)
    def _duplicate(self, session_id: str) -> None:
        self._tasks.start(self._duplicate_now(session_id))

    @Slot(object)
    def delete(self, ids: Sequence[str]) -> None:
        """Move chats to the bin, stopping their answers."""
        self._tasks.start(self._delete_now(tuple(ids)))

    @Slot(object)
    def restore(self, ids: Sequence[str]) -> None:
        """Bring chats back from the bin."""
        self._tasks.start(self._restore_now(tuple(ids)))

    @Slot(object)
    def _erase(self, ids: Sequence[str]) -> None:
        self._tasks.start(self._each(ids, lambda tether, each: tether.sessions.erase(each)))

    @Slot()
    def _empty_bin(self) -> None:
        self._tasks.start(self._empty_bin_now())

    @Slot(object, str)
    def _export(self, ids: Sequence[str], form: str) -> None:
        self._of_files().export(tuple(ids), form)

    @Slot(str)
    def _import(self, path: str) -> None:
        self._of_files().add(path)

    def _connect(self) -> None:
        wanted, chats = self._sidebar.requests, self._chats
        self._worker.sessions_changed.connect(self._on_news)
        chats.created.connect(self._model.put)
        chats.dropped.connect(self._model.remove)
        chats.busy_changed.connect(self._on_busy)
        chats.waiting_changed.connect(self._model.set_waiting)
        chats.titled.connect(self._model.set_title)
        wanted.rename.connect(self._rename)
        wanted.pin.connect(self._pin)
        wanted.duplicate.connect(self._duplicate)
        wanted.archive.connect(self._archive)
        wanted.mark_unread.connect(self._mark)
        wanted.delete.connect(self.delete)
        wanted.restore.connect(self.restore)
        wanted.erase.connect(self._erase)
        wanted.empty_bin.connect(self._empty_bin)
        wanted.export.connect(self._export)
        wanted.import_file.connect(self._import)
        self.folders.done.connect(self._offer)

    def _of_files(self) -> FilesDesk:
        if self._files is None:
            from tether_desktop.ui.sessions.files_desk import FilesDesk

            self._files = FilesDesk(self._worker, self._sidebar, self._tasks, self)
            self._files.said.connect(self.said)
        return self._files

    async def _each(self, ids: Sequence[str], step: _Step) -> None:
        """Do one thing to chats; one that is gone meanwhile is none of the others' concern."""

        async def do(tether: Tether) -> None:
            for each in ids:
                try:
                    await step(tether, each)
                except SessionNotFound:
                    if len(ids) == 1:
                        raise

        await self._worker.submit(do)

    async def _rename_now(self, session_id: str, title: str, before: SessionRecord | None) -> None:
        try:
            await self._worker.submit(lambda tether: tether.sessions.rename(session_id, title))
        except TetherError:
            if before is not None:
                self._model.set_title(session_id, before.title)
            raise

    async def _duplicate_now(self, session_id: str) -> None:
        made = await self._worker.submit(lambda tether: tether.sessions.branch(session_id))
        self._model.put(made)
        self.wanted.emit(made.id)

    async def _archive_now(self, ids: tuple[str, ...], *, archived: bool) -> None:
        await self._each(ids, lambda tether, each: tether.sessions.archive(each, archived=archived))
        if archived:
            text = self.tr("Archived “{title}”.").format(title=self._title(ids[0]))
            said = text if len(ids) == 1 else self.tr("Archived %n chat(s).", "", len(ids))
            self._offer(said, lambda: self._archive_now(ids, archived=False))

    async def _delete_now(self, ids: tuple[str, ...]) -> None:
        title = self._title(ids[0]) if ids else ""
        self._deleting.update(ids)
        try:
            await self._each(ids, lambda tether, each: tether.sessions.delete(each))
            self._model.apply((), ids)
        finally:
            self._deleting.difference_update(ids)
        for each in ids:
            self._chats.forget(each)
        text = self.tr("Deleted “{title}”.").format(title=title)
        said = text if len(ids) == 1 else self.tr("Deleted %n chat(s).", "", len(ids))
        self._offer(said, lambda: self._restore_now(ids, show=True))
        self.left.emit(ids)

    async def _restore_now(self, ids: tuple[str, ...], *, show: bool = False) -> None:
        await self._each(ids, lambda tether, each: tether.sessions.restore(each))
        if show and len(ids) == 1:
            self._model.put(await self._worker.submit(lambda tether: tether.sessions.get(ids[0])))
            self.wanted.emit(ids[0])

    async def _empty_bin_now(self) -> None:
        await self._worker.submit(lambda tether: tether.sessions.empty_bin())

    @Slot(str, object)
    def _offer(self, text: str, undo: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Say what was done; only the last thing is offered to be taken back."""
        self._undo = {text: undo}
        self.done.emit(text, text)

    def _title(self, session_id: str) -> str:
        record = self._model.session(session_id)
        return shown_title(record) if record is not None else self.tr("New chat")

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
                self.gone.emit(record.id, shown_title(record))
        self.shelves.refresh()
