"""The engine process: answers the program's requests from stdin on stdout until stdin ends."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, BinaryIO

from tether_desktop.errors import EngineError, TetherError
from tether_desktop.model.engine import Engine, EngineSpec, GenerationChunk
from tether_desktop.model.hosting import wire

FRAME_S = 0.016
"""Text is sent at most this often, in seconds: once per frame of a screen."""

PARENT_GONE = 0
"""Exit code when the program that started the engine is no more."""


class Channel:
    """The pipe to the program, kept apart from what native code prints.

    The original stdout is known to nobody else; whatever is printed goes to stderr, which is logged.
    """

    def __init__(self) -> None:
        self._output = os.dup(1)
        self.input: BinaryIO = os.fdopen(os.dup(0), "rb")
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)

    def send(self, message: Mapping[str, Any]) -> None:
        """Write one line at once; ends the process when nobody reads it any more."""
        data = wire.to_line(message)
        try:
            while data:
                data = data[os.write(self._output, data) :]
        except OSError:
            os._exit(PARENT_GONE)


class TokenGatherer:
    """Sends the tokens of a frame in one message.

    Each message costs the program some of the processor time that a fast model computes with, and no
    screen shows them faster. The first token is sent at once; the others wait for a frame at most.
    """

    def __init__(self, send: Callable[[list[GenerationChunk]], None]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._chunks: list[GenerationChunk] = []
        self._frame: asyncio.TimerHandle | None = None

    def add(self, chunk: GenerationChunk) -> None:
        """Send a token, or keep it until the frame is over."""
        self._chunks.append(chunk)
        if self._frame is None:
            self._send_frame()

    def flush(self) -> None:
        """Send what was kept."""
        if self._frame is not None:
            self._frame.cancel()
            self._frame = None
        if self._chunks:
            self._send(self._chunks)
            self._chunks = []

    def _send_frame(self) -> None:
        self.flush()
        self._frame = self._loop.call_later(FRAME_S, self._end_frame)

    def _end_frame(self) -> None:
        self._frame = None
        if self._chunks:
            self._send_frame()


class EngineServer:
    """Runs an engine for the other side of the channel; one task per request."""

    def __init__(self, spec: EngineSpec, send: Callable[[Mapping[str, Any]], None]) -> None:
        self._spec = spec
        self._send = send
        self._engine: Engine | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._closed = asyncio.Event()

    def receive(self, message: wire.Wire) -> None:
        """Take one line of the program."""
        match message:
            case {"do": "cancel", "id": number}:
                if number in self._tasks:
                    self._tasks[number].cancel()
            case {"do": "close"}:
                self._closed.set()
            case {"do": "load", "id": number}:
                self._start(number, self._load(number))
            case {"do": "generate", "id": number, "request": request}:
                self._start(number, self._generate(number, request))
            case {"do": "count", "id": number, "prompts": prompts}:
                self._start(number, self._count(number, prompts))

    async def serve(self) -> None:
        """Run until the program closes the engine."""
        await self._closed.wait()
        if self._engine is not None:
            await self._engine.close()

    def _start(self, number: int, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[number] = asyncio.create_task(self._answer(number, work))
        task.add_done_callback(lambda task: self._end(number, work, task))

    def _end(self, number: int, work: Coroutine[Any, Any, None], task: asyncio.Task[None]) -> None:
        # Told here, for a task that is cancelled before its first step never runs at all.
        del self._tasks[number]
        if task.cancelled():
            work.close()
            self._send({"id": number, "cancelled": True})

    async def _answer(self, number: int, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except TetherError as error:
            self._send({"id": number, "error": wire.pack_error(error)})
        except MemoryError:
            self._send({"id": number, "error": wire.pack_error(_out_of_memory(self._spec))})
        except BaseException:  # noqa: BLE001
            # The edge of the process: whatever an engine raises must reach the program as an answer, also the panic
            # of a native library, which is no Exception.
            self._send({"id": number, "bug": traceback.format_exc()})

    async def _load(self, number: int) -> None:
        self._engine = make_engine(self._spec)
        info = await self._engine.load(lambda progress: self._send({"id": number, "p": progress}))
        self._send({"id": number, "result": wire.pack_info(info)})

    async def _generate(self, number: int, request: wire.Wire) -> None:
        chunks = self._loaded().generate(wire.unpack_request(request))
        gatherer = TokenGatherer(lambda tokens: self._send(wire.pack_texts(number, tokens)))
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    if chunk.finish_reason is None and chunk.progress is None:
                        gatherer.add(chunk)
                    else:
                        gatherer.flush()
                        self._send(wire.pack_chunk(number, chunk))
        finally:
            gatherer.flush()

    async def _count(self, number: int, prompts: list[list[list[Any]]]) -> None:
        counts = await self._loaded().count_tokens([wire.unpack_prompt(prompt) for prompt in prompts])
        self._send({"id": number, "result": counts})

    def _loaded(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("a request came before the model was loaded")
        return self._engine


def make_engine(spec: EngineSpec) -> Engine:
    """The engine of the spec's kind; each kind is imported only where it runs."""
    if spec.kind == "scripted":
        from tether_desktop.model.scripted.engine import ScriptedEngine

        return ScriptedEngine(spec)
    if spec.kind == "mlc":
        from tether_desktop.model.mlc.engine import MlcEngine

        return MlcEngine(spec)
    from tether_desktop.model.tvm.engine import TvmEngine

    return TvmEngine(spec)


def main() -> int:
    """Run an engine process; it ends with the program, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    channel = Channel()
    line = channel.input.readline()
    if line:
        asyncio.run(_serve(wire.unpack_spec(json.loads(line)), channel))
    sys.stderr.flush()
    # The reader thread sits in a read that only the program's end would finish.
    os._exit(0)


async def _serve(spec: EngineSpec, channel: Channel) -> None:
    server = EngineServer(spec, channel.send)
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in channel.input:
            loop.call_soon_threadsafe(server.receive, json.loads(line))
        os._exit(PARENT_GONE)

    threading.Thread(target=read, name="requests", daemon=True).start()
    await server.serve()


def _out_of_memory(spec: EngineSpec) -> EngineError:
    return EngineError(
        "There is not enough memory",
        f"{spec.model} needs more memory than is free.",
        "Close other programs, choose a smaller model or a smaller context window.",
    )
