"""What a person does with chats, by way of the worker, and what other clients do with them meanwhile."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.context.records import SessionRecord
from tether_desktop.errors import SessionBusy
from tether_desktop.events import Event
from tether_desktop.messages import Attachment, ToolChoice
from tether_desktop.protocol.tool_use import ApprovalAnswer
from tether_desktop.ui.chat.code_files import write_text
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.chat.unopened_turn import UnopenedTurn
from tether_desktop.ui.composer.tool_mode import tool_use
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.session_news import ReadChat, SessionsNews
from tether_desktop.ui.worker.started_turn import StartedTurn
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.protocol.service import SessionService
    from tether_desktop.protocol.turn import Turn

KEPT_CONVERSATIONS = 8
"""Idle conversations kept in memory, so that going back and forth is instant."""


class Chats(QObject):
    """Holds the conversations that are open or answering, and brings each its events, whoever has asked.

    Signals:
        created(SessionRecord): a new chat was stored, because its first question was sent.
        dropped(session_id): a new chat was taken back, because its first question could not be sent.
        busy_changed(session_id, bool): an answer began or ended.
        waiting_changed(session_id, bool): a tool call waits for permission, or none does any more.
        titled(session_id, title): a chat got its name.
    """

    created = Signal(object)
    dropped = Signal(str)
    busy_changed = Signal(str, bool)
    waiting_changed = Signal(str, bool)
    titled = Signal(str, str)

    def __init__(self, worker: EngineWorker, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._tasks = tasks
        self._conversations: OrderedDict[str, Conversation] = OrderedDict()
        self._unopened: dict[str, UnopenedTurn] = {}
        self._outdated: set[str] = set()
        worker.sessions_changed.connect(self._on_sessions_changed)
        worker.chat_read.connect(self._on_chat_read)
        worker.turn_started.connect(self._on_turn_started)
        worker.events_ready.connect(self._on_events)

    @property
    def answering(self) -> int:
        """How many answers are being written, in chats that are open or not."""
        return sum(conversation.busy for conversation in self._conversations.values()) + len(self._unopened)

    @property
    def queued(self) -> int:
        """How many questions are going to be asked by themselves, one after the other."""
        queues = (conversation.writing.queue for conversation in self._conversations.values())
        return sum(len(queue.waiting) for queue in queues if not queue.held)

    def new(self, *, temporary: bool = False) -> Conversation:
        """An empty conversation that the store does not know yet, or never will."""
        conversation = self._watch(Conversation())
        conversation.temporary = temporary
        return conversation

    async def open(self, session_id: str, message_id: str = "") -> Conversation | None:
        """The conversation of a session, from memory or from the store; None when it was just deleted.

        Args:
            session_id: of which session.
            message_id: a message that is to be shown, although another version may be.

        Raises:
            SessionBusy: another version is shown, and it is still answering.
        """
        if session_id not in self._conversations:
            await self._worker.read_chat(session_id)
        kept = self._conversations.get(session_id)
        if message_id and kept is not None and not kept.view_id(message_id):
            await self._worker.submit(lambda tether: tether.sessions.select_version(session_id, message_id))
            await self._worker.read_chat(session_id)
        if session_id in self._conversations:
            self._conversations.move_to_end(session_id)
        return self._conversations.get(session_id)

    async def send(
        self,
        conversation: Conversation,
        text: str,
        model: str,
        demanded: ToolChoice | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> None:
        """Ask; the question is shown before anything is stored.

        Args:
            conversation: where to ask.
            text: the question.
            model: who answers.
            demanded: a tool call that this question demands.
            attachments: the files that go with it.

        Raises:
            TetherError: the question could not be stored or the model not be used; nothing is shown of it.
        """
        use = tool_use(conversation.tool_mode, demanded)
        conversation.begin_send(text, model, attachments)
        new = not conversation.session_id
        try:
            if new:
                await self._create(conversation, model)
            await self._start(
                conversation,
                lambda tether: service(tether, conversation).send(
                    conversation.session_id, text, attachments=attachments, model=model or None, tool_use=use
                ),
            )
        except BaseException:  # a cancelled start is none as well; nothing may look busy for ever
            conversation.abandon()
            if new and conversation.session_id:
                await self._drop(conversation)
            raise

    async def regenerate(self, conversation: Conversation, view_id: str, model: str) -> None:
        """Ask for another version of a reply."""
        message_id = conversation.message_id(view_id)
        if not message_id or conversation.busy:
            return
        use = tool_use(conversation.tool_mode)
        conversation.begin_regenerate(view_id, model)
        await self._start_or_abandon(
            conversation,
            lambda tether: service(tether, conversation).regenerate(
                conversation.session_id, message_id, model=model or None, tool_use=use
            ),
        )

    async def edit(self, conversation: Conversation, view_id: str, text: str, model: str) -> None:
        """Ask another question, with the same files, in the place of one that was asked.

        Raises:
            TetherError: an answer is being written there, or none could be begun; nothing is changed.
        """
        message_id, asked = conversation.message_id(view_id), conversation.view(view_id)
        if not message_id or asked is None or conversation.busy:
            raise SessionBusy(
                self.tr("Still answering"),
                self.tr("The changed question was not sent: an answer is being written in this chat."),
                self.tr("Send it when the answer is there, or stop that."),
            )
        use, files = tool_use(conversation.tool_mode), asked.attachments
        conversation.begin_edit(view_id, text, model, files)
        await self._start_or_abandon(
            conversation,
            lambda tether: service(tether, conversation).edit(
                conversation.session_id, message_id, text, attachments=files, model=model or None, tool_use=use
            ),
        )

    async def go_on(self, conversation: Conversation, view_id: str, model: str = "") -> None:
        """Let the newest reply, which ended too early, go on; an empty ``model`` is the one that began it."""
        message_id = conversation.message_id(view_id)
        newest = conversation.views[-1].id if conversation.views else ""
        if not message_id or conversation.busy or view_id != newest:
            return
        use = tool_use(conversation.tool_mode)
        conversation.begin_continue(view_id, model)
        await self._start_or_abandon(
            conversation,
            lambda tether: service(tether, conversation).continue_reply(
                conversation.session_id, message_id, model=model or None, tool_use=use
            ),
        )

    async def branch(self, conversation: Conversation, view_id: str) -> SessionRecord | None:
        """Begin another chat with a copy of the messages up to one; None when that one is not stored yet."""
        session_id, message_id = conversation.session_id, conversation.message_id(view_id)
        if not message_id or conversation.temporary:
            return None
        made: SessionRecord = await self._worker.submit(lambda tether: tether.sessions.branch(session_id, message_id))
        return made

    async def save(self, path: Path, text: str) -> None:
        """Write a text into a file, away from the GUI thread.

        Raises:
            FileNotSaved: it could not be written; what was there before is as it was.
        """

        async def write(_tether: Tether) -> None:
            import asyncio  # not at the top: the first frame of the window must not wait for it

            await asyncio.to_thread(write_text, path, text)

        await self._worker.submit(write)

    async def answer(self, conversation: Conversation, call_id: str, answer: ApprovalAnswer) -> None:
        """Answer for a tool call that waits for permission.

        Raises:
            TetherError: the answer could not be kept; the call goes on waiting.
        """
        session_id = conversation.session_id
        conversation.mark_call(call_id, "answered")
        try:
            await self._worker.submit(lambda tether: service(tether, conversation).answer(session_id, call_id, answer))
        except BaseException:  # whatever went wrong, the question must be there to be answered again
            conversation.mark_call(call_id, "waiting")
            raise

    async def stop(self, conversation: Conversation) -> None:
        """Stop the answer; what was said so far stays."""
        if not conversation.busy:
            return
        conversation.stop_requested = True
        session_id = conversation.session_id
        if session_id:
            await self._worker.submit(lambda tether: service(tether, conversation).cancel(session_id))

    async def select_version(self, conversation: Conversation, view_id: str, version: int) -> None:
        """Show another version of a message, which is read when the news of it comes; ``version`` counts from 1."""
        session_id, message_id = conversation.session_id, conversation.message_id(view_id)
        if not message_id or conversation.busy:
            return
        siblings = await self._worker.submit(
            lambda tether: service(tether, conversation).siblings(session_id, message_id)
        )
        if 1 <= version <= len(siblings):
            chosen = siblings[version - 1].id
            await self._worker.submit(lambda tether: service(tether, conversation).select_version(session_id, chosen))

    def forget(self, session_id: str) -> None:
        """Drop a conversation from memory, because its session was deleted; what it answered is over."""
        forgotten = self._conversations.pop(session_id, None)
        self._outdated.discard(session_id)
        if forgotten is not None and forgotten.waiting:
            self.waiting_changed.emit(session_id, False)
        if forgotten is not None and forgotten.busy:
            self.busy_changed.emit(session_id, False)

    async def _create(self, conversation: Conversation, model: str) -> None:
        record: SessionRecord = await self._worker.submit(
            lambda tether: service(tether, conversation).create(model=model)
        )
        conversation.session_id = record.id
        if conversation.persona or conversation.overrides:
            overrides, persona = conversation.overrides, conversation.persona
            record = await self._worker.submit(
                lambda tether: service(tether, conversation).configure(record.id, overrides, persona)
            )
        self._keep(conversation)
        if not conversation.temporary:
            self.created.emit(record)
        self.busy_changed.emit(record.id, conversation.busy)

    async def _drop(self, conversation: Conversation) -> None:
        session_id, conversation.session_id = conversation.session_id, ""
        self._conversations.pop(session_id, None)
        if not conversation.temporary:
            self.dropped.emit(session_id)
        await self._worker.submit(lambda tether: service(tether, conversation).erase(session_id))

    async def _start_or_abandon(self, conversation: Conversation, start: Callable[[Tether], Awaitable[Turn]]) -> None:
        try:
            await self._start(conversation, start)
        except BaseException:  # a cancelled start is none as well; nothing may look busy for ever
            conversation.abandon()
            raise

    async def _start(self, conversation: Conversation, start: Callable[[Tether], Awaitable[Turn]]) -> None:
        self._keep(conversation)  # its events must find it
        try:
            turn = await self._worker.run_turn(start)
        finally:
            self._catch_up(conversation.session_id)
        if conversation.stop_requested:  # pressed before there was a turn to stop
            await self._worker.submit(lambda tether: service(tether, conversation).cancel(turn.session_id))

    def _watch(self, conversation: Conversation) -> Conversation:
        conversation.busy_changed.connect(self._on_busy_changed)
        conversation.waiting_changed.connect(self._on_waiting_changed)
        conversation.titled.connect(self._on_titled)
        return conversation

    def _keep(self, conversation: Conversation) -> None:
        self._conversations[conversation.session_id] = conversation
        self._conversations.move_to_end(conversation.session_id)
        idle = [key for key, kept in self._conversations.items() if not kept.holds_something]
        for key in idle[: max(0, len(idle) - KEPT_CONVERSATIONS)]:
            del self._conversations[key]

    def _catch_up(self, session_id: str) -> None:
        """Read again what another client has changed while a question was on its way."""
        if session_id in self._outdated:
            self._outdated.discard(session_id)
            self._read_again(session_id)

    def _read_again(self, session_id: str) -> None:
        kept = self._conversations.get(session_id)
        temporary = kept is not None and kept.temporary

        async def read() -> None:
            await self._worker.read_chat(session_id, temporary=temporary)

        self._tasks.start(read())

    @Slot(object)
    def _on_sessions_changed(self, news: SessionsNews) -> None:
        for session_id in news.branched:
            if session_id in self._conversations:
                self._read_again(session_id)

    @Slot(object)
    def _on_chat_read(self, read: ReadChat) -> None:
        conversation = self._conversations.get(read.session_id)
        if conversation is None:
            conversation = self._watch(Conversation(read.session_id))
        if conversation.pending:  # what is on its way must not be lost
            self._outdated.add(read.session_id)
            return
        self._unopened.pop(read.session_id, None)
        conversation.load(read.records, read.turn)
        self._keep(conversation)
        self.busy_changed.emit(read.session_id, conversation.busy)
        self.waiting_changed.emit(read.session_id, conversation.waiting)

    @Slot(object)
    def _on_turn_started(self, turn: StartedTurn) -> None:
        conversation = self._conversations.get(turn.session_id)
        if conversation is None:
            self._unopened[turn.session_id] = UnopenedTurn()
            self.busy_changed.emit(turn.session_id, True)
        elif conversation.pending:
            if turn.asked_here:
                conversation.turn_started(turn)
            else:
                self._outdated.add(turn.session_id)
        elif conversation.continues(turn):
            conversation.follow(turn)
        else:
            self._read_again(turn.session_id)

    @Slot(str, str, object)
    def _on_events(self, session_id: str, reply_id: str, events: list[Event]) -> None:
        conversation = self._conversations.get(session_id)
        if conversation is not None:
            conversation.apply(reply_id, events)
        elif session_id in self._unopened:
            self._glance(session_id, self._unopened[session_id], events)

    def _glance(self, session_id: str, turn: UnopenedTurn, events: list[Event]) -> None:
        """Tell what the list shows of a chat that is not open."""
        waited = turn.waiting
        turn.apply(events)
        if turn.title:
            self.titled.emit(session_id, turn.title)
            turn.title = ""
        if turn.waiting != waited:
            self.waiting_changed.emit(session_id, turn.waiting)
        if turn.ended:
            del self._unopened[session_id]
            self.busy_changed.emit(session_id, False)

    @Slot(bool)
    def _on_busy_changed(self, busy: bool) -> None:
        conversation = self.sender()
        if isinstance(conversation, Conversation) and conversation.session_id:
            self.busy_changed.emit(conversation.session_id, busy)

    @Slot(bool)
    def _on_waiting_changed(self, waiting: bool) -> None:
        conversation = self.sender()
        if isinstance(conversation, Conversation):
            self.waiting_changed.emit(conversation.session_id, waiting)

    @Slot(str)
    def _on_titled(self, title: str) -> None:
        conversation = self.sender()
        if isinstance(conversation, Conversation):
            self.titled.emit(conversation.session_id, title)


def service(tether: Tether, conversation: Conversation) -> SessionService:
    """Where a conversation is kept: with all others, or with those that are never stored."""
    return tether.temporary if conversation.temporary else tether.sessions
