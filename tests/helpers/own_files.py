"""A person's own tools for tests: files in a folder, allowed, each call in a real process."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tether_desktop.tools.own_tools import OwnTools
from tether_desktop.tools.preferences import ToolPreferences

HEADER = "from tether_desktop.tools.declaration import OnToolProgress, tool\n"


def act(body: str, signature: str = "") -> str:
    """The source of a file whose tool ``act`` does this."""
    return f'{HEADER}@tool\ndef act({signature}):\n    """Act."""\n{textwrap.indent(body, "    ")}\n'


async def own_tools(folder: Path, source: str) -> OwnTools:
    """The tools of a file with this content, in ``folder / "own"``."""
    (folder / "own").mkdir(parents=True)
    (folder / "own" / "mine.py").write_text(source, encoding="utf-8")
    own = OwnTools(folder / "own", ToolPreferences(folder / "own.json"))
    await own.refresh()
    await own.allow("mine.py", own.files()[0].sha256)
    return own
