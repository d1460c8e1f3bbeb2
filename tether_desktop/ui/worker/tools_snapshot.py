"""What the window is told of the tools, read from the core in the core's own thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tether_desktop import paths
from tether_desktop.ui.tools.tool_facts import ToolFacts, ToolsSnapshot
from tether_desktop.ui.translation import translate

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.tools.toolbox import ToolEntry


def tools_snapshot(tether: Tether) -> ToolsSnapshot:
    """All that is known of the tools now."""
    return ToolsSnapshot(
        tuple(map(_facts, tether.toolbox.entries())),
        tether.toolbox.problems(),
        tether.own_tools.files(),
        str(paths.tools_dir()),
        tether.mcp.servers(),
        str(paths.data_dir() / "mcp.json"),
        tether.mcp.problem,
    )


def _facts(entry: ToolEntry) -> ToolFacts:
    tool = entry.tool
    declaration = tool.declaration
    return ToolFacts(
        declaration.name,
        translate("Tools", tool.title),
        translate("Tools", tool.origin),
        declaration.description,
        entry.enabled,
        entry.permission,
        entry.may_always_run,
    )
