"""A server's process: started with nothing of ours, and ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any, cast

import psutil

from tether_desktop.child_process import child_environment
from tether_desktop.tools.mcp.spec import Program

_OURS = ("TETHER_", "MLC_")
_OF_OUR_PYTHON = frozenset(("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER"))
_OF_OUR_BUNDLE = frozenset(("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"))
_POLL_S = 0.02
_REAP_S = 0.5
_OUT_OF_PATH = ("/usr/local/bin", "/opt/homebrew/bin", "~/.local/bin")
"""Where package runners lie that a program started from a desktop does not see in its PATH."""


def server_environment(program: Program) -> dict[str, str]:
    """What a server sees: what finds programs and folders, and what the file says; none of our own variables."""
    dropped = _OF_OUR_PYTHON | _OF_OUR_BUNDLE
    kept = {
        name: value
        for name, value in child_environment().items()
        if name.upper() not in dropped and not name.upper().startswith(_OURS)
    }
    return {**kept, **_search_path(kept), **dict(program.variables)}


def _search_path(kept: dict[str, str]) -> dict[str, str]:
    if sys.platform == "win32":
        return {}
    folders = kept.get("PATH", os.defpath).split(os.pathsep)
    more = [str(Path(folder).expanduser()) for folder in _OUT_OF_PATH]
    return {"PATH": os.pathsep.join([*folders, *(folder for folder in more if folder not in folders)])}


class ServerProcess:
    """One run of a server.

    Attributes:
        stdin, stdout, stderr: its pipes.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        # It is made with pipes for all three streams, which its type does not tell.
        self.stdin = cast("asyncio.StreamWriter", process.stdin)
        self.stdout = cast("asyncio.StreamReader", process.stdout)
        self.stderr = cast("asyncio.StreamReader", process.stderr)
        self._ending = False
        self._own_end: int | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    @property
    def ended_by_itself(self) -> bool:
        """Whether it ended before it was asked to."""
        return self._own_end is not None or (not self._ending and self._process.returncode is not None)

    @property
    def told_end(self) -> str:
        """How it ended by itself: "exit code 3"."""
        code = self._own_end if self._own_end is not None else self._process.returncode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    @classmethod
    async def start(cls, program: Program) -> ServerProcess:
        """Start it, as the head of a group of processes.

        Raises:
            OSError: there is no such program or folder, or it may not be run.
        """
        environment = server_environment(program)
        folder = program.folder or str(Path.home())
        command = await asyncio.to_thread(_find, program.command, environment, folder)
        process = await asyncio.create_subprocess_exec(
            command, *program.arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, cwd=folder, **_group()
        )
        return cls(process)

    async def end(self, limit: float) -> None:
        """Ask it to end, then tell it, then make it; whatever it started ends with it.

        Args:
            limit: seconds to wait after asking, and again after telling.
        """
        if not self._ending:
            if self.stdout.at_eof():
                # It has just closed its pipe; give the system time to tell how it ended.
                await self._ends(_REAP_S)
            self._ending, self._own_end = True, self._process.returncode
        started = await asyncio.to_thread(_descendants, self._process.pid)
        self.stdin.close()
        if not await self._ends(limit):
            self._signal(started, hard=False)
            await self._ends(limit)
        self._signal(started, hard=True)
        await self._ends(limit)
        _close_transport(self._process)

    async def _ends(self, limit: float) -> bool:
        # Not process.wait(): that waits for the pipes too, which something the server started may hold open.
        for _ in range(max(1, round(limit / _POLL_S))):
            if self._process.returncode is not None:
                return True
            await asyncio.sleep(_POLL_S)
        return self._process.returncode is not None

    def _signal(self, started: list[psutil.Process], *, hard: bool) -> None:
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL if hard else signal.SIGTERM)
        for each in started:
            # psutil compares the time of creation, so that a number given anew is not mistaken for the process.
            with contextlib.suppress(psutil.Error):
                each.kill() if hard else each.terminate()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill() if hard else self._process.terminate()


def _close_transport(process: Process) -> None:
    # Something that left the group may hold the pipes open; nothing public of asyncio lets go of them.
    transport = getattr(process, "_transport", None)
    if transport is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            transport.close()


def _find(command: str, environment: dict[str, str], folder: str) -> str:
    if not Path(folder).is_dir():
        raise NotADirectoryError(f"there is no folder {folder}")
    if os.sep in command or (os.altsep and os.altsep in command):
        beside = Path(folder, Path(command).expanduser())
        command = str(beside)
    found = shutil.which(command, path=environment.get("PATH") or environment.get("Path"))
    if found is None:
        raise FileNotFoundError(f"there is no program {command}")
    return found


def _group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return found
