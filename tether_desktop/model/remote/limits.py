"""How long to wait for a server, and how often to ask it again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait for a server, in seconds, and how often to ask it.

    Attributes:
        connect: for a connection.
        answer: for a short answer, such as the list of models.
        first_byte: for the first byte of a reply: a server may have a long prompt to read, and others before it.
        idle: between two pieces of a reply; a comment that keeps the connection alive is a piece as well.
        linger: for the usage, after the reply has said that it is over.
        tries: in all, as long as no token came.
        first_wait: before the second try; doubled before each one after it.
        longest_wait: before any try; a server that asks for more is not asked again.
        sleep: how to wait.
    """

    connect: float = 10.0
    answer: float = 30.0
    first_byte: float = 600.0
    idle: float = 120.0
    linger: float = 5.0
    tries: int = 3
    first_wait: float = 0.5
    longest_wait: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
