"""How long the installed program takes to show its window, beside the same program from source."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trials.desk import wait_until

MOST_RATIO = 1.3
"""How much longer the installed program may take to show its window."""

_RUNS = 5
_INSTANTS = ("shown", "usable")


def compare_starts(program: Path, root: Path) -> dict[str, str]:
    """Medians of interleaved starts, as figures for people.

    Args:
        program: the binary of an edition.
        root: the checkout.

    Raises:
        AssertionError: the installed program takes too long.
    """
    commands = {"installed": [str(program)], "from source": [sys.executable, "-m", "tether_desktop"]}
    with tempfile.TemporaryDirectory() as folder:
        for command in commands.values():
            # Once for the page cache, and for the database that the first start makes.
            _start(command, Path(folder), root)
        taken = {
            name: [_start(command, Path(folder), root) for _ in range(_RUNS)] for name, command in commands.items()
        }
    middle = {
        name: {instant: statistics.median(run[instant] for run in runs) for instant in _INSTANTS}
        for name, runs in taken.items()
    }
    ratio = middle["installed"]["shown"] / middle["from source"]["shown"]
    figures = {f"window {i}, {name}": f"{seconds[i]:.2f} s" for name, seconds in middle.items() for i in _INSTANTS}
    assert ratio <= MOST_RATIO, f"{ratio:.2f} times as long as from source: {figures}"
    return {**figures, "window shown, installed by from source": f"{ratio:.2f}"}


def _start(command: list[str], folder: Path, root: Path) -> dict[str, float]:
    """One start; seconds to each instant."""
    trace = folder / "trace"
    trace.unlink(missing_ok=True)
    own = {"TETHER_DATA_DIR": str(folder / "data"), "TETHER_TRACE_STARTUP": str(trace), "MLC_DIST_PATH": str(folder)}
    began = time.time()
    process = subprocess.Popen(command, cwd=root, env={**os.environ, **own})
    try:
        wait_until(lambda: len(_read(trace)) >= len(_INSTANTS), "the window", 60)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    return {instant: moment - began for instant, moment in _read(trace).items()}


def _read(trace: Path) -> dict[str, float]:
    if not trace.exists():
        return {}
    lines = (json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines())
    return {line["instant"]: line["time"] for line in lines}
