"""Conversations as JSON that can be read back without loss."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

from tether_desktop import __version__
from tether_desktop.context.files.conversation_file import FORMAT, VERSION, portable_rules, settled
from tether_desktop.context.files.markdown_export import markdown_of
from tether_desktop.context.record_json import message_json, session_json
from tether_desktop.context.records import Conversation
from tether_desktop.context.store import Store
from tether_desktop.errors import SessionNotFound

__all__ = ["markdown_of", "write_export"]


def write_export(store: Store, file: BinaryIO, session_ids: Sequence[str] | None) -> None:
    """Write sessions with all versions of their messages as one JSON document.

    Only one session at a time is in memory, and each is written as it is at one moment, while others go on. One that
    is erased in the meantime is left out.

    Args:
        store: where they are.
        file: where to.
        session_ids: which, in that order; None is all, the bin included, the last active first.

    Raises:
        SessionNotFound: one of those asked for is not there; nothing has been written then.
        OSError: the file cannot be written.
    """
    ids = _all_ids(store) if session_ids is None else list(dict.fromkeys(session_ids))
    if session_ids is not None:
        for session_id in ids:
            store.get_session(session_id)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": datetime.now(UTC).isoformat(),
        "program": f"Tether Desktop {__version__}",
    }
    file.write(_json(about)[:-1] + b',"sessions":[')
    separator = b"\n"
    for conversation in _each(store, ids):
        file.write(separator)
        file.writelines(_lines(conversation))
        separator = b",\n"
    file.write(b"\n]}\n")


def _all_ids(store: Store) -> list[str]:
    with store.together():  # or one that goes to the bin, or comes back from it, could be missed
        return [session.id for deleted in (False, True) for session in store.list_sessions(deleted=deleted)]


def _each(store: Store, session_ids: Sequence[str]) -> Iterator[Conversation]:
    for session_id in session_ids:
        try:
            yield store.conversation(session_id)
        except SessionNotFound:
            continue


def _lines(conversation: Conversation) -> Iterator[bytes]:
    """A session, each message in a line of its own."""
    rules = portable_rules(conversation.tool_rules)
    fields = session_json(conversation.session) | {"folder": conversation.folder}
    del fields["folder_id"]  # which says nothing elsewhere
    fields |= {"tool_rules": rules} if rules else {}
    yield _json(fields)[:-1] + b',"messages":['
    separator = b"\n"
    for record in conversation.messages:
        yield separator + _json(message_json(settled(record)))
        separator = b",\n"
    yield b"\n]}"


def _json(fields: dict[str, Any]) -> bytes:
    try:
        return json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair is no UTF-8, but its escape can be written
        return json.dumps(fields, allow_nan=False, separators=(",", ":")).encode()
