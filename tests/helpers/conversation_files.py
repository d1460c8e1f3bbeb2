"""Files of conversations: what the program exports, what ChatGPT does, and histories of any shape."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tether_desktop.context.files.exports import write_export
from tether_desktop.context.store import Store
from tether_desktop.messages import (
    Attachment,
    FinishReason,
    Message,
    Part,
    Reasoning,
    Role,
    Text,
    Timings,
    ToolCall,
    ToolResult,
    Usage,
)

NOON = 1_750_000_000.0
"""The time, in seconds since 1970, at which the conversations of ChatGPT's begin here."""


def export_of(store: Store, session_ids: Sequence[str] | None = None) -> dict[str, Any]:
    """What is exported, without the time at which it was."""
    file = io.BytesIO()
    write_export(store, file, session_ids)
    document: dict[str, Any] = json.loads(file.getvalue())
    del document["exported_at"]
    return document


def write_json(path: Path, document: Any) -> Path:
    """Write a document as any JSON there can be, halves of surrogate pairs and numbers that are none included."""
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def write_zip(path: Path, members: Mapping[str, Any]) -> Path:
    """Write documents into a zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, document in members.items():
            archive.writestr(name, document if isinstance(document, str) else json.dumps(document))
    return path


def said(node_id: str, parent: str | None, role: str, *parts: Any, **message: Any) -> dict[str, Any]:
    """A place of ChatGPT's tree at which something was said; ``message`` replaces what is usual there."""
    usual: dict[str, Any] = {
        "id": node_id,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": None,
        "update_time": None,
        "content": {"content_type": "text", "parts": list(parts)},
        "status": "finished_successfully",
        "end_turn": role == "assistant",
        "weight": 1.0,
        "metadata": {"model_slug": "gpt-4o"} if role == "assistant" else {},
        "recipient": "all",
        "channel": None,
    }
    return {"id": node_id, "message": usual | message, "parent": parent, "children": []}


