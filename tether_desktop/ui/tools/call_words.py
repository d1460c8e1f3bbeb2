"""What a card says of a tool call, in words."""

from __future__ import annotations

from tether_desktop.ui.chat.message_view import CallState, CallView
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.number_text import duration_text, whole
from tether_desktop.ui.tools.tool_facts import ToolNames
from tether_desktop.ui.translation import mark, translate

BROKEN = mark("ToolCalls", "A call that could not be understood")
WORTH_SAYING_S = 0.1
"""Of a call that took less, it is not said how long."""
MOST_RESULT = 20_000
"""Characters of a result that are laid out; copying takes all of it."""

_BRIEF = 200
_STATES: dict[CallState, tuple[str, str]] = {
    "waiting": (mark("ToolCalls", "waiting for your approval"), "warning"),
    "answered": (mark("ToolCalls", "one moment…"), "muted"),
    "running": (mark("ToolCalls", "running…"), "accent"),
    "done": (mark("ToolCalls", "done"), "success"),
    "failed": (mark("ToolCalls", "failed"), "danger"),
    "declined": (mark("ToolCalls", "declined"), "muted"),
    "interrupted": (mark("ToolCalls", "interrupted"), "warning"),
}


def title_of(call: CallView, names: ToolNames) -> str:
    """What people call the tool; its name where nothing more is known of it."""
    if call.text:
        return translate("ToolCalls", BROKEN)
    known = names.get(call.name)
    return visible(known.title if known and known.title else call.name)


def origin_of(call: CallView, names: ToolNames) -> str:
    """Where the tool is from; empty when that is not known."""
    known = names.get(call.name)
    return visible(translate("Tools", call.origin) if call.origin else known.origin if known else "")


def identity_of(call: CallView, names: ToolNames) -> str:
    """The name the model called, and where the tool is from: "server__echo · MCP server server"."""
    return " · ".join(filter(None, (visible(call.name), origin_of(call, names))))


def state_of(call: CallView) -> tuple[str, str]:
    """What became of the call, and the colour token for it."""
    words, color = _STATES[call.state]
    words = translate("ToolCalls", words)
    if call.text:
        return translate("ToolCalls", "not run"), color
    if call.state == "running" and call.progress is not None:
        percent = round(min(max(call.progress, 0.0), 1.0) * 100)
        return translate("ToolCalls", "running {percent} %").format(percent=percent), color
    seconds = call.seconds or 0.0
    if seconds >= WORTH_SAYING_S and call.state in {"done", "failed"}:
        return f"{words} · {duration_text(seconds)}", color
    return words, color


def brief_arguments(call: CallView) -> str:
    """The values of the arguments on one line, for a card that is closed."""
    return one_line(", ".join(str(value) for value in call.arguments.values()))


def one_line(text: str) -> str:
    """The beginning of a text on a single line."""
    return visible(" ".join(text[:_BRIEF].split()))


def shown_result(call: CallView) -> str:
    """The result as it is laid out."""
    if len(call.result) <= MOST_RESULT:
        return visible(call.result)
    rest = len(call.result) - MOST_RESULT
    more = translate("ToolCalls", "… and {count} more characters").format(count=whole(rest))
    return f"{visible(call.result[:MOST_RESULT])}\n{more}"
