"""One job in a child process: its lines are handed on, and it ends with the task or the program that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tether_desktop.errors import InstallError
from tether_desktop.model.process import ChildKind, child_command, spawn_options

_LAST_LINES = 60
_LINE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended.

    Attributes:
        returncode: of the process; negative for a signal.
        errors: the last lines it wrote to stderr.
    """

    returncode: int
    errors: str


async def run_job(
    kind: ChildKind,
    on_line: Callable[[str], None],
    *,
    arguments: Sequence[str] = (),
    request: str = "",
    environment: Mapping[str, str] | None = None,
) -> JobEnd:
    """Run a child process to its end; cancelling kills it first.

    Args:
        kind: which child.
        on_line: gets each line of its stdout.
        arguments: for its command line.
        request: written to its stdin, which then stays open as a sign that we live.
        environment: instead of the bare one that children get.

    Raises:
        InstallError: the process cannot be started.
    """
    options = spawn_options() | ({} if environment is None else {"env": dict(environment)})
    command = [*child_command(kind), *arguments]
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=_LINE_LIMIT, **options
        )
    except OSError as error:
        raise InstallError("The model cannot be prepared", f"{command[0]}: {error.strerror or error}.") from error
    errors = asyncio.create_task(_last_lines(process))
    try:
        await _talk(process, request, on_line)
        return JobEnd(await process.wait(), await errors)
    finally:
        errors.cancel()
        await _kill(process)


def exit_with_parent() -> None:
    """In the child, once its request is read: end at once when stdin does, which is when the parent is gone."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


async def _talk(process: Process, request: str, on_line: Callable[[str], None]) -> None:
    assert process.stdin is not None  # noqa: S101  it was started with pipes
    assert process.stdout is not None  # noqa: S101
    # Not drained: a process that never reads it also never answers, and its end is noticed below.
    process.stdin.write(request.encode())
    async for line in process.stdout:
        on_line(line.decode(errors="replace").rstrip())


async def _last_lines(process: Process) -> str:
    assert process.stderr is not None  # noqa: S101  it was started with pipes
    lines: deque[str] = deque(maxlen=_LAST_LINES)
    async for line in process.stderr:
        lines.append(line.decode(errors="replace").rstrip())
    return "\n".join(lines)


async def _kill(process: Process) -> None:
    """End a process that still runs, and on POSIX the linker it may have started."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())
