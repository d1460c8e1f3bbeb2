"""Whether a chat uses tools, and what a single question demands of them."""

from __future__ import annotations

from typing import Literal

from tether_desktop.messages import ToolChoice
from tether_desktop.protocol.tool_use import ToolUse

ToolMode = Literal["settings", "on", "off"]
"""As the settings say, or else for this chat."""

_CHOICES: dict[ToolMode, ToolChoice | None] = {
    "settings": None,
    "on": ToolChoice("auto"),
    "off": ToolChoice("none"),
}


def tool_use(mode: ToolMode, demanded: ToolChoice | None = None) -> ToolUse:
    """What a turn of the window may do with tools: somebody is always there to ask."""
    return ToolUse(demanded if demanded is not None else _CHOICES[mode], attended=True)
