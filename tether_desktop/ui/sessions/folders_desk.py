"""Folders of chats: what a person does with them, and what other clients do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.ui.sessions.chat_titles import shown_text, shown_title
from tether_desktop.ui.sessions.session_list import SessionList
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.context.records import FolderRecord, SessionRecord


class FoldersDesk(QObject):
    """Keeps the folders of the sidebar in step with the library.

    Signals:
        done(text, undo): a folder was deleted, or chats were moved; ``undo`` makes the coroutine that takes it back.
    """

    done = Signal(str, object)
    _library_changed = Signal(str)
    """Emitted in the worker's thread, received here."""

    def __init__(self, worker: EngineWorker, sidebar: SessionList, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._sidebar = sidebar
        self._model = sidebar.model
        self._tasks = tasks
        wanted = sidebar.requests
        wanted.move.connect(self._move)
        wanted.move_to_new.connect(self._move_to_new)
        wanted.rename_folder.connect(self._rename)
        wanted.delete_folder.connect(self._delete)
        self._library_changed.connect(self._on_library_changed)

    async def fill(self) -> None:
        """Read the folders, and hear of them from now on."""

        async def subscribe(tether: Tether) -> None:
            tether.library.subscribe(self._library_changed.emit)

        await self._worker.submit(subscribe)
        await self._read()

    async def _read(self) -> None:
        self._model.set_folders(await self._worker.submit(lambda tether: tether.library.folders()))

    @Slot(str)
    def _on_library_changed(self, shelf: str) -> None:
        if shelf == "folders":
            self._tasks.start(self._read())

    @Slot(object, str)
    def _move(self, ids: Sequence[str], folder_id: str) -> None:
        self._tasks.start(self._move_and_tell(tuple(ids), folder_id))

    @Slot(object)
    def _move_to_new(self, ids: Sequence[str]) -> None:
        self._tasks.start(self._move_to_new_now(tuple(ids)))

    @Slot(str, str)
    def _rename(self, folder_id: str, name: str) -> None:
        self._tasks.start(self._rename_now(folder_id, name))

    @Slot(str)
    def _delete(self, folder_id: str) -> None:
        self._tasks.start(self._delete_now(folder_id))

    async def _move_and_tell(self, ids: tuple[str, ...], folder_id: str) -> None:
        before = [record for each in ids if (record := self._model.session(each)) is not None]
        moved = [record for record in before if (record.folder_id or "") != folder_id or (folder_id and record.pinned)]
        if not moved:
            return
        await self._move_now(tuple(record.id for record in moved), folder_id)
        title, name = shown_title(moved[0]), self._name(folder_id)
        text = self.tr("Moved “{title}” to “{name}”.") if name else self.tr("Moved “{title}” out of its folder.")
        several = self.tr("Moved %n chat(s).", "", len(moved))
        said = text.format(title=title, name=name) if len(moved) == 1 else several
        self.done.emit(said, lambda: self._move_back(moved))

    async def _move_back(self, moved: Sequence[SessionRecord]) -> None:
        there = [record for record in moved if self._model.session(record.id) is not None]
        known = {folder.id for folder in self._model.folders}

        async def restore(tether: Tether) -> None:
            for record in there:
                await tether.sessions.move((record.id,), record.folder_id if record.folder_id in known else None)
                if record.pinned:
                    await tether.sessions.pin(record.id, pinned=True)

        await self._worker.submit(restore)

    def _name(self, folder_id: str) -> str:
        return next((shown_text(each.name) for each in self._model.folders if each.id == folder_id), "")

    async def _move_now(self, ids: tuple[str, ...], folder_id: str) -> None:
        await self._worker.submit(lambda tether: tether.sessions.move(ids, folder_id or None))
        if folder_id:
            await self._unpin(ids)

    async def _unpin(self, ids: tuple[str, ...]) -> None:
        """Pinned chats stand before all folders, so one that is put into a folder would not be seen there."""
        pinned = [each for each in ids if (record := self._model.session(each)) is not None and record.pinned]

        async def unpin(tether: Tether) -> None:
            for each in pinned:
                await tether.sessions.pin(each, pinned=False)

        if pinned:
            await self._worker.submit(unpin)

    async def _move_to_new_now(self, ids: tuple[str, ...]) -> None:
        name = self.tr("New folder")
        folder: FolderRecord = await self._worker.submit(lambda tether: tether.library.create_folder(name))
        if ids:
            await self._move_now(ids, folder.id)
        await self._read()
        self._sidebar.show_chats()
        self._sidebar.view.edit_folder(folder.id)

    async def _rename_now(self, folder_id: str, name: str) -> None:
        await self._worker.submit(lambda tether: tether.library.rename_folder(folder_id, name))

    async def _delete_now(self, folder_id: str) -> None:
        folder = next((each for each in self._model.folders if each.id == folder_id), None)
        inside = self._model.inside(folder_id)
        await self._worker.submit(lambda tether: tether.library.delete_folder(folder_id))
        if folder is None:
            return
        text = self.tr("Deleted the folder “{name}”; its chats stay.").format(name=shown_text(folder.name))
        self.done.emit(text, lambda: self._bring_back(folder.name, inside))

    async def _bring_back(self, name: str, ids: tuple[str, ...]) -> None:
        folder = await self._worker.submit(lambda tether: tether.library.create_folder(name))
        there = tuple(each for each in ids if self._model.session(each) is not None)
        if there:
            await self._worker.submit(lambda tether: tether.sessions.move(there, folder.id))
