"""One job in a child process: its lines are handed on, and it ends with the task or the program that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tether_desktop.child_process import ChildKind, child_command, spawn_options
from tether_desktop.errors import InstallError

_LAST_BYTES = 1 << 16
_LINE_LIMIT = 1 << 20
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended.

    Attributes:
        returncode: of the process; negative for a signal.
        errors: the last lines it wrote to stderr.
        too_large: whether it was ended because it took too much memory.
    """

    returncode: int
    errors: str
    too_large: bool = False


async def run_job(
    kind: ChildKind,
    on_line: Callable[[str], None],
    *,
    arguments: Sequence[str] = (),
    request: str = "",
    environment: Mapping[str, str] | None = None,
    most_memory: int | None = None,
) -> JobEnd:
    """Run a child process to its end; cancelling kills it first.

    Args:
        kind: which child.
        on_line: gets each line of its stdout.
        arguments: for its command line.
        request: written to its stdin, which then stays open as a sign that we live.
        environment: instead of the bare one that children get.
        most_memory: bytes; a process that takes more is killed.

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
    guard = asyncio.create_task(_kill_when_larger(process, most_memory))
    try:
        await _talk(process, request, on_line)
        returncode = await process.wait()
        return JobEnd(returncode, await errors, guard.done() and guard.result())
    finally:
        errors.cancel()
        guard.cancel()
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
    last = b""
    while data := await process.stderr.read(_LAST_BYTES):
        last = (last + data)[-_LAST_BYTES:]
    return "\n".join(last.decode(errors="replace").splitlines())


async def _kill_when_larger(process: Process, most_memory: int | None) -> bool:
    """Whether a process was killed for its size; elsewhere than on Linux nothing else keeps it from growing."""
    if most_memory is None:
        return False
    import psutil  # the window opens without it

    with contextlib.suppress(psutil.Error):
        watched = psutil.Process(process.pid)
        while watched.memory_info().rss <= most_memory:  # noqa: ASYNC110  nothing tells when a process grows
            await asyncio.sleep(_LOOK_S)
        process.kill()
        return True
    return False


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
