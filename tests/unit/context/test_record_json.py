"""The JSON of sessions, messages and hits says everything, and comes back as it was."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.context.record_json import (
    hit_from_json,
    hit_json,
    message_from_json,
    message_json,
    session_from_json,
    session_json,
)
from tether_desktop.context.records import MessageRecord, SearchHit, SessionRecord, Where
from tether_desktop.messages import (
    Attachment,
    FinishReason,
    Message,
    Phase,
    Reasoning,
    Role,
    Text,
    Timings,
    ToolCall,
    ToolResult,
    Usage,
)

TIMES = st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (hypothesis adds the zone)
WORDS, COUNTS = st.text(), st.integers(0, 2**40)
SECONDS = st.floats(0, 1e6)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | WORDS, lambda inner: st.lists(inner, max_size=3))
PARTS = st.one_of(
    st.builds(Text, WORDS),
    st.builds(Reasoning, WORDS, st.sampled_from(get_args(Phase)), st.none() | SECONDS),
    st.builds(ToolCall, WORDS, WORDS, st.dictionaries(WORDS, VALUES, max_size=3), WORDS),
    st.builds(ToolResult, WORDS, WORDS, WORDS, st.booleans(), st.none() | SECONDS),
    st.builds(Attachment, WORDS, WORDS, WORDS, COUNTS),
)
ROLES = st.sampled_from(get_args(Role))
SESSIONS = st.builds(
    SessionRecord,
    id=WORDS,
    title=WORDS,
    model=WORDS,
    head_id=st.none() | WORDS,
    created_at=TIMES,
    last_active=TIMES,
    deleted_at=st.none() | TIMES,
    pinned=st.booleans(),
    archived=st.booleans(),
    folder_id=st.none() | WORDS,
    unread=st.booleans(),
    persona=WORDS,
    overrides=st.dictionaries(WORDS, VALUES, max_size=2),
)
MESSAGES = st.builds(
    MessageRecord,
    id=WORDS,
    session_id=WORDS,
    parent_id=st.none() | WORDS,
    message=st.builds(Message, ROLES, st.lists(PARTS, max_size=4).map(tuple)),
    created_at=TIMES,
    model=WORDS,
    finish_reason=st.none() | st.sampled_from(get_args(FinishReason)),
    usage=st.none() | st.builds(Usage, COUNTS, COUNTS, COUNTS),
    timings=st.none() | st.builds(Timings, SECONDS, SECONDS, SECONDS, SECONDS),
    error=WORDS,
    tokens=st.none() | COUNTS,
    version=COUNTS,
    versions=COUNTS,
)
MARKS = st.lists(st.tuples(COUNTS, COUNTS), max_size=3).map(tuple)
WHERE = st.sampled_from(get_args(Where))
HITS = st.builds(SearchHit, WORDS, WORDS, WORDS, ROLES, TIMES, WORDS, MARKS, WHERE, WORDS)

some = settings(derandomize=True, max_examples=50, deadline=None)


@some
@given(SESSIONS)
def test_a_session_comes_back_as_it_was(session: SessionRecord) -> None:
    assert session_from_json(json.loads(json.dumps(session_json(session)))) == session


@some
@given(MESSAGES)
def test_a_message_comes_back_as_it_was(record: MessageRecord) -> None:
    assert message_from_json(json.loads(json.dumps(message_json(record)))) == record


@some
@given(HITS)
def test_a_hit_comes_back_as_it_was(hit: SearchHit) -> None:
    assert hit_from_json(json.loads(json.dumps(hit_json(hit)))) == hit


NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SESSION = SessionRecord("s", "Plans", "small", "m", NOW, NOW)
RECORD = MessageRecord("m", "s", None, Message("assistant", (Reasoning("hm"), Text("Hel"), Text("lo"))), NOW)


def test_a_session_is_written_with_all_its_fields() -> None:
    assert session_json(SESSION) == {
        "session_id": "s",
        "title": "Plans",
        "model": "small",
        "head_id": "m",
        "created_at": "2026-01-31T12:00:00+00:00",
        "last_active": "2026-01-31T12:00:00+00:00",
        "deleted_at": None,
        "pinned": False,
        "archived": False,
        "folder_id": None,
        "unread": False,
        "persona": "",
        "overrides": {},
    }


def test_a_message_is_written_with_its_visible_text_and_all_its_fields() -> None:
    written = message_json(RECORD)
    assert (written["role"], written["content"]) == ("assistant", "Hello")
    assert written["parts"][1] == {"type": "text", "text": "Hel"}
    assert written.keys() == {field.name for field in fields(MessageRecord)} - {"message"} | {
        "role",
        "content",
        "parts",
    }


def test_fields_of_other_versions_are_left_out_and_younger_ones_may_be_missing() -> None:
    session, message = session_json(SESSION) | {"colour": "red"}, message_json(RECORD) | {"colour": "red"}
    del session["pinned"], message["tokens"], message["version"], message["versions"]
    assert session_from_json(session) == SESSION
    assert message_from_json(message) == RECORD


def test_times_of_other_zones_are_the_same_moments() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    read = session_from_json(
        session_json(SESSION) | {"created_at": east.isoformat(), "last_active": "2026-01-31T12:00:00Z"}
    )
    assert (read.created_at, read.last_active) == (NOW, NOW)


@pytest.mark.parametrize("missing", ["session_id", "title", "created_at"])
def test_what_lacks_something_is_no_session(missing: str) -> None:
    written = session_json(SESSION)
    del written[missing]
    with pytest.raises(KeyError):
        session_from_json(written)


@pytest.mark.parametrize(
    "wrong", [{"created_at": "yesterday"}, {"created_at": 5}, {"parts": None}, {"usage": {"colour": 1}}]
)
def test_what_is_wrong_is_no_message(wrong: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        message_from_json(message_json(RECORD) | wrong)
