"""Searching what was said: the newest hits, in visible text alone, whatever the letters."""

from __future__ import annotations

from datetime import UTC

import pytest

from tether_desktop.context import proposals, search
from tether_desktop.context.records import MessageRecord, SearchHit
from tether_desktop.context.store import Store
from tether_desktop.messages import Attachment, Message, Reasoning, Text, ToolCall, ToolResult, text_message

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)


def say(store: Store, text: str, title: str = "Talk") -> MessageRecord:
    session = store.create_session(title)
    return store.add_message(session.id, text_message("user", text), parent_id=None)


def found(store: Store, query: str, limit: int = 10, offset: int = 0) -> list[str]:
    return [hit.message_id for hit in store.search_messages(query, limit, offset=offset)]


def marked(hit: SearchHit) -> list[str]:
    return [hit.excerpt[start:end] for start, end in hit.marks]


def test_a_hit_says_where_it_is(store: Store) -> None:
    message = say(store, "We fly to Rome on Monday.", "Holidays")
    (hit,) = store.search_messages("to rome", 10)
    assert (hit.title, hit.session_id, hit.message_id, hit.role) == ("Holidays", message.session_id, message.id, "user")
    assert hit.created_at == message.created_at
    assert hit.created_at.tzinfo is UTC
    assert hit.excerpt == "We fly to Rome on Monday."
    assert marked(hit) == ["to", "Rome"]


def test_the_newest_come_first_and_no_more_than_asked_for(store: Store) -> None:
    messages = [say(store, f"apple {number}").id for number in range(5)]
    assert found(store, "apple") == messages[::-1]
    assert found(store, "apple", limit=2) == messages[:2:-1]
    assert found(store, "apple", limit=2, offset=3) == messages[1::-1]
    assert found(store, "apple", limit=0) == found(store, "apple", offset=5) == []


def test_all_words_have_to_be_there_in_any_order(store: Store) -> None:
    both = [say(store, "A green apple"), say(store, "The apple is round and green.")]
    say(store, "A green pear")
    say(store, "A red apple")
    assert found(store, "apple green") == found(store, "GREEN  apple ") == [both[1].id, both[0].id]


def test_the_last_word_is_found_while_it_is_typed_and_others_as_a_whole(store: Store) -> None:
    wanted = say(store, "Photosynthesis needs sunlight")
    for end in range(1, len("photosynthesis") + 1):
        assert found(store, "photosynthesis"[:end]) == [wanted.id]
    assert found(store, "sunlight photo") == [wanted.id]
    assert found(store, "photo sunlight") == found(store, "synthesis") == found(store, "photosynthesiss") == []


@pytest.mark.parametrize("query", ["", "  \n", "\t", "\u00ad", "\u0301"])
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
    assert found(store, "secret") == found(store, "look") == found(store, "text") == found(store, "talk") == []
    assert found(store, "visible") == [message.id]


def test_sessions_in_the_bin_and_the_one_left_out_are_not_searched(store: Store) -> None:
    binned, other, kept = (say(store, "pear") for _ in range(3))
    store.delete_session(binned.session_id)
    hits = store.search_messages("pear", 10, except_session=other.session_id)
    assert [hit.message_id for hit in hits] == [kept.id]
    store.restore_session(binned.session_id)
    assert found(store, "pear") == [kept.id, other.id, binned.id]


def test_what_was_erased_is_not_found(store: Store) -> None:
    erased, kept = say(store, "plum and apple"), say(store, "plum and pear")
    store.erase_session(erased.session_id)
    assert found(store, "plum") == [kept.id]
    assert found(store, "apple") == []


def test_versions_that_are_not_shown_are_found(store: Store) -> None:
    question = say(store, "Which fruit?")
    answers = [
        store.add_message(question.session_id, text_message("assistant", f"A {fruit}."), parent_id=question.id)
        for fruit in ("plum", "cherry")
    ]
    assert found(store, "plum") == [answers[0].id]
    assert [record.message.text for record in store.history(question.session_id)][1:] == ["A cherry."]


def test_copies_of_a_branch_are_found_too(store: Store) -> None:
    message = say(store, "quince")
    copy = store.copy_branch(message.session_id)
    assert found(store, "quince")[1:] == [message.id] or found(store, "quince")[:1] == [message.id]
    assert {hit.session_id for hit in store.search_messages("quince", 9)} == {copy.id, message.session_id}


