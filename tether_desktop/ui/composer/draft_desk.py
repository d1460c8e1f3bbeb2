"""Keeps what is written in every chat, so that neither switching nor closing nor a kill loses more than a moment."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from tether_desktop.context.records import Draft
from tether_desktop.errors import SessionNotFound, TetherError
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.ui.chat.chat_desk import ChatDesk
    from tether_desktop.ui.chat.conversation import Conversation
    from tether_desktop.ui.composer.composer import Composer

logger = logging.getLogger(__name__)

SAVE_AFTER_MS = 500
"""What was typed this long ago is on its way to the store, also while somebody goes on typing."""


class DraftDesk(QObject):
    """Reads the draft of a chat when it is first shown, and saves what becomes of it.

    Signals:
        saved(session_id, bool): a chat has a draft in the store, or has none any more.
        failed(TetherError): drafts cannot be saved; told once, until one could be saved again.
    """

    saved = Signal(str, bool)
    failed = Signal(object)

    def __init__(self, worker: EngineWorker, tasks: Tasks, desk: ChatDesk, composer: Composer) -> None:
        super().__init__(desk)
        self._worker = worker
        self._tasks = tasks
        self._desk = desk
        self._composer = composer
        self._known: WeakSet[Conversation] = WeakSet()
        self._reading: WeakSet[Conversation] = WeakSet()
        self._saved: WeakKeyDictionary[Conversation, tuple[str, Draft]] = WeakKeyDictionary()
        self._dirty: dict[Conversation, None] = {}
        self._saving: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._told = False
        self._timer = QTimer(self, singleShot=True, interval=SAVE_AFTER_MS)
        self._timer.timeout.connect(self.save)
        composer.edited.connect(self._on_edited)
        desk.shown.connect(self._on_shown)

    @Slot()
    def begin(self) -> None:
        """Read the draft of the chat that is shown first."""
        self._on_shown()

    @Slot()
    def save(self) -> None:
        """Save all that has changed."""
        self._timer.stop()
        if self._saving is not None and not self._saving.done():
            self._timer.start()
        elif self._dirty:
            self._saving = self._tasks.start(self._save_all())

    async def save_now(self) -> None:
        """Save all that has changed, and wait for it."""
        self._timer.stop()
        if not self._desk.conversation.temporary:
            self._dirty.setdefault(self._desk.conversation)
        await self._save_all()

    @Slot()
    def _on_edited(self) -> None:
        self._mark(self._desk.conversation)

    @Slot()
    def _on_shown(self) -> None:
        self.save()  # at once, what was written in the chat that was shown until now
        conversation = self._desk.conversation
        if conversation in self._known or conversation.temporary:
            return
        first = not self._known
        self._known.add(conversation)
        conversation.writing.changed.connect(self._on_changed)
        if conversation.session_id or first:
            self._reading.add(conversation)
            self._tasks.start(self._read(conversation))

    @Slot()
    def _on_changed(self) -> None:
        writing = self.sender()
        for conversation in self._known:
            if conversation.writing is writing:
                self._mark(conversation)

    def _mark(self, conversation: Conversation) -> None:
        if not conversation.temporary:
            self._dirty.setdefault(conversation)
            if not self._timer.isActive():
                self._timer.start()

    async def _read(self, conversation: Conversation) -> None:
        session_id = conversation.session_id
        try:
            draft: Draft = await self._worker.submit(lambda tether: tether.library.draft(session_id))
        finally:
            self._reading.discard(conversation)
            self._timer.start()  # what was typed meanwhile waits for this
        self._saved[conversation] = (session_id, draft)
        if draft:
            shown = conversation is self._desk.conversation
            if shown:
                self._composer.keep()
            conversation.writing.restore(draft)
            if shown:
                self._composer.show_text()

    async def _save_all(self) -> None:
        async with self._turn:
            self._composer.keep()
            # What is in the store of one that was not read yet must not be written over.
            due = [each for each in self._dirty if each in self._known and each not in self._reading]
            for conversation in due:
                del self._dirty[conversation]
                await self._save(conversation)

    async def _save(self, conversation: Conversation) -> None:
        session_id, draft = conversation.session_id, conversation.writing.draft
        was_id, was = self._saved.get(conversation, (session_id, Draft()))
        if conversation.temporary or (session_id, draft) == (was_id, was):
            return
        try:
            if was and was_id != session_id:  # the chat got its place in the store meanwhile
                await self._worker.submit(lambda tether: tether.library.save_draft(was_id, Draft()))
            if draft or was_id == session_id:
                await self._worker.submit(lambda tether: tether.library.save_draft(session_id, draft))
        except SessionNotFound:
            logger.info("The chat of a draft was erased")
        except TetherError as error:
            self._dirty.setdefault(conversation)  # it is tried again with the next one
            self._tell(error)
            return
        self._saved[conversation] = (session_id, draft)
        self._told = False
        self.saved.emit(session_id, bool(draft))

    def _tell(self, error: TetherError) -> None:
        if not self._told:
            self._told = True
            what = self.tr("What you type is kept only while Tether runs: {why}").format(why=error.message)
            self.failed.emit(TetherError(self.tr("The draft was not saved"), what, error.hint))
