"""Tools called by hand, without a model, and as they are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tether_desktop.cli.backends.backend import ToolAnswer, ToolRow
from tether_desktop.cli.output import note, safe
from tether_desktop.errors import ToolNotFound

if TYPE_CHECKING:
    from tether_desktop.tools.toolbox import ToolEntry
    from tether_desktop.tools.toolkit import Toolkit

_MOST_CHARACTERS = 1_000_000


async def call_by_hand(tools: Toolkit, name: str, arguments: dict[str, Any], timeout_s: float) -> ToolAnswer:
    """Call a tool of this process, waiting for the MCP servers only where it may be theirs.

    Raises:
        ToolNotFound: there is no such tool.
    """
    from tether_desktop.tools.conversation import ConversationContext, in_conversation
    from tether_desktop.tools.executor import run_call

    if (tool := tools.toolbox.get(name)) is None:
        await tools.settled()
        tool = tools.toolbox.get(name)
    if tool is None:
        hint = "`tether tools list` shows what there is, and why not."
        raise ToolNotFound("There is no such tool", f"{name} is not there.", hint)
    typed = ConversationContext(texts_by_user="\n".join(str(value) for value in arguments.values()))
    with in_conversation(typed):
        output = await run_call(
            tool,
            arguments,
            timeout_s=timeout_s,
            most_characters=_MOST_CHARACTERS,
            on_progress=lambda message, _: note(safe(message)),
        )
    return ToolAnswer(output.text, output.is_error)


def tool_row(entry: ToolEntry) -> ToolRow:
    """A tool of this process as it is listed."""
    tool, declaration = entry.tool, entry.tool.declaration
    return ToolRow(
        declaration.name,
        tool.title,
        tool.origin,
        entry.enabled,
        entry.permission,
        declaration.description,
        declaration.parameters,
    )
