"""The model finds what was said in earlier conversations, through the real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tether_desktop.context.store import Store
from tether_desktop.messages import text_message
from tether_desktop.tools.builtin.conversation_search import ConversationSearch
from tether_desktop.tools.conversation import ConversationContext, in_conversation


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'tether.db'}")
    yield store
    store.close()


def say(store: Store, text: str, title: str = "Talk", role: str = "user") -> str:
    session = store.create_session(title)
    store.add_message(session.id, text_message(role, text), parent_id=None)  # type: ignore[arg-type]
    return session.id


def test_a_hit_is_told_with_its_conversation_and_its_day(store: Store) -> None:
    say(store, "The dentist is on Friday.", "Appointments")
    say(store, "A dentist costs money.", "", "assistant")
    answer = ConversationSearch(store.search_messages).search_conversations("DENTIST")
    heading, newest, oldest = answer.split("\n\n")
    assert heading == "Earlier messages with 'DENTIST', newest first:"
    assert newest.endswith("the assistant in 'a conversation without a title':\nA dentist costs money.")
    assert oldest.endswith("the user in 'Appointments':\nThe dentist is on Friday.")
    (day,) = {record.last_active.astimezone().strftime("%Y-%m-%d") for record in store.list_sessions()}
    assert oldest.startswith(day)


def test_the_conversation_that_asks_is_left_out(store: Store) -> None:
    here = say(store, "What did I say about Rome?")
    say(store, "Rome was not built in a day.")
    with in_conversation(ConversationContext(here)):
        answer = ConversationSearch(store.search_messages).search_conversations("rome")
    assert "built" in answer
    assert "What did I say" not in answer


def test_words_are_looked_for_where_the_phrase_is_nowhere(store: Store) -> None:
    say(store, "Our holiday in Italy begins in June.")
    say(store, "Italy is warm.")
    say(store, "The weather is bad.")
    answer = ConversationSearch(store.search_messages).search_conversations("holiday plans Italy")
    assert [entry.partition("\n")[2] for entry in answer.split("\n\n")[1:]] == [
        "Our holiday in Italy begins in June.",
        "Italy is warm.",
    ]


@pytest.mark.parametrize("query", ["xyzzy", "", " ", "%", "a b", "\0", "word " * 1000])
def test_nothing_is_found_in_words(store: Store, query: str) -> None:
    say(store, "something")
    assert "No earlier message has" in ConversationSearch(store.search_messages).search_conversations(query)


@pytest.mark.parametrize(("limit", "count"), [(0, 1), (-5, 1), (3, 3), (10**9, 20)])
def test_the_number_of_results_has_limits(store: Store, limit: int, count: int) -> None:
    with store.together():
        for number in range(25):
            say(store, f"pear {number}")
    answer = ConversationSearch(store.search_messages).search_conversations("pear", limit)
    assert len(answer.split("\n\n")) - 1 == count
