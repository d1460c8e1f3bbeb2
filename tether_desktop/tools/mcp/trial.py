"""Trying a server once: start, list, ask for a sign of life, stop, each with its duration."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from tether_desktop.tools.mcp.server_log import ServerLog
from tether_desktop.tools.mcp.spec import Program, ServerSpec
from tether_desktop.tools.mcp.states import McpListing, McpTestReport
from tether_desktop.tools.mcp.timing import Timing

if TYPE_CHECKING:
    from tether_desktop.tools.mcp.connection import Connection


class Trial:
    """One try of one server, beside the one that may be running."""

    def __init__(self, spec: ServerSpec, log: ServerLog, timing: Timing) -> None:
        self._spec = spec
        self._log = log
        self._timing = timing
        self._lines: list[str] = []
        self._since = timing.now()

    async def run(self) -> McpTestReport:
        """Try it, in both ways of asking where the first does not work; whatever goes wrong is in the report."""
        module = await asyncio.to_thread(importlib.import_module, "tether_desktop.tools.mcp.connection")
        for mode in ("auto", "legacy"):
            self._lines.clear()
            connection: Connection = module.Connection(self._spec, self._timing)
            self._since = self._timing.now()
            try:
                await self._try(connection, mode)
            except Exception as error:  # noqa: BLE001  (whatever a server makes the SDK raise is what the report is for)
                fault = connection.explain(error)
                self._lines.append(" ".join(filter(None, (fault.problem, fault.hint, self._last_words()))))
                if fault.final:
                    break
            else:
                return McpTestReport(passed=True, text="\n".join(self._lines))
        return McpTestReport(passed=False, text="\n".join(self._lines))

    async def _try(self, connection: Connection, mode: str) -> None:
        async with asyncio.timeout(self._timing.start) as limit:
            async with connection.open(self._log, mode):
                self._step("Started" if isinstance(self._spec.launch, Program) else "Connected")
                listing = await connection.list_all()
                self._step(f"Listed {_amounts(listing)}")
                await connection.ping()
                self._step("Answered a ping")
                # Ending has limits of its own.
                limit.reschedule(None)
            self._step("Stopped")
        self._lines.append(f"It is {listing.version}." if listing.version else "It does not say what it is.")

    def _step(self, done: str) -> None:
        now = self._timing.now()
        self._lines.append(f"{done} in {now - self._since:.2f} s.")
        self._since = now

    def _last_words(self) -> str:
        return f"It printed last: {self._log.last_line}" if self._log.last_line else ""


def _amounts(listing: McpListing) -> str:
    amounts = (
        (len(listing.tools), "tool"),
        (len(listing.resources), "resource"),
        (len(listing.prompts), "prompt"),
    )
    return ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in amounts)
