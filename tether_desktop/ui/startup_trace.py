"""Writes when the window reached each instant of its start, for the startup benchmark.

``TETHER_TRACE_STARTUP`` names a file; each instant becomes one line of JSON: its name and the time since the
epoch in seconds. Without the variable nothing is written.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

_marked: set[str] = set()


def mark(instant: str) -> None:
    """Note that an instant is reached, the first time it is."""
    target = os.environ.get("TETHER_TRACE_STARTUP")
    if not target or instant in _marked:
        return
    _marked.add(instant)
    line = json.dumps({"instant": instant, "time": time.time()}) + "\n"
    with Path(target).open("a", encoding="utf-8") as file:
        file.write(line)
