"""What holds the process of a call within bounds: its memory, and that nothing it started outlives it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import psutil

MOST_MEMORY = 2 << 30
"""Bytes that the process of a call may take."""


def limit_memory() -> None:
    """In the process: no more memory than that, where the system can keep to it; and no memory dumped on a crash."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # Data rather than addresses: threads and libraries reserve many more of those than they use.
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
        _adopt_orphans()


def end_group() -> None:
    """In the process: end all that was started here, and ourselves."""
    end(descendants(os.getpid()))
    if sys.platform != "win32":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def descendants(pid: int) -> list[psutil.Process]:
    """All processes that a process has started, and those that they have."""
    with contextlib.suppress(psutil.Error):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def end(processes: Sequence[psutil.Process]) -> None:
    """Kill processes, as far as they still run."""
    for process in processes:
        # By its time of creation psutil tells another process with the same number apart.
        with contextlib.suppress(psutil.Error):
            process.kill()


def end_tree(pid: int, started: Sequence[psutil.Process]) -> None:
    """In the program: kill the process, its group and all that it had started, also what left the group."""
    left = [*started, *descendants(pid)]
    if sys.platform != "win32":
        # The group is there as long as anything is in it, also when its first process has gone.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    end(left)


def resident(pid: int) -> int:
    """Bytes of memory that a process takes now; 0 when it has ended."""
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def _adopt_orphans() -> None:
    """Stay the parent of what our children leave behind, so that it can be found; Linux alone can do that."""
    import ctypes

    set_child_subreaper = 36
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)
