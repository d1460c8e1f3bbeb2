"""SessionService: the one session API; the window, the HTTP port and the CLI are all its clients."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from tether_desktop.context.files.exports import markdown_of, write_export
from tether_desktop.context.files.imports import ImportReport, import_file
from tether_desktop.context.records import Conversation, MessageRecord, SearchHit, SessionRecord
from tether_desktop.context.store import Store
from tether_desktop.messages import Attachment
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import Constraint, SamplingParams
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.approvals import Approvals
from tether_desktop.protocol.erasing import Eraser
from tether_desktop.protocol.news import BranchChanged, NewsDesk, OnNews, SessionChanged, SessionGone, TurnStarted
from tether_desktop.protocol.planner import TurnPlan, TurnPlanner, Wanted, settings_in
from tether_desktop.protocol.question import question_of, storable
from tether_desktop.protocol.titling import TitleWriter
from tether_desktop.protocol.token_counts import TokenCounts
from tether_desktop.protocol.tool_use import AS_SET, ApprovalAnswer, ToolUse
from tether_desktop.protocol.turn import Turn
from tether_desktop.protocol.turn_desk import TurnDesk
from tether_desktop.settings import Settings, checked_overrides
from tether_desktop.tools.toolbox import Toolbox

_Plan = Callable[..., TurnPlan]


class SessionService:
    """Sessions, and the turns that run in them.

    Everything a caller asks for is checked before anything is stored or streamed; all methods raise
    TetherErrors.

    Attributes:
        settings: read at the start of every turn; may be replaced.
    """

    def __init__(
        self,
        store: Store,
        pool: EnginePool,
        catalog: Catalog,
        toolbox: Toolbox,
        settings: Settings,
        *,
        finds_titles: bool = True,
    ) -> None:
        """Prepare.

        Args:
            store: where sessions are kept.
            pool: lends the engines.
            catalog: the models there are.
            toolbox: the tools there are.
            settings: read at the start of every turn.
            finds_titles: whether models may name sessions, where the settings say so too.
        """
        self.settings = settings
        self._toolbox = toolbox
        self._approvals = Approvals(store)
        self._store = store
        self._pool = pool
        self._planner = TurnPlanner(store, catalog)
        self._news = NewsDesk()
        self._counts = TokenCounts(store, pool, catalog)
        self._turns = TurnDesk(
            store, pool, self._approvals, toolbox, on_start=self._tell_of_start, on_end=self._tell_of_end
        )
        self._eraser = Eraser(store, self._turns, self._news)
        self._titles = TitleWriter(store, pool, exclusive=self._turns.exclusive, told=self._changed)
        self._finds_titles = finds_titles

    def subscribe(self, listener: OnNews) -> Callable[[], None]:
        """Call ``listener``, in the loop, with all that becomes of sessions; returns how to stop that."""
        return self._news.subscribe(listener)

    async def create(self, title: str = "", model: str = "") -> SessionRecord:
        """Begin a conversation."""
        return self._changed(await asyncio.to_thread(self._store.create_session, storable(title), model))

    async def list(
        self,
        *,
        deleted: bool = False,
        pinned: bool | None = None,
        archived: bool | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> builtins.list[SessionRecord]:
        """The sessions in the list, or those in the bin; the last active first.

        Args:
            deleted: those in the bin.
            pinned: only those that are, or are not.
            archived: only those that are, or are not.
            limit: how many at most.
            offset: how many are passed over.
        """
        listed = partial(self._store.list_sessions, deleted=deleted, pinned=pinned, archived=archived)
        return await asyncio.to_thread(partial(listed, limit=limit, offset=offset))

    async def find(self, beginning: str) -> SessionRecord:
        """The session, in the list or the bin, whose id begins so.

        Raises:
            SessionNotFound: there is none, or there are several.
        """
        return await asyncio.to_thread(self._store.find_session, beginning)

    async def get(self, session_id: str) -> SessionRecord:
        """One session."""
        return await asyncio.to_thread(self._store.get_session, session_id)

    async def rename(self, session_id: str, title: str) -> SessionRecord:
        """Give a session another title; an empty one lets the next turn choose."""
        async with self._turns.exclusive(session_id):
            named = await asyncio.to_thread(self._store.rename_session, session_id, storable(title).strip())
            return self._changed(named)

    async def pin(self, session_id: str, *, pinned: bool) -> SessionRecord:
        """Show a session before the others, or no longer."""
        return self._changed(await asyncio.to_thread(self._store.pin_session, session_id, pinned=pinned))

    async def archive(self, session_id: str, *, archived: bool) -> SessionRecord:
        """Put a session out of the way, or back into the list."""
        return self._changed(await asyncio.to_thread(self._store.archive_session, session_id, archived=archived))

    async def mark_unread(self, session_id: str, *, unread: bool) -> SessionRecord:
        """Remember that an answer came that nobody has looked at, or that somebody has."""
        return self._changed(await asyncio.to_thread(self._store.mark_unread, session_id, unread=unread))

    async def move(self, session_ids: Sequence[str], folder_id: str | None) -> builtins.list[SessionRecord]:
        """Put sessions into a folder; None takes them out of theirs.

        Raises:
            SessionNotFound: one of them is not there; none is moved then.
            FolderNotFound: there is no such folder.
        """
        moved = await asyncio.to_thread(self._store.move_sessions, session_ids, folder_id)
        return [self._changed(session) for session in moved]

    async def configure(self, session_id: str, overrides: Mapping[str, Any], persona: str = "") -> SessionRecord:
        """Let values hold in a session in place of the settings, from the next turn on; those before are forgotten.

        Args:
            session_id: in which session.
            overrides: by the rows' names.
            persona: the name of the persona they are from.

        Raises:
            SettingsError: a value does not fit its row.
        """
        checked = checked_overrides(overrides)
        return self._changed(await asyncio.to_thread(self._store.configure_session, session_id, checked, persona))

    async def branch(self, session_id: str, message_id: str | None = None) -> SessionRecord:
        """Begin another session with a copy of the messages up to one; None copies all that is shown.

        Raises:
            MessageNotFound: the session has no such message.
        """
        return self._changed(await asyncio.to_thread(self._store.copy_branch, session_id, message_id))

    async def search(
        self, query: str, *, limit: int = 20, offset: int = 0, titles: bool = False
    ) -> builtins.list[SearchHit]:
        """The messages in which, or in whose files, all words of the query stand, but for those in the bin.

        Args:
            query: words in any order; the last may be the beginning of one.
            limit: how many at most.
            offset: how many are passed over.
            titles: whether the sessions in whose titles the words stand come before the messages.
        """
        search = self._store.search if titles else self._store.search_messages
        return await asyncio.to_thread(partial(search, query, limit, offset=offset))

    async def export(self, file: BinaryIO, session_ids: Sequence[str] | None = None) -> None:
        """Write sessions as JSON, of which :meth:`import_from` makes the same again.

        Args:
            file: where to; written to in a thread.
            session_ids: which; None is all of them, the bin included.

        Raises:
            SessionNotFound: one of them is not there.
            OSError: the file cannot be written.
        """
        await asyncio.to_thread(write_export, self._store, file, session_ids)

    async def export_markdown(self, session_id: str) -> str:
        """What is shown of a session, for people."""
        session, records = await asyncio.to_thread(self._shown, session_id)
        return markdown_of(session, records)

    async def import_from(self, file: Path) -> ImportReport:
        """Add the conversations of a file: an export of ours, or ChatGPT's; each is told of as it is added.

        Raises:
            ImportProblem: it cannot be read, or is neither; nothing is added then.
            StoreError: the database fails; what was added by then stays.
        """
        loop = asyncio.get_running_loop()

        def tell(added: SessionRecord) -> None:
            loop.call_soon_threadsafe(self._changed, added)

        return await asyncio.to_thread(import_file, self._store, file, tell)

    async def whole(self, session_id: str) -> Conversation:
        """A session with every version of every message."""
        return await asyncio.to_thread(self._store.conversation, session_id)

    async def adopt(self, conversation: Conversation) -> SessionRecord:
        """Store a conversation that another service has, under the same ids."""
        return self._changed(await asyncio.to_thread(self._store.add_conversation, conversation))

    async def delete(self, session_id: str) -> None:
        """Move a session to the bin, ending its turn."""
        async with self._turns.exclusive(session_id):
            await self._turns.end(session_id)
            await asyncio.to_thread(self._store.delete_session, session_id)
            self._news.tell(SessionGone(session_id))

    async def restore(self, session_id: str) -> SessionRecord:
        """Bring a session back from the bin."""
        return self._changed(await asyncio.to_thread(self._store.restore_session, session_id))

    async def erase(self, session_id: str) -> None:
        """Remove a session for good, ending its turn."""
        await self._eraser.erase(session_id)

    async def empty_bin(self, older_than: timedelta | None = None) -> int:
        """Remove for good what has been in the bin for longer than that, or all that is in it; how many that were."""
        return await self._eraser.empty_bin(older_than)

    async def erase_all(self) -> int:
        """Remove all sessions, folders and drafts for good, ending all turns; how many sessions that were."""
        return await self._eraser.erase_all()

    async def delete_all(self) -> int:
        """Move all sessions to the bin, ending their turns; how many that were."""
        sessions = await self.list()
        for session in sessions:
            await self.delete(session.id)
        return len(sessions)

    async def history(
        self, session_id: str, *, limit: int | None = None, before: str | None = None
    ) -> builtins.list[MessageRecord]:
        """The branch of messages that is shown, oldest first.

        Args:
            session_id: of which session.
            limit: only so many, the newest ones.
            before: only what comes before this message.

        Raises:
            MessageNotFound: the branch has no message ``before``.
        """
        return await asyncio.to_thread(partial(self._store.history, session_id, limit=limit, before=before))

    async def select_version(self, session_id: str, message_id: str) -> builtins.list[MessageRecord]:
        """Show another version of a message; the new history.

        Raises:
            SessionBusy: it is still answering.
        """
        async with self._turns.exclusive(session_id):
            self._turns.check_idle(session_id)
            history = await asyncio.to_thread(self._store.select_version, session_id, message_id)
        self._news.tell(BranchChanged(session_id))
        return history

    async def siblings(self, session_id: str, message_id: str) -> builtins.list[MessageRecord]:
        """All versions of a message, oldest first."""
        return await asyncio.to_thread(self._store.siblings, session_id, message_id)

    async def send(
        self,
        session_id: str,
        text: str,
        *,
        attachments: Sequence[Attachment] = (),
        model: str | None = None,
        params: SamplingParams | None = None,
        tool_use: ToolUse = AS_SET,
        reply_format: Constraint | None = None,
    ) -> Turn:
        """Ask something at the end of the branch that is shown.

        Args:
            session_id: where to ask.
            text: the question.
            attachments: the files that go with it.
            model: who answers; None is the session's model, else the default one, else the first usable.
            params: how to sample; None is as the settings say.
            tool_use: what it may do with tools.
            reply_format: what the reply has to be; None for free text.

        Raises:
            SessionNotFound: it does not exist, or lies in the bin.
            SessionBusy: it is still answering.
            ModelError: the model is unknown or cannot be used.
            ToolError: a tool is wanted that cannot be called.
            StoreError: the question cannot be stored.
        """
        question = question_of(text, attachments)
        wanted = Wanted(model, params, tool_use, reply_format)
        return await self._start(
            session_id, partial(self._planner.plan, ask=partial(self._planner.ask, question)), wanted
        )

    async def begin(
        self,
        text: str,
        *,
        attachments: Sequence[Attachment] = (),
        model: str | None = None,
        params: SamplingParams | None = None,
        tool_use: ToolUse = AS_SET,
        reply_format: Constraint | None = None,
    ) -> Turn:
        """Ask something in a new session, which is made only if nothing is wrong with the question.

        Raises:
            TetherError: as ``send``.
        """
        question = question_of(text, attachments)
        wanted = Wanted(model, params, tool_use, reply_format)
        plan = partial(self._planner.plan, ask=partial(self._planner.ask, question), begins=True)
        return await self._start(uuid4().hex, plan, wanted)

    async def regenerate(
        self,
        session_id: str,
        message_id: str,
        *,
        model: str | None = None,
        params: SamplingParams | None = None,
        tool_use: ToolUse = AS_SET,
        reply_format: Constraint | None = None,
    ) -> Turn:
        """Ask for another answer beside the reply ``message_id``.

        Raises:
            MessageNotFound: the session has no such reply.
            TetherError: as ``send``.
        """
        wanted = Wanted(model, params, tool_use, reply_format)
        ask = partial(self._planner.ask_again, message_id)
        return await self._start(session_id, partial(self._planner.plan, ask=ask), wanted)

    async def edit(
        self,
        session_id: str,
        message_id: str,
        text: str,
        *,
        attachments: Sequence[Attachment] = (),
        model: str | None = None,
        params: SamplingParams | None = None,
        tool_use: ToolUse = AS_SET,
        reply_format: Constraint | None = None,
    ) -> Turn:
        """Ask ``text`` instead of the question ``message_id``, beside it.

        Raises:
            MessageNotFound: the session has no such question.
            TetherError: as ``send``.
        """
        question = question_of(text, attachments)
        wanted = Wanted(model, params, tool_use, reply_format)
        ask = partial(self._planner.ask_instead, message_id, question)
        return await self._start(session_id, partial(self._planner.plan, ask=ask), wanted)

    async def continue_reply(
        self,
        session_id: str,
        message_id: str,
        *,
        model: str | None = None,
        params: SamplingParams | None = None,
        tool_use: ToolUse = AS_SET,
    ) -> Turn:
        """Go on with the last reply where it ends; what comes is added to it, and what it says stays.

        Its usage and timings become those of all its parts, as far as they are known: nothing is known of a part
        that was stopped or broke off.

        Args:
            session_id: in which session.
            message_id: the reply, however it ended.
            model: who goes on; None is the model that wrote it.
            params: how to sample; None is as the settings say.
            tool_use: what it may do with tools.

        Raises:
            MessageNotFound: the session has no such reply.
            ContinuationRefused: it is not the last message that is shown.
            TetherError: as ``send``.
        """
        wanted = Wanted(model, params, tool_use)
        return await self._start(session_id, partial(self._planner.plan_rest, message_id), wanted)

    async def answer(self, session_id: str, call_id: str, answer: ApprovalAnswer) -> bool:
        """Allow or refuse a call that waits for it (``tool_approval``).

        Returns:
            False when no such call waits: it was answered already, or its turn is over.

        Raises:
            StoreError: what holds for the whole chat cannot be kept; the call goes on waiting.
        """
        return await self._approvals.answer(session_id, call_id, answer)

    async def cancel(self, session_id: str) -> bool:
        """Stop the session's turn and wait until what was said is stored; False when there is none."""
        async with self._turns.exclusive(session_id):
            return await self._turns.end(session_id)

    def running(self, session_id: str) -> Turn | None:
        """The session's turn, while it has one."""
        return self._turns.running(session_id)

    def newest_turn(self, session_id: str) -> Turn:
        """The session's turn, or its last one for a while after its end, so that nobody misses how it ended.

        Raises:
            TurnNotFound: nothing was asked, or it was too long ago.
        """
        return self._turns.newest(session_id)

    def turns(self) -> builtins.list[Turn]:
        """All turns that run."""
        return self._turns.all()

    async def close(self) -> None:
        """Stop every turn and wait until all that was said is stored."""
        await self._turns.close()
        await self._titles.close()

    async def settings_in(self, session_id: str) -> Settings:
        """The settings with what holds in a session in their place."""
        session = await asyncio.to_thread(self._store.get_session, session_id)
        return await asyncio.to_thread(settings_in, self.settings, session.overrides)

    async def count_tokens(self, text: str, model: str, *, attachments: Sequence[Attachment] = ()) -> int | None:
        """How many tokens a question and its files would have, for somebody who is still typing.

        It may be cancelled at any time. None where the model is not loaded, for nothing is ever loaded for this, and
        where it is a server's, which gets to know of what is sent and not of what is typed.
        """
        return await self._counts.of(text, attachments, model)

    async def _start(self, session_id: str, plan: _Plan, wanted: Wanted) -> Turn:
        tools = self._toolbox.offered()
        make = partial(plan, session_id=session_id, wanted=wanted, settings=self.settings, tools=tools)
        return await self._turns.start(session_id, make)

    def _tell_of_start(self, turn: Turn) -> None:
        self._titles.give_way(turn.plan.model)
        self._changed(turn.plan.session)
        self._news.tell(TurnStarted(turn))

    def _tell_of_end(self, turn: Turn) -> None:
        if self._finds_titles:
            self._titles.begin(turn)

    def _changed(self, session: SessionRecord) -> SessionRecord:
        self._news.tell(SessionChanged(session))
        return session

    def _shown(self, session_id: str) -> tuple[SessionRecord, builtins.list[MessageRecord]]:
        return self._store.get_session(session_id), self._store.history(session_id)
