"""How many messages a server may send: the rest waits at its end of the pipe, and a flood ends the connection."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mcp.shared.message import SessionMessage

from tether_desktop.tools.mcp.timing import Timing

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream

_WINDOW_S = 1.0


class Flood(Exception):
    """The server sends more than anybody could want, and does not stop."""


class Meter:
    """Lets so many messages through in a second, and the next ones in the second after."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._opened = timing.now()
        self._count = 0
        self._full = 0

    async def admit(self) -> None:
        """Return when one more message may come.

        Raises:
            Flood: for too long there were always more than may come.
        """
        since = self._timing.now() - self._opened
        if since >= _WINDOW_S:
            self._open(full=0)
        self._count += 1
        if self._count <= self._timing.messages:
            return
        if self._full + 1 >= self._timing.flood:
            raise Flood
        await self._timing.sleep(max(0.0, _WINDOW_S - since))
        self._open(full=self._full + 1)

    def _open(self, *, full: int) -> None:
        self._opened, self._count, self._full = self._timing.now(), 1 if full else 0, full


class MeteredStream:
    """A transport's messages, counted, with a word when there will be no more."""

    def __init__(
        self, stream: ReadStream[SessionMessage | Exception], meter: Meter, on_end: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._meter = meter
        self._on_end = on_end

    async def receive(self) -> SessionMessage | Exception:
        """The next message."""
        await self._meter.admit()
        return await self._stream.receive()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            await self._meter.admit()
            return await self._stream.__anext__()
        except BaseException:  # whatever ends the messages ends the connection, and goes on up from here
            self._on_end()
            raise

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, traceback)
