"""The importer and the schema say the same of what a conversation has to be."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tether_desktop import paths
from tether_desktop.context.files.conversation_file import conversation_of
from tether_desktop.context.files.import_faults import Unfit

SCHEMA = json.loads((paths.resources_dir() / "conversations.schema.json").read_text(encoding="utf-8"))
validator = Draft202012Validator(
    {**SCHEMA, "$ref": "#/$defs/session", "type": "object", "required": [], "properties": {}}
)

TIME = "2026-01-31T12:00:00+00:00"
SESSION: dict[str, Any] = {
    "session_id": "1",
    "title": "Talk",
    "model": "m",
    "head_id": "q",
    "created_at": TIME,
    "last_active": TIME,
    "deleted_at": TIME,
    "pinned": True,
    "archived": True,
    "folder": "Work",
    "unread": True,
    "persona": "Tutor",
    "overrides": {"temperature": 0.2},
    "tool_rules": {"weather": "never"},
    "messages": [
        {
            "id": "q",
            "role": "assistant",
            "content": "x",
            "created_at": TIME,
            "parts": [
                {"type": "text", "text": "x"},
                {"type": "reasoning", "text": "x", "phase": "post_tool", "seconds": 1.5},
                {"type": "tool_call", "id": "c", "name": "n", "arguments": {"a": 1}, "text": "x"},
                {"type": "tool_result", "id": "c", "name": "n", "result": "x", "is_error": True, "seconds": 1.5},
                {"type": "attachment", "name": "n", "text": "x", "media_type": "text/csv", "size": 3},
            ],
            "session_id": "1",
            "parent_id": None,
            "model": "m",
            "finish_reason": "stop",
            "usage": {"prompt_tokens": 1, "cached_tokens": 1, "completion_tokens": 1},
            "timings": {"queued_s": 1, "prefill_s": 1.5, "first_token_s": 0, "decode_s": 1},
            "error": "x",
            "tokens": 1,
            "version": 1,
            "versions": 1,
        }
    ],
}
VALUES = (
    None,
    True,
    0,
    -1,
    1.5,
    2**31,
    "",
    "x",
    "9",
    TIME,
    "2026-01-31",
    [],
    ["x"],
    {},
    {"x": 1},
    "never",
    "user",
    "stop",
)
LEFT_OUT = {"content", "version", "versions", "session_id"}
"""Fields of messages of which an import reads nothing."""


def fields(item: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each field of a document is, as the keys that lead there."""
    for key in item if isinstance(item, dict) else range(len(item)):
        yield (*path, key)
        if isinstance(item[key], dict | list):
            yield from fields(item[key], (*path, key))


def changed(path: tuple[Any, ...], *values: Any) -> dict[str, Any]:
    """The session with another value at a place; without that field where none is given."""
    session = copy.deepcopy(SESSION)
    container: Any = session
    for key in path[:-1]:
        container = container[key]
    if values:
        container[path[-1]] = values[0]
    else:
        del container[path[-1]]
    return session


def is_taken(session: dict[str, Any]) -> bool:
    try:
        conversation_of(session)
    except Unfit:
        return False
    return True


def is_free(path: tuple[Any, ...]) -> bool:
    """Whether a field is not read, or not described: the values of arguments, other objects' members."""
    return (len(path) == 3 and path[2] in LEFT_OUT) or bool({"arguments", "overrides"} & {*path[:-1]})


def test_the_session_that_is_changed_here_is_fine_by_both() -> None:
    validator.validate(SESSION)
    assert conversation_of(SESSION).session.pinned


@pytest.mark.parametrize("path", [path for path in fields(SESSION) if not is_free(path)], ids=str)
def test_the_importer_takes_what_the_schema_allows(path: tuple[Any, ...]) -> None:
    assert is_taken(changed(path)) == validator.is_valid(changed(path))
    for value in VALUES:
        # Whether a parent is there is no matter of the schema.
        if path[-1] == "parent_id" and value:
            continue
        session = changed(path, value)
        assert is_taken(session) == validator.is_valid(session), value
