"""Runs the calls of a reply: asks where that is needed, and tells model and person what came of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any
from uuid import uuid4

from tether_desktop.events import ToolApproval, ToolEnd, ToolProgress, ToolStart
from tether_desktop.protocol.approvals import Approvals
from tether_desktop.protocol.output import TurnOutput
from tether_desktop.protocol.planner import TurnPlan
from tether_desktop.protocol.speaking import MOST_CALLS
from tether_desktop.protocol.speech import Call
from tether_desktop.protocol.stream_parser import BrokenCall, ParsedCall
from tether_desktop.protocol.tool_use import DENIED, STOPPED, UNATTENDED
from tether_desktop.tools.conversation import conversation_of, in_conversation
from tether_desktop.tools.executor import argument_problem, run_call
from tether_desktop.tools.tool import Permission, Tool

_LONGEST_NAME = 64
_LEAST_CHARACTERS, _MOST_CHARACTERS = 2_000, 32_000
"""Of an answer; between them, as many as the model's window has tokens, which leaves most of it to the rest."""


class CallRunner:
    """The calls of one turn."""

    def __init__(
        self,
        plan: TurnPlan,
        approvals: Approvals,
        out: TurnOutput,
        *,
        permission: Callable[[str], Permission],
        clock: Callable[[], float],
    ) -> None:
        """Prepare.

        Args:
            plan: of the turn.
            approvals: asks.
            out: where all of it is told.
            permission: of a tool, where nothing was said in this chat.
            clock: seconds, for how long calls run.
        """
        self._clock = clock
        self._session_id = plan.reply.session_id
        self._branch = plan.branch
        self._tools = {tool.declaration.name: tool for tool in plan.tools}
        self._may_ask = plan.tool_use.attended
        self._allowed_names = plan.tool_use.allowed
        self._timeout_s = plan.settings.tool_timeout
        self._most_characters = min(max(plan.context_window, _LEAST_CHARACTERS), _MOST_CHARACTERS)
        self._approvals = approvals
        self._out = out
        self._permission = permission

    async def run(self, calls: Sequence[Call]) -> None:
        """Run the calls of one round side by side; each of them gets an answer, whatever happens."""
        tickets = [_Ticket(call, self._out, self._clock) for call in calls]
        said = [*(record.message for record in self._branch), self._out.reply()]
        with in_conversation(conversation_of(self._session_id, said)):
            tasks = [asyncio.create_task(self._answer(ticket)) for ticket in tickets[:MOST_CALLS]]
        try:
            await asyncio.gather(*tasks)
        except BaseException:  # whatever it was, and stopping above all: every call gets its answer first
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for ticket in tickets:
                ticket.refuse(STOPPED)
            raise
        for ticket in tickets[MOST_CALLS:]:
            ticket.refuse(f"Only {MOST_CALLS} calls are run at once; this one was not.")

    def refuse(self, calls: Sequence[Call], reason: str) -> None:
        """Answer calls without running them."""
        for call in calls:
            _Ticket(call, self._out, self._clock).refuse(reason)

    async def _answer(self, ticket: _Ticket) -> None:
        call = ticket.call
        if isinstance(call, BrokenCall):
            ticket.refuse(call.problem)
            return
        tool = self._tools.get(call.name)
        if tool is None:
            ticket.refuse(self._unknown(call.name))
        elif await self._allowed(ticket, tool, call.arguments):
            await self._run(ticket, tool, call.arguments)

    async def _allowed(self, ticket: _Ticket, tool: Tool, arguments: dict[str, Any]) -> bool:
        """Whether the call may run; it is answered if not."""
        name = tool.declaration.name
        # A person is not asked about what cannot run.
        if self._may_ask and (problem := await argument_problem(tool, arguments)):
            ticket.refuse(problem)
            return False
        permission = await self._settled_permission(name)
        if permission == "always":
            return True
        if permission == "never":
            ticket.refuse(DENIED)
        elif not self._may_ask:
            ticket.refuse(UNATTENDED)
        elif await self._approvals.wait(self._session_id, ticket.ask(tool.origin), name):
            return True
        else:
            ticket.end(DENIED, is_error=True)
        return False

    async def _run(self, ticket: _Ticket, tool: Tool, arguments: dict[str, Any]) -> None:
        ticket.run()
        output = await run_call(
            tool,
            arguments,
            timeout_s=self._timeout_s,
            most_characters=self._most_characters,
            on_progress=ticket.report,
        )
        ticket.end(output.text, is_error=output.is_error)

    async def _settled_permission(self, name: str) -> Permission:
        rule = await self._approvals.rule(self._session_id, name)
        if rule is not None:
            return rule
        return "always" if name in self._allowed_names else self._permission(name)

    def _unknown(self, name: str) -> str:
        name = name[:_LONGEST_NAME]
        near = get_close_matches(name, self._tools, n=1)
        known = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(self._tools) or 'none'}."
        return f"There is no tool {name!r}. {known}"


class _Ticket:
    """A call on its way: introduced once, and ended once."""

    def __init__(self, call: Call, out: TurnOutput, clock: Callable[[], float]) -> None:
        self.call = call
        # Nine letters and digits are what the strictest chat templates demand.
        self._id = uuid4().hex[:9]
        self._out = out
        self._introduced = self._ended = False
        self._clock = clock
        self._began: float | None = None

    def ask(self, origin: str) -> str:
        """Show what waits for permission; the call's id."""
        self._introduced = True
        self._out.say(ToolApproval(self._id, self.call.name, self._arguments, origin))
        return self._id

    def run(self) -> None:
        """Show that it runs from now on."""
        self.start()
        self._began = self._clock()

    def start(self) -> None:
        self._introduced = True
        text = self.call.text if isinstance(self.call, BrokenCall) else ""
        self._out.say(ToolStart(self._id, self.call.name, self._arguments, text))

    def report(self, message: str, progress: float | None) -> None:
        if not self._ended:
            self._out.mention(ToolProgress(self._id, message, progress))

    def end(self, result: str, *, is_error: bool) -> None:
        self._ended = True
        seconds = None if self._began is None else round(self._clock() - self._began, 3)
        self._out.say(ToolEnd(self._id, self.call.name, result, is_error, seconds))

    def refuse(self, reason: str) -> None:
        """End it without having run it, if it has not ended yet."""
        if self._ended:
            return
        if not self._introduced:
            self.start()
        self.end(reason, is_error=True)

    @property
    def _arguments(self) -> dict[str, Any]:
        return self.call.arguments if isinstance(self.call, ParsedCall) else {}
