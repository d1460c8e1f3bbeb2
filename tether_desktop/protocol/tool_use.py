"""What a caller wants of tools in a turn, and what a person may answer when a call asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tether_desktop.errors import ToolError, ToolNotFound
from tether_desktop.messages import MODELS_CHOICE, ToolChoice
from tether_desktop.tools.tool import Tool

ApprovalAnswer = Literal["once", "always", "deny", "never"]
"""Allow this call, or every call of the tool in this chat; refuse this call, or every call of the tool in it."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """How a turn may use tools.

    Attributes:
        choice: which calls it may or must make; None leaves that to the settings.
        attended: whether somebody is there to answer when a call asks; if not, it is refused.
        allowed: tools whose calls need not ask.
        only: the tools there are to use; None is all.
    """

    choice: ToolChoice | None = None
    attended: bool = False
    allowed: frozenset[str] = frozenset()
    only: frozenset[str] | None = None


AS_SET = ToolUse()
"""As the settings say, with nobody there to ask."""

DENIED = "The person did not allow this call."
UNATTENDED = "This call needs a person's permission, and nobody is there to ask."
STOPPED = "The call was stopped before it had an answer."
"""What model and person read of calls that were not run, or not to their end."""


def offered_tools(
    tool_use: ToolUse, tools: Sequence[Tool], *, by_default: bool, formatted: bool
) -> tuple[tuple[Tool, ...], ToolChoice]:
    """What the model may call in a turn, and whether it must.

    Args:
        tool_use: what the caller wants.
        tools: what there is.
        by_default: whether tools are offered to a caller who says nothing.
        formatted: whether the reply has to be of a certain form, which leaves no room for calls.

    Raises:
        ToolError: a call is demanded that nothing can answer, or beside a format of the reply, or a tool is named
            that is not there.
    """
    choice = tool_use.choice
    if tool_use.only is not None:
        tools = _named(tool_use.only, tools)
    if choice is None:
        return (tuple(tools) if by_default and not formatted else ()), MODELS_CHOICE
    if choice.mode == "none":
        return (), choice
    if formatted:
        message = "A reply that has to be of a certain form cannot call tools."
        raise ToolError("Tools and a reply format", message, "Ask for one of both.")
    if choice.mode == "named" and choice.name not in {tool.declaration.name for tool in tools}:
        message = f"{choice.name} is not among the tools that may be called."
        raise ToolNotFound("There is no such tool", message, "`tether tools list` shows them.")
    if choice.mode == "required" and not tools:
        raise ToolError("There are no tools", "All of them are switched off.", "Switch some on in the settings.")
    return tuple(tools), choice


def _named(names: frozenset[str], tools: Sequence[Tool]) -> tuple[Tool, ...]:
    missing = names - {tool.declaration.name for tool in tools}
    if missing:
        message = f"{', '.join(sorted(missing))}: not among the tools that may be called."
        raise ToolNotFound("There is no such tool", message, "`tether tools list` shows them.")
    return tuple(tool for tool in tools if tool.declaration.name in names)
