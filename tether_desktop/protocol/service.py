"""SessionService: the one session API; the window, the HTTP port and the CLI are all its clients."""

from __future__ import annotations

import asyncio
import builtins
from functools import partial
from weakref import WeakValueDictionary

from tether_desktop.context.records import MessageRecord, SessionRecord
from tether_desktop.context.store import Store
from tether_desktop.errors import SessionBusy, TetherError
from tether_desktop.messages import Message, text_message
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import Constraint, SamplingParams
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.approvals import Approvals
from tether_desktop.protocol.planner import Ask, TurnPlanner, Wanted
from tether_desktop.protocol.tool_use import AS_SET, ApprovalAnswer, ToolUse
from tether_desktop.protocol.turn import Turn
from tether_desktop.protocol.window import Cut
from tether_desktop.settings import Settings
from tether_desktop.tools.toolbox import Toolbox


class SessionService:
    """Sessions, and the turns that run in them.

    Everything a caller asks for is checked before anything is stored or streamed; all methods raise
    TetherErrors.

    Attributes:
        settings: read at the start of every turn; may be replaced.
    """

    def __init__(self, store: Store, pool: EnginePool, catalog: Catalog, toolbox: Toolbox, settings: Settings) -> None:
        self.settings = settings
        self._toolbox = toolbox
        self._approvals = Approvals(store)
        self._store = store
        self._pool = pool
        self._planner = TurnPlanner(store, catalog)
        self._turns: dict[str, Turn] = {}
        self._starts: set[asyncio.Task[Turn]] = set()
        self._cuts: dict[str, Cut | None] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create(self, title: str = "", model: str = "") -> SessionRecord:
        """Begin a conversation."""
        return await asyncio.to_thread(self._store.create_session, _storable(title), model)

    async def list(self, *, deleted: bool = False) -> builtins.list[SessionRecord]:
        """The sessions in the list, or those in the bin; the last active first."""
        return await asyncio.to_thread(self._store.list_sessions, deleted=deleted)

    async def get(self, session_id: str) -> SessionRecord:
        """One session."""
        return await asyncio.to_thread(self._store.get_session, session_id)

    async def rename(self, session_id: str, title: str) -> SessionRecord:
        """Give a session another title; an empty one lets the next turn choose."""
        async with self._exclusive(session_id):
            return await asyncio.to_thread(self._store.rename_session, session_id, _storable(title).strip())

    async def delete(self, session_id: str) -> None:
        """Move a session to the bin, ending its turn."""
        async with self._exclusive(session_id):
            await self._end_turn(session_id)
            await asyncio.to_thread(self._store.delete_session, session_id)

    async def restore(self, session_id: str) -> SessionRecord:
        """Bring a session back from the bin."""
        return await asyncio.to_thread(self._store.restore_session, session_id)

    async def erase(self, session_id: str) -> None:
        """Remove a session for good, ending its turn."""
        async with self._exclusive(session_id):
            await self._end_turn(session_id)
            await asyncio.to_thread(self._store.erase_session, session_id)
        self._cuts.pop(session_id, None)
        self._approvals.forget(session_id)

    async def history(self, session_id: str) -> builtins.list[MessageRecord]:
        """The branch of messages that is shown, oldest first."""
        return await asyncio.to_thread(self._store.history, session_id)

    async def select_version(self, session_id: str, message_id: str) -> builtins.list[MessageRecord]:
        """Show another version of a message; the new history.

        Raises:
            SessionBusy: it is still answering.
        """
        async with self._exclusive(session_id):
            self._check_idle(session_id)
            return await asyncio.to_thread(self._store.select_version, session_id, message_id)

    async def siblings(self, session_id: str, message_id: str) -> builtins.list[MessageRecord]:
        """All versions of a message, oldest first."""
        return await asyncio.to_thread(self._store.siblings, session_id, message_id)

    async def send(
        self,
        session_id: str,
        text: str,
        *,
        model: str | None = None,
        params: SamplingParams | None = None,
        tool_use: ToolUse = AS_SET,
        reply_format: Constraint | None = None,
    ) -> Turn:
        """Ask something at the end of the branch that is shown.

        Args:
            session_id: where to ask.
            text: the question.
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
        question = _question(text)
        wanted = Wanted(model, params, tool_use, reply_format)
        return await self._start(session_id, partial(self._planner.ask, question), wanted)

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
        return await self._start(session_id, partial(self._planner.ask_again, message_id), wanted)

    async def edit(
        self,
        session_id: str,
        message_id: str,
        text: str,
        *,
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
        question = _question(text)
        wanted = Wanted(model, params, tool_use, reply_format)
        return await self._start(session_id, partial(self._planner.ask_instead, message_id, question), wanted)

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
        async with self._exclusive(session_id):
            return await self._end_turn(session_id)

    def running(self, session_id: str) -> Turn | None:
        """The session's turn, while it has one."""
        return self._turns.get(session_id)

    async def close(self) -> None:
        """Stop every turn and wait until all that was said is stored."""
        await asyncio.gather(*self._starts, return_exceptions=True)
        await asyncio.gather(*(turn.cancel() for turn in self._turns.values()))

    async def _start(self, session_id: str, ask: Ask, wanted: Wanted) -> Turn:
        """Start a turn; once it is being stored, a caller that goes away does not stop it."""
        start = asyncio.create_task(self._plan_and_run(session_id, ask, wanted))
        self._starts.add(start)
        start.add_done_callback(self._starts.discard)
        return await asyncio.shield(start)

    async def _plan_and_run(self, session_id: str, ask: Ask, wanted: Wanted) -> Turn:
        async with self._exclusive(session_id):
            self._check_idle(session_id)
            tools = self._toolbox.offered()
            plan = await asyncio.to_thread(self._planner.plan, session_id, ask, wanted, self.settings, tools)
            turn = Turn(
                plan,
                self._store,
                self._pool,
                self._approvals,
                permission=self._toolbox.permission,
                cuts=self._cuts,
                on_end=self._forget,
            )
            self._turns[session_id] = turn
            return turn

    def _exclusive(self, session_id: str) -> asyncio.Lock:
        """Held while a turn is being started, and by what must not come in between."""
        return self._locks.setdefault(session_id, asyncio.Lock())

    def _check_idle(self, session_id: str) -> None:
        if session_id in self._turns:
            raise SessionBusy(
                "Still answering",
                "This conversation is still answering the last question.",
                "Wait for the reply, or stop it.",
            )

    async def _end_turn(self, session_id: str) -> bool:
        turn = self._turns.get(session_id)
        if turn is not None:
            await turn.cancel()
        return turn is not None

    def _forget(self, turn: Turn) -> None:
        del self._turns[turn.session_id]


def _question(text: str) -> Message:
    if not text.strip():
        raise TetherError("Nothing to send", "The message is empty.", "Write something first.")
    return text_message("user", _storable(text))


def _storable(text: str) -> str:
    """Text that can be encoded: pasted halves of surrogate pairs are joined, or replaced when alone."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
