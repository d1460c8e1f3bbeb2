"""Calls that wait for a person, and what persons have said about a tool in a chat."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tether_desktop.context.records import ToolRule
from tether_desktop.context.store import Store
from tether_desktop.protocol.tool_use import ApprovalAnswer

_RULES: dict[ApprovalAnswer, ToolRule] = {"always": "always", "never": "never"}


@dataclass(frozen=True, slots=True)
class _Waiting:
    session_id: str
    tool: str
    allowed: asyncio.Future[bool]


class Approvals:
    """Asks and answers for all turns; all of it belongs to one asyncio loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._deciding: set[tuple[str, str]] = set()
        self._rules: dict[str, dict[str, ToolRule]] = {}

    async def rule(self, session_id: str, tool: str) -> ToolRule | None:
        """What was said about the calls of a tool in a session, if anything."""
        if session_id not in self._rules:
            stored = await asyncio.to_thread(self._store.tool_rules, session_id)
            # An answer that was given meanwhile is newer.
            self._rules.setdefault(session_id, stored)
        return self._rules[session_id].get(tool)

    def forget(self, session_id: str) -> None:
        """Drop what is remembered of a session that is gone."""
        self._rules.pop(session_id, None)

    async def wait(self, session_id: str, call_id: str, tool: str) -> bool:
        """Wait until somebody answers for a call; whether it may run."""
        allowed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[session_id, call_id] = _Waiting(session_id, tool, allowed)
        try:
            return await allowed
        finally:
            del self._waiting[session_id, call_id]

    async def answer(self, session_id: str, call_id: str, answer: ApprovalAnswer) -> bool:
        """Answer for a call, and where that is meant, for all others of the tool in this chat.

        Returns:
            False when no such call waits: it was answered already, or its turn is over.

        Raises:
            StoreError: what holds for the whole chat cannot be kept; the call goes on waiting.
        """
        key = (session_id, call_id)
        call = self._waiting.get(key)
        if call is None or call.allowed.done() or key in self._deciding:
            return False
        rule = _RULES.get(answer)
        if rule is None:
            call.allowed.set_result(answer == "once")
            return True
        self._deciding.add(key)
        try:
            await asyncio.to_thread(self._store.set_tool_rule, session_id, call.tool, rule)
        finally:
            self._deciding.discard(key)
        self._settle(session_id, call.tool, rule)
        return True

    def _settle(self, session_id: str, tool: str, rule: ToolRule) -> None:
        """Keep a rule in mind, and answer for all calls of the tool that wait in the session."""
        # The session may have been erased meanwhile.
        if (rules := self._rules.get(session_id)) is not None:
            rules[tool] = rule
        for each in self._waiting.values():
            if (each.session_id, each.tool) == (session_id, tool) and not each.allowed.done():
                each.allowed.set_result(rule == "always")
