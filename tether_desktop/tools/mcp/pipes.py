"""Messages over a server's pipes, for the SDK: bounded where its own client for pipes takes whatever comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, ErrorData, JSONRPCError, JSONRPCRequest, jsonrpc_message_adapter

from tether_desktop.tools.mcp.framing import LineSplitter
from tether_desktop.tools.mcp.program import ServerProcess
from tether_desktop.tools.mcp.server_log import ServerLog
from tether_desktop.tools.mcp.timing import Timing

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

_PIECE = 64 << 10
_LOG_PAUSE_S = 0.01
_MOST_NONSENSE = 1000
_AFTER_DEATH_S = 1.0
_TOO_LARGE = "The server sent an answer that is larger than can be taken."

_Incoming = MemoryObjectSendStream[SessionMessage | Exception]
_Outgoing = MemoryObjectReceiveStream[SessionMessage]


@asynccontextmanager
async def pipe_transport(
    process: ServerProcess, log: ServerLog, timing: Timing
) -> AsyncGenerator[TransportStreams, None]:
    """Speak with a process that was started; leaving ends it."""
    pipes = _Pipes(process, log, timing)
    incoming, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_stream, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:
        try:
            tasks.start_soon(pipes.read, incoming)
            tasks.start_soon(pipes.write, outgoing, incoming)
            tasks.start_soon(pipes.copy_log)
            tasks.start_soon(pipes.notice_death, incoming)
            yield read_stream, write_stream
        finally:
            read_stream.close()
            write_stream.close()
            with anyio.CancelScope(shield=True):
                await process.end(timing.end)
            tasks.cancel_scope.cancel()
            for stream in (incoming, outgoing):
                stream.close()


class _Pipes:
    """The three pipes of a process.

    What is asked and not yet answered is remembered, to be answered here when the server's answer cannot be taken.
    """

    def __init__(self, process: ServerProcess, log: ServerLog, timing: Timing) -> None:
        self._process = process
        self._log = log
        self._timing = timing
        self._asked: set[str | int] = set()
        self._nonsense = 0

    async def read(self, incoming: _Incoming) -> None:
        """Bring its messages; when nobody wants them any more, what it prints is thrown away so that it can end."""
        lines = LineSplitter()
        with incoming:
            while piece := await self._process.stdout.read(_PIECE):
                for line in lines.feed(piece):
                    await self._bring(line, incoming)
                if self._nonsense > _MOST_NONSENSE:
                    await self._note("It prints text where only messages belong, and was cut off.")
                    return

    async def _bring(self, line: bytes | None, incoming: _Incoming) -> None:
        try:
            for message in await self._messages(line):
                await incoming.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            # Read on: what cannot be printed would keep it from ending.
            return

    async def _messages(self, line: bytes | None) -> list[SessionMessage]:
        if line is None:
            await self._note(_TOO_LARGE)
            failed, self._asked = self._asked, set()
            error = ErrorData(code=INTERNAL_ERROR, message=_TOO_LARGE)
            return [SessionMessage(JSONRPCError(jsonrpc="2.0", id=each, error=error)) for each in failed]
        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except (ValueError, RecursionError):
            self._nonsense += 1
            await self._note(f"stdout: {line[:2000].decode('utf-8', 'replace')}")
            return []
        self._nonsense = 0
        if not hasattr(message, "method") and message.id is not None:
            self._asked.discard(message.id)
        return [SessionMessage(message)]

    async def write(self, outgoing: _Outgoing, incoming: _Incoming) -> None:
        """Send it our messages; one that does not read them is as good as dead."""
        stdin = self._process.stdin
        try:
            async with outgoing:
                async for item in outgoing:
                    if isinstance(item.message, JSONRPCRequest):
                        self._asked.add(item.message.id)
                    stdin.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                    await asyncio.wait_for(stdin.drain(), self._timing.write)
        except (OSError, RuntimeError, TimeoutError):
            incoming.close()

    async def copy_log(self) -> None:
        """Keep what it prints for people."""
        while piece := await self._process.stderr.read(_PIECE):
            await asyncio.to_thread(self._log.write, piece.decode("utf-8", "replace"))
            # One that prints without end shall not keep the loop busy with it.
            await asyncio.sleep(_LOG_PAUSE_S)

    async def notice_death(self, incoming: _Incoming) -> None:
        """Something that a server has started may hold its pipes open when it is gone."""
        while self._process.running:  # noqa: ASYNC110  (asyncio tells the end of a process only with that of its pipes)
            await asyncio.sleep(_AFTER_DEATH_S / 4)
        await asyncio.sleep(_AFTER_DEATH_S)
        incoming.close()

    async def _note(self, line: str) -> None:
        await asyncio.to_thread(self._log.write, line)