def chatgpt_conversation(*places: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A conversation as ChatGPT exports it: a root without a message, and below it these places.

    Those whose parent is None are below the root. The last one is shown.
    """
    root: dict[str, Any] = {"id": "client-created-root", "message": None, "parent": None, "children": []}
    mapping: dict[str, Any] = {"client-created-root": root}
    for number, place in enumerate(places, start=1):
        node = mapping[place["id"]] = {**place, "parent": place["parent"] or "client-created-root"}
        mapping[node["parent"]]["children"].append(node["id"])
        if node["message"]["create_time"] is None:
            node["message"] = node["message"] | {"create_time": NOON + number}
    usual: dict[str, Any] = {
        "title": "A talk",
        "create_time": NOON,
        "update_time": NOON + 100_000,
        "mapping": mapping,
        "current_node": places[-1]["id"] if places else "client-created-root",
        "conversation_id": "6ab2c6e6-76f8-83ea-8433-ea50e37fd704",
        "id": "6ab2c6e6-76f8-83ea-8433-ea50e37fd704",
        "default_model_slug": "gpt-5",
        "is_archived": False,
        "moderation_results": [],
        "gizmo_id": None,
    }
    return usual | fields


def plain_talk(**fields: Any) -> dict[str, Any]:
    """A question to ChatGPT and its answer."""
    question = said("q", None, "user", "Why is the sky blue?")
    return chatgpt_conversation(question, said("a", "q", "assistant", "Because of scattering."), **fields)


@dataclass(frozen=True)
class Saying:
    """A message of a history that is to be made.

    Attributes:
        below: which of the earlier messages it follows, counted from the last; of none when there are not so many.
    """

    below: int
    message: Message
    model: str
    finish_reason: FinishReason | None
    usage: Usage | None
    timings: Timings | None
    error: str
    tokens: int | None


@dataclass(frozen=True)
class History:
    """A session that is to be made."""

    title: str
    sayings: Sequence[Saying]
    shown: int
    pinned: bool
    archived: bool
    unread: bool
    folder: str
    overrides: Mapping[str, Any]
    deleted: bool
    refused_tools: Sequence[str]


def folder_id_of(store: Store, name: str) -> str:
    """The id of a folder, which is made where there is none of the name."""
    named = [folder.id for folder in store.list_folders() if folder.name == name]
    return named[0] if named else store.create_folder(name).id


def make_session(store: Store, history: History) -> str:
    """Make a session by what the program does for one; its id."""
    session = store.create_session(history.title, "a model")
    ids: list[str] = []
    for saying in history.sayings:
        parent = ids[-saying.below] if 0 < saying.below <= len(ids) else None
        record = store.add_message(session.id, saying.message, parent_id=parent, model=saying.model)
        store.update_reply(
            record.id,
            saying.message,
            finish_reason=saying.finish_reason,
            usage=saying.usage,
            timings=saying.timings,
            error=saying.error,
        )
        if saying.tokens is not None:
            store.set_tokens(record.id, saying.tokens)
        ids.append(record.id)
    if ids:
        store.select_version(session.id, ids[history.shown % len(ids)])
    for tool in history.refused_tools:
        store.set_tool_rule(session.id, tool, "never")
    store.pin_session(session.id, pinned=history.pinned)
    store.archive_session(session.id, archived=history.archived)
    store.mark_unread(session.id, unread=history.unread)
    store.configure_session(session.id, history.overrides, "Tutor" if history.overrides else "")
    if history.folder:
        store.move_sessions([session.id], folder_id_of(store, history.folder))
    if history.deleted:
        store.delete_session(session.id)
    return session.id


_ANY_CHARACTER = st.characters(exclude_categories=())
_TEXTS = st.one_of(
    st.text(_ANY_CHARACTER, max_size=30),
    st.sampled_from(
        ("", "\0", "\ud83d", "\ude00\ud83d", "\u2028", "\ufeff", "```", '"\\', "👩🏽‍🚀", "a\r\nb", "</details>")
    ),
)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=6,
)
_SECONDS = st.floats(0, 1e6)
_COUNTS = st.integers(0, 2**31 - 1)
_REASONS: tuple[FinishReason | None, ...] = ("stop", "length", "tool_calls", "cancelled", "error", None)


def _parts() -> st.SearchStrategy[Part]:
    return st.one_of(
        st.builds(Text, _TEXTS),
        st.builds(Reasoning, _TEXTS, st.sampled_from(("pre_tool", "post_tool")), st.none() | _SECONDS),
        st.builds(ToolCall, _TEXTS, _TEXTS, st.dictionaries(_TEXTS, _VALUES, max_size=3), _TEXTS),
        st.builds(ToolResult, _TEXTS, _TEXTS, _TEXTS, st.booleans(), st.none() | _SECONDS),
        st.builds(Attachment, _TEXTS, _TEXTS, _TEXTS, st.integers(0, 2**53)),
    )


def histories() -> st.SearchStrategy[History]:
    """Sessions of any shape: trees with several beginnings, texts that no text file can hold, nothing at all."""
    roles: tuple[Role, ...] = ("system", "user", "assistant", "tool")
    message = st.builds(Message, st.sampled_from(roles), st.lists(_parts(), max_size=4).map(tuple))
    saying = st.builds(
        Saying,
        below=st.integers(0, 5),
        message=message,
        model=_TEXTS,
        finish_reason=st.sampled_from(_REASONS),
        usage=st.none() | st.builds(Usage, _COUNTS, _COUNTS, _COUNTS),
        timings=st.none() | st.builds(Timings, _SECONDS, _SECONDS, _SECONDS, _SECONDS),
        error=_TEXTS,
        tokens=st.none() | _COUNTS,
    )
    return st.builds(
        History,
        title=_TEXTS,
        sayings=st.lists(saying, max_size=6),
        shown=st.integers(0, 5),
        pinned=st.booleans(),
        archived=st.booleans(),
        unread=st.booleans(),
        folder=st.sampled_from(("", "Work", "Füße 🗂️")),
        overrides=st.dictionaries(st.sampled_from(("top_k", "system_prompt")), _TEXTS, max_size=2),
        deleted=st.booleans(),
        refused_tools=st.lists(st.sampled_from(("weather", "read_file", "a-b_C9")), unique=True),
    )
