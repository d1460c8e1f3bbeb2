"""Stored messages as a terminal shows them."""

from __future__ import annotations

import typer

from tether_desktop.cli.call_lines import call_line, result_line
from tether_desktop.cli.output import safe
from tether_desktop.context.records import MessageRecord
from tether_desktop.messages import Attachment, Part, Reasoning, Text, ToolCall, ToolResult


def print_message(record: MessageRecord, *, show_thinking: bool) -> None:
    """Print a message under the name of who wrote it, and how it ended where that is not plain."""
    speaker = "You" if record.message.role == "user" else record.model or record.message.role
    typer.echo(f"{safe(speaker)}:")
    for part in record.message.parts:
        line = _line(part, show_thinking=show_thinking)
        if line:
            typer.echo(safe(line))
    if record.finish_reason in {"cancelled", "error"}:
        typer.echo(f"({safe(record.error) or 'stopped'})")
    typer.echo()


def _line(part: Part, *, show_thinking: bool) -> str:
    """A part as a terminal shows it; empty for one that is not shown."""
    match part:
        case Text(text):
            return text
        case Reasoning(text):
            return f"<think>{text}</think>" if show_thinking else ""
        case ToolCall(_, name, arguments, text):
            return call_line(name, arguments, text)
        case ToolResult(_, name, result, is_error):
            return result_line(name, result, is_error=is_error)
        case Attachment(name):
            return f"[{name}]"
