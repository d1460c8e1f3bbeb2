"""`tether sessions`: the conversations that are remembered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tether_desktop.cli.call_lines import call_line, result_line
from tether_desktop.cli.output import note, print_json, print_table, safe
from tether_desktop.context.records import MessageRecord, SessionRecord
from tether_desktop.errors import SessionNotFound
from tether_desktop.messages import Part, Reasoning, Text, ToolCall, ToolResult
from tether_desktop.settings import load_settings

if TYPE_CHECKING:
    from tether_desktop.context.store import Store

app = typer.Typer(help="List, show and delete conversations.", no_args_is_help=True)

_PART_TYPES = {Text: "text", Reasoning: "reasoning", ToolCall: "tool_call"}

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SessionId = Annotated[str, typer.Argument(help="A session's id, or its beginning.")]


@app.command("list")
def list_sessions(
    *, json: Json = False, deleted: Annotated[bool, typer.Option(help="Those in the bin instead.")] = False
) -> None:
    """List the conversations, the last active first."""
    with _store() as store:
        sessions = store.list_sessions(deleted=deleted)
    if json:
        print_json([_session_json(session) for session in sessions])
    elif sessions:
        print_table(("SESSION", "LAST ACTIVE", "MODEL", "TITLE"), [_row(session) for session in sessions])
    else:
        note("The bin is empty." if deleted else "There are no conversations yet.")


@app.command("show")
def show_session(
    session_id: SessionId,
    *,
    json: Json = False,
    show_thinking: Annotated[bool, typer.Option("--show-thinking", help="Print the hidden thoughts too.")] = False,
) -> None:
    """Print a conversation."""
    with _store() as store:
        session = find_session(store, session_id)
        history = store.history(session.id)
    if json:
        print_json({**_session_json(session), "messages": [_message_json(record) for record in history]})
    else:
        for record in history:
            print_message(record, show_thinking=show_thinking)


@app.command("delete")
def delete_session(session_id: SessionId) -> None:
    """Move a conversation to the bin."""
    with _store() as store:
        session = find_session(store, session_id)
        store.delete_session(session.id)
    note(f"{session.title or session.id} is in the bin.")


def find_session(store: Store, beginning: str) -> SessionRecord:
    """The session whose id is, or alone begins with, that text.

    Raises:
        SessionNotFound: there is none, or there are several.
    """
    found = [session for session in store.list_sessions() if session.id.startswith(beginning)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} conversations begin with" if found else "No conversation has the id"
    raise SessionNotFound(
        "There is no such conversation", f"{what} {beginning!r}.", "`tether sessions list` shows all ids."
    )


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


@contextmanager
def _store() -> Iterator[Store]:
    """The database, beside a window that may have it open."""
    from tether_desktop.context.store import Store

    store = Store(load_settings().database_url)
    try:
        yield store
    finally:
        store.close()


def _row(session: SessionRecord) -> tuple[str, str, str, str]:
    return session.id, f"{session.last_active.astimezone():%Y-%m-%d %H:%M}", session.model or "-", session.title


def _session_json(session: SessionRecord) -> dict[str, Any]:
    return _with_iso_times(asdict(session))


def _message_json(record: MessageRecord) -> dict[str, Any]:
    parts = [{"type": _PART_TYPES.get(type(part), "tool_result"), **asdict(part)} for part in record.message.parts]
    fields = {**asdict(record), "role": record.message.role, "content": record.message.text, "parts": parts}
    del fields["message"]
    return _with_iso_times(fields)


def _with_iso_times(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in fields.items()}
