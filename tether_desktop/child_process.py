"""Child processes of the program: how they are started, what they may see, and why they ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tether_desktop import paths
from tether_desktop.errors import ProgramReplaced

ChildKind = Literal["engine", "compile", "fetch", "pip", "tools", "grammar", "pdf"]

_KEPT_VARIABLES = frozenset(
    (
        *("PATH", "HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "TEMP", "TMP", "TMPDIR"),
        *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT"),
        *("LANG", "LC_ALL", "LC_CTYPE", "TZ"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER"),
        "TETHER_DATA_DIR",
    )
)
"""All that a child gets of our environment: what finds programs, libraries and folders, never a secret."""

STUCK = 70
"""Exit code of an engine process that ended itself, because what computes in it no longer answers."""

_WINDOWS_STATUS = {
    0xC0000005: "SIGSEGV",
    0xC000001D: "SIGILL",
    0xC0000006: "SIGBUS",
    0xC0000017: "SIGKILL",
    0xC00000FD: "SIGSEGV",
    0xC0000409: "SIGABRT",
}
"""NTSTATUS exit codes by the signal that means the same."""

_CAUSES = {
    "SIGKILL": (
        "it was killed from outside, most often because the memory ran out (SIGKILL)",
        "Close other programs or choose a smaller model, then send the message again.",
    ),
    "SIGILL": (
        "its library uses instructions this processor does not have (SIGILL)",
        "Compile the model for this computer again.",
    ),
    "SIGBUS": (
        "a file of the model could not be read to its end (SIGBUS)",
        "Check the model with `tether models verify`, then send the message again.",
    ),
    "SIGTERM": ("it was asked to end by another program (SIGTERM)", "Send the message again."),
    "SIGSEGV": ("it crashed (SIGSEGV)", "Send the message again. If it happens again, check or replace the model."),
    "SIGABRT": ("it crashed (SIGABRT)", "Send the message again. If it happens again, check or replace the model."),
}


@dataclass(frozen=True, slots=True)
class ExitCause:
    """Why a process ended: a clause that follows "because", and what to do about it."""

    reason: str
    hint: str


def _program_file() -> tuple[int, int, int, int] | None:
    """What tells one file of the program from another; None from source, or where the file is gone."""
    if not getattr(sys, "frozen", False):
        return None
    try:
        status = os.stat(sys.executable)  # noqa: PTH116  (asked at every start; pathlib is not needed for it)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


_STARTED_FROM = _program_file()


def check_program() -> None:
    """Make sure that a child will be the same program as we are.

    Raises:
        ProgramReplaced: another version was installed while this one was open.
    """
    if _program_file() != _STARTED_FROM:
        raise ProgramReplaced(
            "Tether was replaced while it was open",
            "Another version was installed, or this one was removed. What you have written is stored.",
            "Close Tether and open it again.",
        )


def child_command(kind: ChildKind) -> list[str]:
    """The command that starts a child of that kind: this program again, frozen or from source."""
    program, *module = program_command()
    if sys.platform == "win32" and getattr(sys, "frozen", False):
        # The program of the window has no standard streams there, which children are spoken to by.
        program = str(Path(program).with_name("tether.exe"))
    return [program, *module, "--child", kind]


def program_command() -> list[str]:
    """The command that starts this program again, frozen or from source."""
    module = [] if getattr(sys, "frozen", False) else ["-m", "tether_desktop"]
    return [sys.executable, *module]


def child_environment() -> dict[str, str]:
    """The environment of a child: only what it needs to run."""
    kept = {name: value for name, value in os.environ.items() if name.upper() in _KEPT_VARIABLES}
    return {**kept, "PYTHONUTF8": "1"}


def spawn_options() -> dict[str, Any]:
    """How every child is started: in our folder, with its own group, so that Ctrl-C reaches only us.

    Raises:
        ProgramReplaced: it would be another version than we are.
    """
    check_program()
    options: dict[str, Any] = {"env": child_environment(), "cwd": str(paths.project_root())}
    if sys.platform == "win32":
        return {**options, "creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {**options, "start_new_session": True}


def explain_exit(returncode: int) -> ExitCause:
    """Why a process with that return code (negative: a signal) ended."""
    if returncode == STUCK:
        return ExitCause("it no longer answered", "Send the message again.")
    name = _signal_name(returncode)
    if name in _CAUSES:
        return ExitCause(*_CAUSES[name])
    what = f"it was ended by {name}" if name else f"it ended with exit code {returncode}"
    return ExitCause(what, "Send the message again. If it happens again, the log has the details.")


def crashed(returncode: int) -> bool:
    """Whether a process with that return code broke down by itself."""
    return _signal_name(returncode) in {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL"}


def _signal_name(returncode: int) -> str:
    if returncode >= 0:
        return _WINDOWS_STATUS.get(returncode, "")
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