def test_a_reply_is_found_when_it_has_ended_and_by_its_last_text(store: Store) -> None:
    question = say(store, "Tell me")
    reply = store.add_message(question.session_id, Message("assistant"), parent_id=question.id)
    for words in ("Once", "Once upon", "Once upon a"):
        store.update_reply(reply.id, text_message("assistant", words))
    assert found(store, "once") == []
    store.update_reply(reply.id, text_message("assistant", "Twice upon a time"), finish_reason="stop")
    assert found(store, "upon time") == [reply.id]
    assert found(store, "once") == []
    store.update_reply(reply.id, text_message("assistant", "Never mind"), finish_reason="cancelled")
    assert found(store, "never") == [reply.id]
    assert found(store, "upon") == []


def test_a_reply_that_was_interrupted_is_found_after_the_next_start(store: Store) -> None:
    question = say(store, "Tell me")
    reply = store.add_message(question.session_id, Message("assistant"), parent_id=question.id)
    store.update_reply(reply.id, text_message("assistant", "Once upon a"))
    assert store.mark_interrupted() == 1
    assert found(store, "upon") == [reply.id]


def test_an_excerpt_shows_what_is_around_the_hit(store: Store) -> None:
    say(store, "ß" * 300 + "\nHere is the ISLAND of treasures." + " word" * 200)
    (hit,) = store.search_messages("island", 1)
    before, _, after = hit.excerpt.partition("ISLAND")
    assert before.startswith("…ßß")
    assert before.endswith("Here is the ")
    assert after.startswith(" of treasures.")
    assert after.endswith("…")
    assert len(hit.excerpt) < 200
    assert marked(hit) == ["ISLAND"]


def test_a_long_history_is_searched_to_its_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_MOST_ROWS", 7)
    with store.together():
        oldest = say(store, "本 and the needle of 語")
        wanted = [say(store, f"本語 {number}").id for number in range(30)]
        for _ in range(30):  # has both, but not beside each other, which the index alone cannot tell
            say(store, "a-b b.a")
    last = say(store, "a.b")
    assert found(store, "needle") == [oldest.id]
    assert found(store, "a.b") == [last.id]
    assert found(store, "本語", limit=100) == wanted[::-1]
    assert found(store, "本語", limit=5, offset=20) == wanted[9:4:-1]


def test_a_page_that_was_pasted_is_searched_for_by_its_first_words(store: Store) -> None:
    page = " ".join(f"word{number}" for number in range(3000))
    message = say(store, page)
    assert found(store, page) == [message.id]


def test_a_beginning_of_few_and_of_many_words_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.together():
        wanted = [say(store, f"begin{ending} here").id for ending in "abcdef"]
    say(store, "beggar")
    for most in (64, 3, 0):
        monkeypatch.setattr(proposals, "_MOST_ENDINGS", most)
        assert found(store, "begin") == found(store, "here begin") == wanted[::-1]


def test_long_words_are_found_by_all_of_them(store: Store) -> None:
    key = "k3y" * 40
    message, other = say(store, f"The key is {key}."), say(store, f"The key is {key}x.")
    assert found(store, key) == [other.id, message.id]
    assert found(store, f"{key} key") == [message.id]
    assert found(store, key[:50]) == [other.id, message.id]
    assert found(store, key[:50] + "!") == []


def test_a_message_of_very_many_words_is_kept_and_found_by_its_first_ones(store: Store) -> None:
    message = say(store, " ".join(f"word-number-{number:06}" for number in range(60_000)))
    assert found(store, "000007") == [message.id]


def test_messages_of_the_same_moment_are_all_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = store.create_session().created_at
    monkeypatch.setattr(store._clock, "now", lambda: moment)
    wanted = {say(store, "simultaneous").id for _ in range(20)}
    assert set(found(store, "simultaneous", limit=50)) == wanted


REPORT = Attachment("Q3 report.pdf", "Revenue grew.\nThe zebra crossing was repainted in May.", "application/pdf", 4000)


def ask_about(store: Store, text: str, *files: Attachment) -> MessageRecord:
    session = store.create_session("Talk")
    return store.add_message(session.id, Message("user", (*files, Text(text))), parent_id=None)


