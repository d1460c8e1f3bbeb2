"""A turn that another process runs, read line by line, and taken up again where a connection broke off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing

import httpx2

from tether_desktop.cli.backends.port_client import PortClient, lost
from tether_desktop.errors import PortError, TurnNotFound
from tether_desktop.events import TERMINAL_EVENTS, Event, from_wire

_PAUSES = (0.1, 0.3, 1.0)
"""Seconds before each attempt to take up a turn again; the count starts anew with every line that comes."""


class PortTurn:
    """A running turn of a program that is reached on its port.

    Attributes:
        session_id: the session it belongs to.
        reply_id: the reply that it writes.
    """

    def __init__(self, client: PortClient, answer: httpx2.Response, connection: AsyncExitStack) -> None:
        """Take over an answer that has begun, and the connection it comes by."""
        self.session_id = answer.headers["Tether-Session-Id"]
        self.reply_id = answer.headers["Tether-Reply-Id"]
        self._client = client
        self._answer: httpx2.Response | None = answer
        self._connection = connection
        self._lines = 0

    async def events(self) -> AsyncGenerator[Event, None]:
        """Every event that was not read yet, to the terminal one.

        Raises:
            PortError: the program is gone, or says what is not understood.
        """
        failures = 0
        while True:
            before, fault = self._lines, _cut_off()
            try:
                async with aclosing(self._read()) as events:
                    async for event in events:
                        yield event
                        if isinstance(event, TERMINAL_EVENTS):
                            return
            except httpx2.TransportError as error:
                fault = error
            finally:
                await self._hang_up()
            failures = 0 if self._lines > before else failures + 1
            if failures > len(_PAUSES):
                raise lost(self._client.url, fault) from fault
            await asyncio.sleep(_PAUSES[max(failures - 1, 0)])

    async def cancel(self) -> None:
        """Stop it; returns once what was said is stored."""
        await self._client.call("POST", "/generations/abort", {"session_id": self.session_id}, patient=True)

    async def _read(self) -> AsyncGenerator[Event, None]:
        answer = self._answer or await self._take_up()
        async with aclosing(_lines(answer)) as lines:
            async for line in lines:
                event = _event(line)
                self._lines += 1
                if event is not None:
                    yield event

    async def _take_up(self) -> httpx2.Response:
        query = {"after": self._lines, "reply": self.reply_id}
        path = f"/sessions/{self.session_id}/events"
        try:
            return await self._connection.enter_async_context(self._client.stream("GET", path, query=query))
        except TurnNotFound as error:
            hint = f"`tether sessions show {self.session_id}` prints what was said."
            raise PortError("The answer was lost sight of", error.message, hint) from error

    async def _hang_up(self) -> None:
        self._answer = None
        await self._connection.aclose()


async def _lines(answer: httpx2.Response) -> AsyncGenerator[bytes, None]:
    """The lines of an answer; split at line feeds alone, since JSON may have Unicode's other separators."""
    rest = b""
    async for piece in answer.aiter_bytes():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line


def _event(line: bytes) -> Event | None:
    """The event of a line; None for one of a kind that a newer version has."""
    try:
        fields = json.loads(line)
        return from_wire(fields)
    except KeyError:
        return None
    except (ValueError, TypeError) as error:
        hint = "Close it, and start this version of Tether."
        raise PortError("The running Tether is not understood", f"It wrote {line[:80]!r}.", hint) from error


def _cut_off() -> Exception:
    return ConnectionError("the answer was cut off")
