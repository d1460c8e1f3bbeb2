"""Turns over HTTP: begun, read line by line, and left at any line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

Line = dict[str, Any]


class Lines:
    """A stream of lines that is read as far as a test wants.

    Attributes:
        read: all that were read so far.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.read: list[Line] = []
        self._lines = response.aiter_lines()

    async def next(self) -> Line:
        """One more."""
        self.read.append(json.loads(await anext(self._lines)))
        return self.read[-1]

    async def until(self, **fields: Any) -> Line:
        """Read on to the first line with these fields."""
        while True:
            line = await self.next()
            if fields.items() <= line.items():
                return line

    async def rest(self) -> list[Line]:
        """Read to the end; all lines, those that were read before included."""
        async for line in self._lines:
            self.read.append(json.loads(line))
        return self.read


@asynccontextmanager
async def asking(client: httpx2.AsyncClient, prompt: str = "Well?", **asked: Any) -> AsyncIterator[Lines]:
    """Ask, and stream the answer; leaving hangs up."""
    body = {"prompt": prompt, "stream": True, **asked}
    async with client.stream("POST", "/generations", json=body) as response:
        if response.is_error:
            await response.aread()
        yield Lines(response)


@asynccontextmanager
async def following(client: httpx2.AsyncClient, session_id: str, **query: Any) -> AsyncIterator[Lines]:
    """Follow the turn of a session; leaving hangs up."""
    async with client.stream("GET", f"/sessions/{session_id}/events", params=query) as response:
        if response.is_error:
            await response.aread()
        yield Lines(response)


async def read_turn(client: httpx2.AsyncClient, prompt: str = "Well?", **asked: Any) -> list[Line]:
    """Ask, and read all lines of the answer."""
    async with asking(client, prompt, **asked) as lines:
        return await lines.rest()


def text_of(lines: list[Line]) -> str:
    """The visible text of a turn's lines."""
    return "".join(line["content"] for line in lines if line["type"] == "token")


async def stored(client: httpx2.AsyncClient, session_id: str) -> list[Line]:
    """The messages of a session."""
    response = await client.get(f"/sessions/{session_id}/messages")
    messages: list[Line] = response.raise_for_status().json()
    return messages