def test_a_file_is_found_by_its_text_and_by_its_name(store: Store) -> None:
    message = ask_about(store, "Sum it up", REPORT)
    say(store, "Revenue")
    (hit,) = store.search_messages("zebra may", 10)
    assert (hit.message_id, hit.where, hit.attachment) == (message.id, "attachment", "Q3 report.pdf")
    assert (marked(hit), "\n" in hit.excerpt) == (["zebra", "May"], False)
    (hit,) = store.search_messages("report.pdf", 10)
    assert (hit.where, marked(hit)) == ("attachment", ["report.pdf"])
    assert hit.excerpt.startswith("Q3 report.pdf: Revenue")


def test_what_was_said_goes_before_what_is_in_a_file(store: Store) -> None:
    message = ask_about(store, "Is revenue in it?", REPORT)
    (hit,) = store.search_messages("revenue", 10)
    assert (hit.message_id, hit.where, hit.attachment, hit.excerpt) == (message.id, "message", "", "Is revenue in it?")


def test_words_may_stand_partly_in_the_question_and_partly_in_its_files(store: Store) -> None:
    message = ask_about(store, "Sum it up", REPORT, Attachment("notes.txt", "Ostrich"))
    for query, where, marks in (("up zebra", "message", ["up"]), ("ostrich grew", "attachment", ["grew"])):
        (hit,) = store.search_messages(query, 10)
        assert (hit.message_id, hit.where, marked(hit)) == (message.id, where, marks)
    assert found(store, "zebra unicorn") == []


def test_the_files_of_an_erased_session_are_found_no_more(store: Store) -> None:
    message = ask_about(store, "Sum it up", REPORT)
    store.erase_session(message.session_id)
    assert found(store, "zebra") == []


def test_a_very_long_file_is_found_by_its_beginning(store: Store) -> None:
    pages = "".join(f"line {number} of many\n" for number in range(60_000))
    message = ask_about(store, "Sum it up", Attachment("log.txt", f"overture\n{pages}"))
    assert found(store, "overture 4000") == [message.id]


def everything(store: Store, query: str, limit: int = 10, offset: int = 0) -> list[tuple[str, str]]:
    return [(hit.where, hit.title) for hit in store.search(query, limit, offset=offset)]


def test_titles_come_before_messages_the_last_active_first(store: Store) -> None:
    say(store, "a pear", "Fruit")
    say(store, "nothing", "The Péar tree")
    say(store, "nothing", "Pears")
    assert everything(store, "pear") == [("title", "Pears"), ("title", "The Péar tree"), ("message", "Fruit")]
    assert everything(store, "tree pear") == [("title", "The Péar tree")]
    assert everything(store, "pear tree") == [("title", "The Péar tree")]
    hit = store.search("pear", 10)[1]
    assert (hit.message_id, hit.excerpt, marked(hit)) == ("", "The Péar tree", ["Péar"])
    assert hit.created_at == store.get_session(hit.session_id).last_active


def test_pages_of_titles_and_messages_follow_each_other_without_a_gap(store: Store) -> None:
    for number in range(4):
        say(store, f"apple {number}", f"Apple {number}")
    whole = everything(store, "apple")
    assert [where for where, _ in whole] == ["title"] * 4 + ["message"] * 4
    for size in (1, 3, 5):
        pages = [everything(store, "apple", limit=size, offset=offset) for offset in range(0, 10, size)]
        assert [hit for page in pages for hit in page] == whole


def test_the_archive_is_searched_and_the_bin_is_not(store: Store) -> None:
    archived, binned = say(store, "apple", "Apple"), say(store, "apple", "Apple")
    store.archive_session(archived.session_id, archived=True)
    store.delete_session(binned.session_id)
    assert {hit.session_id for hit in store.search("apple", 10)} == {archived.session_id}
    assert everything(store, "apple") == [("title", "Apple"), ("message", "Apple")]


@pytest.mark.parametrize("title", ["", "x" * 100_000, "\u202e\ud83d\0", "[(*?"])
def test_odd_titles_are_in_nobodys_way(store: Store, title: str) -> None:
    store.create_session(title)
    wanted = store.create_session("Apple [(*?").id
    assert store.search("apple [(*?", 10)[0].session_id == wanted
    assert store.search("   ", 10) == store.search("apple", 0) == []
