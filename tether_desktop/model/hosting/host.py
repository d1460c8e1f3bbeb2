"""An engine in a process of its own, so that a crash or a hang there costs one reply and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any

from tether_desktop.child_process import ExitCause, child_command, explain_exit, spawn_options
from tether_desktop.errors import EngineDied, EngineError
from tether_desktop.model.engine import (
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    OnProgress,
    Prompt,
)
from tether_desktop.model.hosting import wire
from tether_desktop.model.refusals import not_loaded

logger = logging.getLogger(__name__)

LINE_LIMIT = 64 << 20
"""Longest line the engine may send, in bytes."""

_ENDS = ("result", "end", "cancelled", "error", "bug")

_Replies = asyncio.Queue[wire.Wire | None]
"""What the engine answers to one request; None when its process is gone."""


class HostedEngine:
    """The Engine protocol, spoken to a child process.

    Attributes:
        death: done, with the error, once the process has ended without being asked to.
    """

    def __init__(
        self,
        spec: EngineSpec,
        *,
        command: Sequence[str] | None = None,
        cancel_limit: float = 10.0,
        close_limit: float = 3.0,
    ) -> None:
        """Prepare, in a running event loop; :meth:`load` starts the process.

        Args:
            spec: the model to load.
            command: what to start; None is this program's own engine process.
            cancel_limit: seconds a cancelled request may take to end before the process is killed.
            close_limit: seconds :meth:`close` waits after asking, and again after terminating.
        """
        self._spec = spec
        self._command = list(command or child_command("engine"))
        self._cancel_limit = cancel_limit
        self._close_limit = close_limit
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._requests: dict[int, _Replies] = {}
        self._settling: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._sentence: ExitCause | None = None
        self._last_words: deque[str] = deque(maxlen=20)
        self.death: asyncio.Future[EngineDied] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """The child's process id; None before :meth:`load`."""
        return self._process.pid if self._process else None

    async def load(self, on_progress: OnProgress) -> EngineInfo:
        """Start the process and load the model; a cancelled or failed load leaves no process behind."""
        try:
            await self._start()
            number, replies = self._send({"do": "load"})
            while "p" in (reply := await self._next(number, replies)):
                on_progress(reply["p"])
        except BaseException:  # a cancelled load is one as well, and leaves no process behind
            await self._finish(self._kill)
            raise
        return wire.unpack_info(reply["result"])

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        """Stream a reply; closing the generator returns once the child has stopped."""
        await self._settled()
        number, replies = self._send({"do": "generate", "request": wire.pack_request(request)})
        try:
            while True:
                for chunk in wire.unpack_chunks(await self._next(number, replies)):
                    yield chunk
                    if chunk.finish_reason is not None:
                        return
        finally:
            if number in self._requests:
                self._settling = asyncio.create_task(self._cancel(number, replies))
                await self._settled()

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """Token count of each prompt, special tokens included."""
        number, replies = self._send({"do": "count", "prompts": [wire.pack_prompt(prompt) for prompt in prompts]})
        try:
            counts: list[int] = (await self._next(number, replies))["result"]
        finally:
            self._requests.pop(number, None)
        return counts

    async def close(self) -> None:
        """End the process: ask, then terminate, then kill."""
        await self._finish(self._end)

    async def _start(self) -> None:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LINE_LIMIT, **spawn_options()
            )
        except OSError as error:
            raise EngineError(
                "The engine cannot be started",
                f"{self._command[0]}: {error.strerror or error}.",
                "Start the program again; if it does not help, install it again.",
            ) from error
        logger.info("Engine process %d started for %s", self._process.pid, self._spec.model)
        self._reader = asyncio.create_task(self._read(self._process))
        self._write(wire.pack_spec(self._spec))

    def _send(self, message: wire.Wire) -> tuple[int, _Replies]:
        """Put a request on its way; its number, and where its answers come."""
        if self._process is None or self._closing is not None:
            raise not_loaded(self._spec.model)
        number, replies = next(self._numbers), _Replies()
        self._requests[number] = replies
        if self.death.done():
            replies.put_nowait(None)
        self._write({"id": number, **message})
        return number, replies

    def _write(self, message: wire.Wire) -> None:
        # Not drained: the child reads in a thread of its own, and a dead one is noticed by its stdout.
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(wire.to_line(message))

    async def _next(self, number: int, replies: _Replies) -> wire.Wire:
        """The next answer to a request, which is over when this was the last one or raises."""
        reply = await replies.get()
        if reply is None or _is_last(reply):
            self._requests.pop(number, None)
        if reply is None:
            raise self.death.result() if self.death.done() else not_loaded(self._spec.model)
        if "error" in reply:
            raise wire.unpack_error(reply["error"])
        if "bug" in reply:
            logger.error("The engine of %s failed:\n%s", self._spec.model, reply["bug"])
            raise _bug(self._spec)
        return reply

    async def _cancel(self, number: int, replies: _Replies) -> None:
        """Have the child stop a request, and wait until it says so or is dead."""
        self._write({"do": "cancel", "id": number})
        try:
            async with asyncio.timeout(self._cancel_limit):
                while (reply := await replies.get()) is not None and not _is_last(reply):
                    pass
        except TimeoutError:
            self._sentence = ExitCause("it did not stop when it was asked to", "Send the message again.")
            await self._kill()
        finally:
            self._requests.pop(number, None)

    async def _settled(self) -> None:
        """Wait until a cancelled request has ended in the child."""
        if self._settling is not None:
            await asyncio.shield(self._settling)

    async def _read(self, process: Process) -> None:
        """Hand the child's lines to the requests that wait for them; at its end, tell them all."""
        assert process.stdout is not None  # noqa: S101  it was started with pipes
        assert process.stderr is not None  # noqa: S101
        log = asyncio.create_task(self._log_errors(process.stderr))
        try:
            async for line in process.stdout:
                reply = json.loads(line)
                if reply["id"] in self._requests:
                    self._requests[reply["id"]].put_nowait(reply)
        except ValueError:
            logger.exception("The engine of %s sent what is not a message", self._spec.model)
            _signal(process.kill)
            await process.stdout.read()
        returncode = await process.wait()
        await asyncio.wait([log], timeout=1.0)
        log.cancel()
        self._ended(returncode)

    async def _log_errors(self, stderr: asyncio.StreamReader) -> None:
        """Put what the child prints into our log; nobody but a developer wants to see it."""
        rest = b""
        while data := await stderr.read(1 << 16):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                self._last_words.append(text)
                logger.info("%s: %s", self._spec.model, text)

    def _ended(self, returncode: int) -> None:
        logger.info("Engine process of %s ended with %d", self._spec.model, returncode)
        if self._closing is None:
            cause = self._sentence or explain_exit(returncode)
            last_words = "\n".join(self._last_words) or "(nothing)"
            logger.error("The engine of %s died: %s; it last printed:\n%s", self._spec.model, cause.reason, last_words)
            self.death.set_result(_died(self._spec, cause))
        for replies in self._requests.values():
            replies.put_nowait(None)

    async def _finish(self, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """End the process once, whoever asks and however often; being cancelled does not stop it."""
        if self._closing is None:
            self._closing = asyncio.create_task(end())
        await asyncio.shield(self._closing)

    async def _end(self) -> None:
        if self._process is None:
            return
        self._write({"do": "close"})
        if not await self._gone_within(self._close_limit):
            _signal(self._process.terminate)
            if not await self._gone_within(self._close_limit):
                await self._kill()

    async def _kill(self) -> None:
        if self._process is not None and self._reader is not None:
            _signal(self._process.kill)
            await asyncio.shield(self._reader)

    async def _gone_within(self, seconds: float) -> bool:
        assert self._reader is not None  # noqa: S101  there is one for every process
        done, _ = await asyncio.wait([self._reader], timeout=seconds)
        return bool(done)


def _is_last(reply: wire.Wire) -> bool:
    return any(end in reply for end in _ENDS)


def _signal(send: Callable[[], None]) -> None:
    """Send a signal to a process that may have ended already."""
    with contextlib.suppress(ProcessLookupError):
        send()


def _died(spec: EngineSpec, cause: ExitCause) -> EngineDied:
    return EngineDied("The engine stopped", f"The engine of {spec.model} ended: {cause.reason}.", cause.hint)


def _bug(spec: EngineSpec) -> EngineError:
    return EngineError(
        "The engine failed",
        f"Something unexpected happened in the engine of {spec.model}. This is a fault of the program.",
        "Send the message again. If it happens again, the log has the details.",
    )
