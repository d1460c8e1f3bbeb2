"""Runs calls in processes of their own, one each, and ends them with all they started."""

from __future__ import annotations

import asyncio
import json
import logging
from asyncio.subprocess import PIPE, Process
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_desktop.child_process import child_command, explain_exit, spawn_options
from tether_desktop.tools.answer import clean
from tether_desktop.tools.child_limits import MOST_MEMORY, descendants, end_tree, resident
from tether_desktop.tools.ending import wait_out
from tether_desktop.tools.tool import OnToolProgress, ToolOutput

if TYPE_CHECKING:
    from tether_desktop.tools.declaration import FunctionTool

logger = logging.getLogger(__name__)

_LONGEST_LINE = 8 << 20
_NO_ANSWER = "The tool's process answered with what is no answer."
_LAST_PRINTED = 1 << 12
_LOOK_S = 0.2
_EXIT_LOOK_S = 0.01
_LEAVE_S = 1.0
"""Seconds that a process gets to write and close its files after it has answered."""


class ProcessEnded(Exception):
    """The process of a call is gone and has not answered; says why, in words for the model."""


@dataclass(frozen=True, slots=True)
class OwnSource:
    """The content of an own file, exactly as it was allowed; ``folder`` is where it runs."""

    name: str
    content: bytes
    folder: Path

    def request(self) -> dict[str, Any]:
        """As it goes to the process."""
        source = b64encode(self.content).decode()
        return {"file": {"name": self.name, "source": source, "folder": str(self.folder)}}


async def call_function(tool: FunctionTool, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
    """Call a function of one of our modules in a process of its own; cancelling ends the process."""
    function = tool.function
    place = {"module": function.__module__, "name": function.__qualname__}
    request = {"function": place, "tool": tool.declaration.name, "arguments": arguments}
    return await _call(request, tool.declaration.name, on_progress)


async def call_own(source: OwnSource, name: str, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
    """Call a tool of an own file in a process of its own; cancelling ends the process."""
    return await _call(
        {**source.request(), "tool": name, "arguments": arguments}, f"{source.name}: {name}", on_progress
    )


async def ask_for_tools(source: OwnSource) -> dict[str, Any]:
    """What an own file declares: ``{"tools": [...]}``, or ``{"broken": sentence}``."""
    try:
        return await ask(source.request(), source.name, lambda *_: None)
    except ProcessEnded as fault:
        return {"broken": str(fault)}


async def ask(request: dict[str, Any], name: str, on_progress: OnToolProgress) -> dict[str, Any]:
    """The last line that a fresh process answers to a request.

    Raises:
        ProcessEnded: it cannot be started, or is gone without an answer.
    """
    async with _process(name) as process:
        assert process.stdin is not None  # noqa: S101  it was started with pipes
        # Not drained: a process that never reads it also never answers, and its end is noticed below.
        process.stdin.write(json.dumps(request).encode() + b"\n")
        guard = asyncio.create_task(_kill_when_larger(process))
        try:
            answer = await _answer(process, on_progress)
            returncode = None if answer else await process.wait()
        finally:
            guard.cancel()
            await asyncio.wait([guard])
        if answer is not None:
            return answer
        if not guard.cancelled() and guard.result():
            raise ProcessEnded("The tool took too much memory and was ended.")
        raise ProcessEnded(f"The tool's process is gone without an answer: {explain_exit(returncode or 0).reason}.")


async def _call(request: dict[str, Any], name: str, on_progress: OnToolProgress) -> ToolOutput:
    try:
        answer = await ask(request, name, on_progress)
    except ProcessEnded as fault:
        return ToolOutput(str(fault), is_error=True)
    match answer:
        case {"text": str(text), "is_error": bool(is_error), "left_out": int(left_out)}:
            return ToolOutput(clean(text), is_error, max(0, left_out))
        case {"broken": str(problem)}:
            return ToolOutput(f"The tool cannot be loaded: {clean(problem)}", is_error=True)
    return ToolOutput(_NO_ANSWER, is_error=True)


async def _answer(process: Process, on_progress: OnToolProgress) -> dict[str, Any] | None:
    """The last line; None when the process says nothing more.

    Raises:
        ProcessEnded: it says what cannot be understood.
    """
    assert process.stdout is not None  # noqa: S101  it was started with pipes
    try:
        while line := await process.stdout.readline():
            message = dict(json.loads(line))
            match message:
                case {"progress": [str(text), int() | float() | None as fraction]}:
                    on_progress(text, fraction)
                case _:
                    return message
    except (ValueError, TypeError, RecursionError) as error:
        logger.info("The process of a tool sent what is no message: %s", error)
        raise ProcessEnded(_NO_ANSWER) from error
    return None


@asynccontextmanager
async def _process(name: str) -> AsyncIterator[Process]:
    """A fresh process; it gets a moment to close its files where all went well, and has ended afterwards."""
    try:
        process = await asyncio.create_subprocess_exec(
            *child_command("tools"), stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=_LONGEST_LINE, **spawn_options()
        )
    except OSError as error:
        raise ProcessEnded(f"No process can be started for the tool: {error.strerror or error}.") from error
    printed = asyncio.create_task(_last_printed(process))
    leave_s = 0.0
    try:
        yield process
        leave_s = _LEAVE_S
    finally:
        ending = asyncio.create_task(_end(process, leave_s))
        try:
            await wait_out(ending)
        finally:
            await _log_printed(printed, name)


async def _end(process: Process, leave_s: float) -> None:
    try:
        started = await asyncio.to_thread(descendants, process.pid)
        if leave_s and process.stdin is not None:
            process.stdin.close()
            await _exited(process, leave_s)
        await asyncio.to_thread(end_tree, process.pid, started)
    except asyncio.CancelledError:
        # The loop itself is about to end, and nobody would come back to this.
        end_tree(process.pid, ())
        raise
    await process.wait()


async def _exited(process: Process, seconds: float) -> None:
    """Return when the process has exited, or after that time.

    Its own ``wait`` waits for the pipes as well, which anything it started may hold open.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while process.returncode is None and clock() < deadline:  # noqa: ASYNC110  nothing tells of the exit alone
        await asyncio.sleep(_EXIT_LOOK_S)


async def _kill_when_larger(process: Process) -> bool:
    """Whether the process was killed for its size: not every system keeps to a limit by itself.

    Returns too when the process has exited, once what it left behind can no longer hold its pipes open.
    """
    while process.returncode is None:
        if await asyncio.to_thread(resident, process.pid) > MOST_MEMORY:
            await asyncio.to_thread(end_tree, process.pid, ())
            return True
        await asyncio.sleep(_LOOK_S)
    await asyncio.to_thread(end_tree, process.pid, ())
    return False


async def _last_printed(process: Process) -> bytes:
    assert process.stderr is not None  # noqa: S101  it was started with pipes
    last = b""
    cut = False
    while data := await process.stderr.read(_LAST_PRINTED):
        cut = cut or len(last) + len(data) > _LAST_PRINTED
        last = (last + data)[-_LAST_PRINTED:]
    return b"(\xe2\x80\xa6)\n" + last.partition(b"\n")[2] if cut else last


async def _log_printed(printed: asyncio.Task[bytes], name: str) -> None:
    # A process that left our reach may hold the pipe open.
    await asyncio.wait([printed], timeout=_LEAVE_S)
    if not printed.done():
        printed.cancel()
    elif text := printed.result().decode(errors="replace").strip():
        logger.info("%s printed:\n%s", name, text)
