"""The program as commands see it, run in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tether_desktop.app import Tether
from tether_desktop.cli.backends.backend import ModelRow, OnProgress, Question, ToolAnswer, ToolRow
from tether_desktop.cli.tool_calls import call_by_hand, tool_row
from tether_desktop.model.pool.slot import ModelState
from tether_desktop.protocol.tool_use import ApprovalAnswer

if TYPE_CHECKING:
    from tether_desktop.model.discovery.entry import ModelEntry
    from tether_desktop.protocol.service import SessionService
    from tether_desktop.protocol.turn import Turn


class OwnBackend:
    """A Tether of this process's own, which has started."""

    def __init__(self, tether: Tether) -> None:
        self._tether = tether

    @property
    def sessions(self) -> SessionService:
        """The conversations."""
        return self._tether.sessions

    async def ask(self, session_id: str, question: Question) -> Turn:
        """Ask in a session; raises as ``SessionService.send`` and ``regenerate``."""
        sessions, model, use, form = self.sessions, question.model, question.tool_use, question.reply_format
        if use.choice is None or use.choice.mode != "none":
            # A window fills its list of tools as they come; a question that is asked at once must not miss them.
            await self._tether.tools.settled()
        if question.regenerate:
            return await sessions.regenerate(
                session_id, question.regenerate, model=model, tool_use=use, reply_format=form
            )
        return await sessions.send(session_id, question.text, model=model, tool_use=use, reply_format=form)

    async def answer(self, session_id: str, call_id: str, answer: ApprovalAnswer) -> bool:
        """Answer for a call that waits; False where it does not wait any more."""
        return await self.sessions.answer(session_id, call_id, answer)

    async def models(self) -> Sequence[ModelRow]:
        """All models and what is loaded."""
        entries = await asyncio.to_thread(self._tether.catalog.list)
        states = self._tether.pool.states()
        return [_row(entry, states.get(entry.name, ModelState())) for entry in entries]

    async def load(self, name: str, on_progress: OnProgress) -> None:
        """Load a model; raises ModelErrors and EngineErrors."""
        await self._tether.pool.load(name, on_progress)

    async def unload(self, name: str) -> bool:
        """Unload a model; False where it was not loaded."""
        state = self._tether.pool.states().get(name, ModelState())
        await self._tether.pool.unload(name)
        return state.state not in {"unloaded", "failed"}

    async def tools(self) -> tuple[Sequence[ToolRow], Sequence[str]]:
        """All tools, and in sentences what keeps others from being there."""
        await self._tether.tools.settled()
        box = self._tether.toolbox
        return [tool_row(entry) for entry in box.entries()], box.problems()

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Call a tool without a model."""
        return await call_by_hand(self._tether.tools, name, arguments, self._tether.settings.tool_timeout)

    async def close(self) -> None:
        """End the program."""
        await self._tether.close()


def _row(entry: ModelEntry, state: ModelState) -> ModelRow:
    window = state.info.context_window if state.info else entry.context_window
    device, memory = (state.info.device, state.info.memory_bytes) if state.info else ("", 0)
    return ModelRow(entry.name, entry.usable, entry.reason, state.state, device, memory, window)
