"""Searching what was said: the newest hits, in visible text alone, whatever the letters."""

from __future__ import annotations

from datetime import UTC

import pytest

from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.messages import Message, Reasoning, Text, ToolCall, ToolResult, text_message

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)


def say(store: Store, text: str, title: str = "Talk") -> MessageRecord:
    session = store.create_session(title)
    return store.add_message(session.id, text_message("user", text), parent_id=None)


def found(store: Store, query: str, limit: int = 10) -> list[str]:
    return [hit.message_id for hit in store.search_messages(query, limit)]


def test_a_hit_says_where_it_is(store: Store) -> None:
    message = say(store, "We fly to Rome on Monday.", "Holidays")
    (hit,) = store.search_messages("to rome", 10)
    assert (hit.title, hit.session_id, hit.message_id, hit.role) == ("Holidays", message.session_id, message.id, "user")
    assert hit.created_at == message.created_at
    assert hit.created_at.tzinfo is UTC
    assert hit.excerpt == "We fly to Rome on Monday."


def test_the_newest_come_first_and_no_more_than_asked_for(store: Store) -> None:
    messages = [say(store, f"apple {number}").id for number in range(5)]
    assert found(store, "apple") == messages[::-1]
    assert found(store, "apple", limit=2) == messages[:2:-1]
    assert found(store, "apple", limit=0) == []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("ÄRGER im Büro", "ärger IM büro"),
        ("Straße", "STRASSE"),
        ("MASSE", "maße"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("Cafe\u0301", "café"),
        ("caf\xe9", "cafe\u0301"),
        ("two\n  lines", "two lines"),
        ('a \\ and a "quote"', '\\ and a "QUOTE"'),
        ("日本語で", "本語"),
        ("🚀 start", "🚀"),
    ],
)
def test_letters_are_the_same_however_they_are_written(store: Store, text: str, query: str) -> None:
    message = say(store, text)
    assert found(store, query) == [message.id]


@pytest.mark.parametrize("query", ["%", "_", "100%", "a_b", "*", "[a]", "\\", "' OR 1=1 --", "\0"])
def test_no_character_has_a_special_meaning(store: Store, query: str) -> None:
    say(store, "plain text, 100 of it, axb a")
    assert found(store, query) == []
    wanted = say(store, f"there is {query} in here")
    assert found(store, query) == [wanted.id]


@pytest.mark.parametrize("query", ["", "  \n", "\t"])
def test_nothing_is_found_for_nothing(store: Store, query: str) -> None:
    say(store, "something")
    assert found(store, query) == []


def test_only_visible_text_is_searched(store: Store) -> None:
    session = store.create_session("Talk")
    parts = (
        Reasoning("secret thought"),
        ToolCall("1", "look", {"where": "secret"}, "secret"),
        ToolResult("1", "look", "secret result"),
        Text("Visi"),
        Text("ble."),
    )
    message = store.add_message(session.id, Message("assistant", parts), parent_id=None)
    assert found(store, "secret") == found(store, "look") == found(store, "text") == []
    assert found(store, "visible") == [message.id]


def test_sessions_in_the_bin_and_the_one_left_out_are_not_searched(store: Store) -> None:
    binned, other, kept = (say(store, "pear") for _ in range(3))
    store.delete_session(binned.session_id)
    hits = store.search_messages("pear", 10, except_session=other.session_id)
    assert [hit.message_id for hit in hits] == [kept.id]
    store.restore_session(binned.session_id)
    assert found(store, "pear") == [kept.id, other.id, binned.id]


def test_versions_that_are_not_shown_are_found(store: Store) -> None:
    question = say(store, "Which fruit?")
    answers = [
        store.add_message(question.session_id, text_message("assistant", f"A {fruit}."), parent_id=question.id)
        for fruit in ("plum", "cherry")
    ]
    assert found(store, "plum") == [answers[0].id]
    assert [record.message.text for record in store.history(question.session_id)][1:] == ["A cherry."]


def test_an_excerpt_shows_what_is_around_the_hit(store: Store) -> None:
    say(store, "ß" * 300 + "\nHere is the ISLAND of treasures." + " word" * 200)
    (hit,) = store.search_messages("island", 1)
    before, _, after = hit.excerpt.partition("ISLAND")
    assert before.startswith("…ßß")
    assert before.endswith("Here is the ")
    assert after.startswith(" of treasures.")
    assert after.endswith("…")
    assert len(hit.excerpt) < 200


def test_a_long_history_is_searched_to_its_end(store: Store) -> None:
    with store.together():
        oldest = say(store, "the needle")
        for number in range(120):
            say(store, f"hay {number}")
    assert found(store, "needle") == [oldest.id]
