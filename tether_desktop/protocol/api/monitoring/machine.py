"""What the program takes of the computer, and what is left: memory by process, and space on disks."""

from __future__ import annotations

import platform
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import psutil

import tether_desktop
from tether_desktop.child_process import ChildKind

MAIN, OTHER = "main", "other"
_CHILD_FLAG = "--child"
_KINDS = frozenset(get_args(ChildKind))


@dataclass(frozen=True, slots=True)
class MachineUse:
    """A look at the computer.

    Attributes:
        processes: how many there are of each kind: "main", what children of ours are started as ("engine", "tools",
            …), and "other" for programs such as MCP servers.
        resident_bytes: their memory, by kind; pages that several share count for each.
        available_bytes: memory that could still be given.
        disk_bytes: free space, by what is kept there.
        started: when this process began, in seconds since 1970.
    """

    processes: Mapping[str, int]
    resident_bytes: Mapping[str, int]
    available_bytes: int
    disk_bytes: Mapping[str, int]
    started: float


def look(folders: Mapping[str, Path]) -> MachineUse:
    """Take a look, in a thread: all processes of the computer are gone through.

    Args:
        folders: where free space is wanted to be known, by what is kept there.
    """
    this = psutil.Process()
    processes: Counter[str] = Counter()
    resident: Counter[str] = Counter()
    for kind, process in [(MAIN, this), *_children(this)]:
        # One that has just ended has nothing any more.
        with suppress(psutil.Error):
            resident[kind] += process.memory_info().rss
            processes[kind] += 1
    disks = {name: free for name, folder in folders.items() if (free := _free_bytes(folder)) is not None}
    return MachineUse(processes, resident, psutil.virtual_memory().available, disks, this.create_time())


def versions() -> tuple[str, str]:
    """Of the program, and of the Python that runs it."""
    return tether_desktop.__version__, platform.python_version()


def _children(this: psutil.Process) -> Iterable[tuple[str, psutil.Process]]:
    for child in this.children(recursive=True):
        with suppress(psutil.Error):
            yield _kind(child.cmdline()), child


def _kind(command: Sequence[str]) -> str:
    """What a child was started as; the command line of a stranger is no label."""
    given = command[command.index(_CHILD_FLAG) + 1 :] if _CHILD_FLAG in command else []
    return given[0] if given and given[0] in _KINDS else OTHER


def _free_bytes(folder: Path) -> int | None:
    try:
        there = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
        return shutil.disk_usage(there).free
    except OSError:
        return None
