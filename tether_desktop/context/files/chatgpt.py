"""Conversations of ChatGPT's data export, as ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tether_desktop.context.files.chatgpt_content import is_hidden, parts_of
from tether_desktop.context.files.chatgpt_reply import Draft
from tether_desktop.context.files.import_faults import Unfit
from tether_desktop.context.files.timeline import in_order
from tether_desktop.context.records import Conversation, SessionRecord
from tether_desktop.messages import Part

_SPEAKERS: Final = {"user", "assistant", "tool"}
_UNSHOWN_SPEAKERS: Final = {"system", "developer"}
"""Who tells the model what the service wants of it."""

_ONE_DAY = timedelta(days=1)

FIELDS: Final = {
    *("mapping", "current_node", "conversation_id", "id", "title", "create_time", "update_time"),
    *("default_model_slug", "is_starred"),
}
"""Members of a conversation that are read."""


def is_conversation(item: Any) -> bool:
    """Whether an element of a JSON array looks like a conversation of ChatGPT's."""
    return isinstance(item, dict) and isinstance(item.get("mapping"), dict)


def conversation_of(item: Any) -> Conversation:
    """A conversation as ours, with all its branches.

    A reply of ours is what ChatGPT keeps as several messages that follow each other: thoughts, calls of tools, what
    these answered, and text.

    Raises:
        Unfit: it is none, or nothing was said in it.
    """
    if not is_conversation(item):
        raise Unfit("It is no conversation.")
    nodes = _nodes(item["mapping"])
    drafts = _drafts(nodes, _beginning(item, nodes))
    written = {id(draft): draft for draft in drafts.values() if draft is not None}.values()
    messages = in_order([draft.record(_text(item.get("default_model_slug"))) for draft in written])
    if not messages:
        raise Unfit("Nothing was said in it.")
    head = drafts.get(_text(item.get("current_node")))
    session = SessionRecord(
        id=(_text(item.get("conversation_id")) or _text(item.get("id"))).replace("-", ""),
        title=" ".join(_text(item.get("title")).split()),
        # No model of this computer wrote it; who goes on with it chooses one.
        model="",
        head_id=head.id if head else messages[-1].id,
        created_at=_time(item.get("create_time")) or messages[0].created_at,
        last_active=messages[-1].created_at,
        pinned=item.get("is_starred") is True,
    )
    return Conversation(session, messages)


@dataclass(slots=True)
class _Node:
    """A place in the tree, at which there may be a message.

    Attributes:
        parent: the id of the place above, None at the top.
    """

    parent: str | None
    message: Mapping[str, Any] | None
    children: list[str] = field(default_factory=list)


def _nodes(mapping: Mapping[str, Any]) -> dict[str, _Node]:
    """The tree; a place whose parent is not there is at the top.

    Raises:
        Unfit: something in it cannot be understood.
    """
    nodes = {}
    below: dict[str, str] = {}
    for node_id, item in mapping.items():
        if not isinstance(item, dict) or not isinstance(item.get("message"), dict | None):
            raise Unfit("One of its messages is no JSON object.")
        nodes[node_id] = _Node(_text(item.get("parent")), item.get("message"))
        children = item.get("children")
        for child in children if isinstance(children, list) else ():
            below.setdefault(_text(child), node_id)
    for node_id, node in nodes.items():
        node.parent = next((each for each in (node.parent, below.get(node_id)) if each in nodes), None)
        if node.parent is not None:
            nodes[node.parent].children.append(node_id)
    return nodes


def _from_the_top(nodes: Mapping[str, _Node]) -> Iterator[str]:
    """The ids of all places, parents before their children.

    Raises:
        Unfit: some of them go in a circle.
    """
    reached = [node_id for node_id, node in nodes.items() if node.parent is None]
    for node_id in reached:  # grows while it is gone through
        yield node_id
        reached += nodes[node_id].children
    if len(reached) < len(nodes):
        raise Unfit("Its messages follow each other in a circle.")


def _drafts(nodes: Mapping[str, _Node], beginning: datetime) -> dict[str | None, Draft | None]:
    """For each place the message of ours to which it belongs, or the nearest one above; None where there is none."""
    drafts: dict[str | None, Draft | None] = {None: None}
    open_ends: set[str | None] = set()
    for node_id in _from_the_top(nodes):
        node = nodes[node_id]
        above = drafts[node.parent]
        # Where a reply parts into several, each goes on as a message of its own.
        is_alone = node.parent is not None and len(nodes[node.parent].children) == 1
        reply = above if is_alone and node.parent in open_ends else None
        role, parts = _said(node_id, node.message)
        message = node.message or {}
        if not parts:
            drafts[node_id] = above
        else:
            here = reply if reply and role != "user" else _new_draft(node_id, role, message, above, beginning)
            here.add(parts, message)
            drafts[node_id] = here
        if role != "user" if parts else reply:
            open_ends.add(node_id)
    return drafts


def _new_draft(node_id: str, role: str, message: Mapping[str, Any], above: Draft | None, beginning: datetime) -> Draft:
    time = _time(message.get("create_time")) or (above.time if above else beginning)
    return Draft(node_id, above.id if above else None, "user" if role == "user" else "assistant", time)


def _said(node_id: str, message: Mapping[str, Any] | None) -> tuple[str, list[Part]]:
    """Who speaks, and what is to be seen of it.

    Raises:
        Unfit: it cannot be understood.
    """
    if message is None:
        return "", []
    role = _text(_object(message.get("author")).get("role"))
    if role in _UNSHOWN_SPEAKERS:
        return role, []
    if role not in _SPEAKERS or not isinstance(message.get("content"), dict):
        raise Unfit("One of its messages is of a kind that is not known.")
    return role, [] if is_hidden(message) else parts_of(message, role, node_id)


def _beginning(item: Mapping[str, Any], nodes: Mapping[str, _Node]) -> datetime:
    """When the conversation began, as far as it can be told; now, where nothing tells."""
    told = _time(item.get("create_time"))
    times = (_time((node.message or {}).get("create_time")) for node in nodes.values())
    return told or min(filter(None, times), default=None) or _time(item.get("update_time")) or datetime.now(UTC)


def _time(value: Any) -> datetime | None:
    """The time of seconds since 1970, or of ISO 8601; None for what no clock has shown yet."""
    if isinstance(value, str):
        return _time_of_text(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    is_past = 0 < value < (datetime.now(UTC) + _ONE_DAY).timestamp()
    return datetime.fromtimestamp(value, UTC) if is_past else None


def _time_of_text(value: str) -> datetime | None:
    try:
        return _time(float(value))
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(value)
        return _time((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
