"""`tether sessions`: the conversations that are remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tether_desktop.cli import session_files
from tether_desktop.cli.backends.backend import Sessions
from tether_desktop.cli.backends.open_backend import open_sessions
from tether_desktop.cli.complete import session_ids
from tether_desktop.cli.message_text import print_message
from tether_desktop.cli.output import note, print_json, print_table, safe
from tether_desktop.cli.search_hits import print_hit
from tether_desktop.context.record_json import hit_json, message_json, session_json
from tether_desktop.settings import load_settings

if TYPE_CHECKING:
    from tether_desktop.context.records import SessionRecord

app = typer.Typer(help="List, show, search, export, import and delete conversations.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SessionId = Annotated[str, typer.Argument(help="A session's id, or its beginning.", autocompletion=session_ids)]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")]
Offset = Annotated[int, typer.Option("--offset", min=0, help="How many to pass over.")]

_R = TypeVar("_R")


@app.command("list")
def list_sessions(
    *,
    json: Json = False,
    deleted: Annotated[bool, typer.Option(help="Those in the bin instead.")] = False,
    archived: Annotated[bool, typer.Option("--archived", help="Those in the archive instead.")] = False,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """List the conversations, the last active first; pinned ones have a *."""
    if deleted and archived:
        raise typer.BadParameter("Give --deleted or --archived.")
    which = None if deleted else archived  # what was archived before it was deleted is in the bin all the same
    # One more than is shown tells whether there are others.
    found = _do(lambda sessions: sessions.list(deleted=deleted, archived=which, limit=limit + 1, offset=offset))
    shown = found[:limit]
    if json:
        print_json([session_json(session) for session in shown])
    elif shown:
        print_table(("SESSION", "LAST ACTIVE", "MODEL", "TITLE"), [_row(session) for session in shown])
    else:
        note("There are no further ones." if offset else _none(deleted=deleted, archived=archived))
    if len(found) > limit and not json:
        note(f"There are more: --offset {offset + limit} goes on.")


def _none(*, deleted: bool, archived: bool) -> str:
    if deleted:
        return "The bin is empty."
    return "The archive is empty." if archived else "There are no conversations yet."


@app.command("show")
def show_session(
    session_id: SessionId,
    *,
    json: Json = False,
    show_thinking: Annotated[bool, typer.Option("--show-thinking", help="Print the hidden thoughts too.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, max=1000, help="Only so many messages, the newest ones.")
    ] = None,
) -> None:
    """Print a conversation."""

    async def show(sessions: Sessions) -> None:
        session = await sessions.find(session_id)
        history = await sessions.history(session.id, limit=limit)
        if json:
            print_json({**session_json(session), "messages": [message_json(record) for record in history]})
            return
        for record in history:
            print_message(record, show_thinking=show_thinking)

    _do(show)


@app.command("search")
def search_sessions(
    query: Annotated[str, typer.Argument(help='Words to look for; "in quotation marks" they stand together.')],
    *,
    json: Json = False,
    limit: Limit = 20,
    offset: Offset = 0,
) -> None:
    """Find messages in which all the words stand."""
    hits = _do(lambda sessions: sessions.search(query, limit=limit, offset=offset))
    if json:
        print_json([hit_json(hit) for hit in hits])
    elif not hits:
        note("Nothing was found.")
    else:
        for hit in hits:
            print_hit(hit)


@app.command("rename")
def rename_session(
    session_id: SessionId,
    title: Annotated[str, typer.Argument(help="The new title; an empty one lets the next question name it.")],
) -> None:
    """Give a conversation another title."""
    named = _change(session_id, lambda sessions, found: sessions.rename(found.id, title))
    note(safe(f"{named.id[:8]} is called {named.title!r}." if named.title else f"{named.id[:8]} has no title."))


@app.command("pin")
def pin_session(session_id: SessionId) -> None:
    """Mark a conversation as one that the window shows before the others."""
    pinned = _change(session_id, lambda sessions, found: sessions.pin(found.id, pinned=True))
    note(safe(f"{_name(pinned)} is pinned."))


@app.command("unpin")
def unpin_session(session_id: SessionId) -> None:
    """Take that mark away."""
    unpinned = _change(session_id, lambda sessions, found: sessions.pin(found.id, pinned=False))
    note(safe(f"{_name(unpinned)} is not pinned."))


@app.command("archive")
def archive_session(session_id: SessionId) -> None:
    """Put a conversation out of the way; it can still be searched and gone on with."""
    archived = _change(session_id, lambda sessions, found: sessions.archive(found.id, archived=True))
    note(safe(f"{_name(archived)} is in the archive; `tether sessions list --archived` shows it."))


@app.command("unarchive")
def unarchive_session(session_id: SessionId) -> None:
    """Take a conversation out of the archive."""
    listed = _change(session_id, lambda sessions, found: sessions.archive(found.id, archived=False))
    note(safe(f"{_name(listed)} is in the list again."))


@app.command("branch")
def branch_session(
    session_id: SessionId,
    message_id: Annotated[str, typer.Argument(help="The last message of the copy; else all that is shown.")] = "",
) -> None:
    """Begin another conversation with a copy of what was said, and print its id."""
    copy = _change(session_id, lambda sessions, found: sessions.branch(found.id, message_id or None))
    typer.echo(copy.id)


@app.command("export")
def export_sessions(
    session_id: Annotated[
        str, typer.Argument(help="A session's id, or its beginning.", autocompletion=session_ids)
    ] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them, those in the bin included.")] = False,
    file_format: Annotated[
        session_files.Format, typer.Option("--format", help="json loses nothing; markdown is for people.")
    ] = "json",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; else stdout.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace a file that is there without asking.")] = False,
) -> None:
    """Write one conversation or all of them to a file or to stdout."""
    if every == bool(session_id):
        raise typer.BadParameter("Name one conversation, or give --all.")
    if every and file_format == "markdown":
        raise typer.BadParameter("Only one conversation at a time can be written as Markdown.")
    if output is not None and output.exists() and not yes:
        typer.confirm(f"Replace {output}?", abort=True, err=True)
    _do(lambda sessions: session_files.export(sessions, session_id or None, file_format, output))
    if output is not None:
        note(safe(f"Saved as {output}."))


@app.command("import")
def import_sessions(
    file: Annotated[Path, typer.Argument(help="An export of Tether's, or ChatGPT's conversations.json or archive.")],
    *,
    json: Json = False,
) -> None:
    """Add the conversations of a file."""
    report = _do(lambda sessions: sessions.import_from(file), to_change=True)
    if json:
        skipped = [{"title": each.title, "reason": each.reason} for each in report.skipped]
        print_json({"imported": [session_json(each) for each in report.imported], "skipped": skipped})
        return
    if report.imported:
        print_table(("SESSION", "LAST ACTIVE", "MODEL", "TITLE"), [_row(session) for session in report.imported])
    for each in report.skipped:
        note(safe(f"Not imported: {each.title}: {each.reason}"))
    note(f"{len(report.imported)} imported, {len(report.skipped)} skipped.")


@app.command("delete")
def delete_session(
    session_id: SessionId,
    *,
    erase: Annotated[bool, typer.Option("--erase", help="For good, instead of into the bin.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Erase without asking.")] = False,
) -> None:
    """Move a conversation to the bin, from where it can be restored."""
    if erase:
        erase_session(session_id, yes=yes)
        return
    deleted = _change(session_id, _deleted)
    note(safe(f"{_name(deleted)} is in the bin; `tether sessions restore {deleted.id[:8]}` brings it back."))


@app.command("restore")
def restore_session(session_id: SessionId) -> None:
    """Bring a conversation back from the bin."""
    restored = _change(session_id, lambda sessions, found: sessions.restore(found.id))
    note(safe(f"{_name(restored)} is back."))


@app.command("erase")
def erase_session(
    session_id: SessionId, *, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False
) -> None:
    """Remove a conversation for good, its traces in the database included."""
    # Asked between two runs of the event loop, in which Ctrl-C would not be heard.
    found = _do(lambda sessions: sessions.find(session_id))
    if not yes:
        typer.confirm(safe(f"Erase {_name(found)} for good? Nothing can bring it back."), abort=True, err=True)
    _do(lambda sessions: sessions.erase(found.id), to_change=True)
    note(safe(f"{_name(found)} is erased."))


def _do(work: Callable[[Sessions], Awaitable[_R]], *, to_change: bool = False) -> _R:
    """What comes of work on the conversations."""

    async def opened() -> _R:
        async with open_sessions(load_settings(), to_change=to_change) as sessions:
            return await work(sessions)

    return asyncio.run(opened())


def _change(beginning: str, change: Callable[[Sessions, SessionRecord], Awaitable[_R]]) -> _R:
    """What comes of a change to the session whose id begins so."""

    async def found(sessions: Sessions) -> _R:
        return await change(sessions, await sessions.find(beginning))

    return _do(found, to_change=True)


async def _deleted(sessions: Sessions, found: SessionRecord) -> SessionRecord:
    await sessions.delete(found.id)
    return found


def _name(session: SessionRecord) -> str:
    return session.title or session.id


def _row(session: SessionRecord) -> tuple[str, str, str, str]:
    title = f"* {session.title}" if session.pinned else session.title
    return session.id, f"{session.last_active.astimezone():%Y-%m-%d %H:%M}", session.model or "-", title
