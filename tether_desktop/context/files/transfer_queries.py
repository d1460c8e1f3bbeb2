"""Whole conversations in an open transaction: read for a file, and added from one."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, insert, select

from tether_desktop.context import tree
from tether_desktop.context.files.import_faults import Unfit
from tether_desktop.context.kept_json import dump_overrides
from tether_desktop.context.parts import dump_parts
from tether_desktop.context.queries import find_session, find_tool_rules, message_record
from tether_desktop.context.records import Conversation, MessageRecord, SessionRecord
from tether_desktop.context.search_index import index_messages
from tether_desktop.context.shelves import folder_named
from tether_desktop.context.tables import FolderTable, MessageTable, SessionTable, ToolRuleTable
from tether_desktop.messages import Timings, Usage

_OWN_ID: Final = re.compile(r"[0-9a-f]{32}")
_AT_ONCE: Final = 500
_UNKNOWN_COSTS: Final = dict.fromkeys(field.name for kind in (Usage, Timings) for field in fields(kind))


def find_conversation(connection: Connection, session_id: str) -> Conversation:
    """A session with all there is of it.

    Raises:
        SessionNotFound: there is none of that id.
    """
    session = find_session(connection, session_id)
    in_session = select(MessageTable).where(MessageTable.session_id == session_id)
    rows = connection.execute(in_session.order_by(MessageTable.created_at)).all()
    versions = tree.number_versions([(row.id, row.parent_id) for row in rows])
    messages = tuple(message_record(row, *versions[row.id]) for row in rows)
    return Conversation(session, messages, find_tool_rules(connection, session_id), _folder_name(connection, session))


def add_conversation(connection: Connection, conversation: Conversation) -> str:
    """Add a session with all its messages; the id that it has got.

    It keeps its ids where they are ours and free. Where its id is taken by a session that has other messages, it gets
    one that is the same each time, so that the same file brings nothing twice.

    Raises:
        Unfit: it is there already.
    """
    session_id = _free_id(connection, conversation)
    ids = _message_ids(connection, conversation.messages)
    session = asdict(conversation.session) | {"id": session_id, "head_id": ids[conversation.session.head_id]}
    session |= {"overrides": dump_overrides(conversation.session.overrides)}
    session |= {"folder_id": folder_named(connection, conversation.folder)}
    connection.execute(insert(SessionTable).values(session))
    rows = [_values(message, session_id, ids) for message in conversation.messages]
    if rows:
        connection.execute(insert(MessageTable), rows)
        index_messages(connection, [row["id"] for row in rows])
    rules = [{"session_id": session_id, "tool": tool, "rule": rule} for tool, rule in conversation.tool_rules.items()]
    if rules:
        connection.execute(insert(ToolRuleTable), rules)
    return session_id


def _folder_name(connection: Connection, session: SessionRecord) -> str:
    name = select(FolderTable.name).where(FolderTable.id == session.folder_id)
    return connection.execute(name).scalar_one_or_none() or ""


def _free_id(connection: Connection, conversation: Conversation) -> str:
    wanted, said = conversation.session.id, _sayings(conversation.messages)
    for candidate in (wanted, _derived_id(wanted, said)):
        if not _OWN_ID.fullmatch(candidate):
            continue
        if connection.execute(select(SessionTable.id).where(SessionTable.id == candidate)).first() is None:
            return candidate
        present = find_conversation(connection, candidate)
        if said <= _sayings(present.messages):
            raise Unfit("It is there already." if present.session.deleted_at is None else "It is there, in the bin.")
    return uuid4().hex


def _sayings(messages: Sequence[MessageRecord]) -> Counter[bytes]:
    """A digest of each message and all that comes before it, whatever their ids; parents come first."""
    digests: dict[str | None, bytes] = {None: b""}
    for record in messages:
        said = f"{record.message.role} {dump_parts(record.message.parts)}".encode()
        digests[record.id] = hashlib.sha256(digests[record.parent_id] + said).digest()
    return Counter(digest for message_id, digest in digests.items() if message_id is not None)


def _derived_id(wanted: str, said: Counter[bytes]) -> str:
    name = hashlib.sha256(wanted.encode(errors="surrogatepass"))
    name.update(b"".join(sorted(said.elements())))
    return name.hexdigest()[:32]


def _message_ids(connection: Connection, messages: Sequence[MessageRecord]) -> dict[str | None, str | None]:
    """The ids that messages get: their own, or new ones where one of these is not ours or taken."""
    ids = [message.id for message in messages]
    are_ours = all(map(_OWN_ID.fullmatch, ids))
    keeps = are_ours and not any(
        connection.execute(select(MessageTable.id).where(MessageTable.id.in_(ids[start : start + _AT_ONCE]))).first()
        for start in range(0, len(ids), _AT_ONCE)
    )
    return {None: None} | {message_id: message_id if keeps else uuid4().hex for message_id in ids}


def _values(record: MessageRecord, session_id: str, ids: Mapping[str | None, str | None]) -> dict[str, Any]:
    values = _UNKNOWN_COSTS | {"session_id": session_id, "id": ids[record.id], "parent_id": ids[record.parent_id]}
    values |= {"created_at": record.created_at, "role": record.message.role, "model": record.model}
    values |= {"finish_reason": record.finish_reason, "error": record.error, "tokens": record.tokens}
    values |= {"parts": dump_parts(record.message.parts)}
    for cost in (record.usage, record.timings):
        values |= asdict(cost) if cost else {}
    return values
