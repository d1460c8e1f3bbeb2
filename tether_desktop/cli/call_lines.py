"""Calls of tools and what came of them, as lines for a terminal."""

from __future__ import annotations

import json
from typing import Any

_LONGEST = 300
"""Characters that are shown of a call or a result; the session has all of it as JSON."""


def call_line(name: str, arguments: dict[str, Any], text: str) -> str:
    """A call; ``text`` is what the model wrote where that is none that can be understood."""
    shown = text or json.dumps(arguments, ensure_ascii=False)
    return f"[{name or 'a call that cannot be understood'}] {_shortened(shown)}"


def result_line(name: str, result: str, *, is_error: bool) -> str:
    """What a tool answered."""
    return f"[{name}] {'failed: ' if is_error else ''}{_shortened(result)}"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
