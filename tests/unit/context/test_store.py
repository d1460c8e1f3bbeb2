"""The store: sessions, the message tree, and what survives."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from tests.helpers.clock import set_clock
from tether_desktop.context.records import MessageRecord, SessionRecord
from tether_desktop.context.store import INTERRUPTED, Store
from tether_desktop.context.tables import SessionTable
from tether_desktop.errors import MessageNotFound, SessionNotFound
from tether_desktop.messages import (
    Message,
    Reasoning,
    Text,
    Timings,
    ToolCall,
    ToolResult,
    Usage,
    text_message,
)

RICH = Message(
    "assistant",
    (
        Reasoning("hm\n", "pre_tool", 1.5),
        ToolCall("c1", "weather", {"city": "Zürich", "days": [1, 2], "exact": True, "note": None}),
        ToolResult("c1", "weather", "  rain\t", is_error=True),
        Reasoning("so", "post_tool"),
        Text("Ça va 👩🏽‍🚀\0 \ud83d end "),
        Text(""),
    ),
)

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)


def ask(store: Store, session_id: str, text: str, parent_id: str | None = None) -> MessageRecord:
    return store.add_message(session_id, text_message("user", text), parent_id=parent_id)


def answer(store: Store, question: MessageRecord, text: str) -> MessageRecord:
    message = text_message("assistant", text)
    return store.add_message(question.session_id, message, parent_id=question.id, model="m", finish_reason="stop")


def texts(records: list[MessageRecord]) -> list[str]:
    return [record.message.text for record in records]


def test_a_new_session_is_empty_and_in_the_list(store: Store) -> None:
    before = datetime.now(UTC)
    session = store.create_session("Ideas", "small-model")
    assert (session.title, session.model, session.head_id, session.deleted_at) == ("Ideas", "small-model", None, None)
    assert before <= session.created_at == session.last_active <= datetime.now(UTC) + timedelta(milliseconds=1)
    assert session.created_at.tzinfo is UTC
    assert store.list_sessions() == [session] == [store.get_session(session.id)]
    assert store.history(session.id) == []


def test_everything_is_there_after_reopening(store: Store, url: str) -> None:
    session = store.create_session("Ideas")
    question = ask(store, session.id, "Why?")
    reply = store.add_message(session.id, Message("assistant"), parent_id=question.id, model="m")
    usage, timings = Usage(10, 4, 3), Timings(0.1, 0.2, 0.3, 0.4)
    reply = store.update_reply(reply.id, RICH, finish_reason="length", usage=usage, timings=timings, error="e")
    sessions, history = store.list_sessions(), store.history(session.id)
    store.close()

    again = Store(url)
    try:
        assert again.list_sessions() == sessions
        assert again.history(session.id) == history == [question, reply]
        assert history[1].message == RICH
        assert (history[1].usage, history[1].timings, history[1].error) == (usage, timings, "e")
        assert (history[1].finish_reason, history[1].model) == ("length", "m")
    finally:
        again.close()


def test_sessions_are_listed_by_their_last_message_newest_first_and_in_pages(store: Store) -> None:
    first, second, third = (store.create_session(title) for title in "abc")
    ask(store, first.id, "hello")
    store.rename_session(second.id, "renaming is not talking")
    assert [session.id for session in store.list_sessions()] == [first.id, third.id, second.id]
    assert [session.id for session in store.list_sessions(limit=1, offset=1)] == [third.id]
    assert [session.id for session in store.list_sessions(offset=2)] == [second.id]
    assert store.list_sessions(limit=0) == []


def test_sessions_made_within_one_tick_of_the_clock_keep_their_order(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, datetime.now(UTC) + timedelta(hours=1))
    ids = [store.create_session().id for _ in range(50)]
    assert [session.id for session in store.list_sessions()] == ids[::-1]


def test_a_clock_set_back_does_not_reorder_a_conversation(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(url)
    session = store.create_session()
    question = ask(store, session.id, "q")
    first = answer(store, question, "first")
    store.close()
    set_clock(monkeypatch, datetime(2001, 1, 1, tzinfo=UTC))
    store = Store(url)
    second = answer(store, question, "second")
    assert texts(store.siblings(session.id, second.id)) == ["first", "second"]
    assert second.created_at > first.created_at
    store.close()


@pytest.mark.parametrize(("hours", "first"), [(3, "second"), (24 * 365, "first")])
def test_a_clock_set_back_by_hours_puts_no_new_chat_below_old_ones(
    url: str, monkeypatch: pytest.MonkeyPatch, hours: int, first: str
) -> None:
    moment = datetime(2026, 11, 22, 12, tzinfo=UTC)
    set_clock(monkeypatch, moment)
    store = Store(url)
    store.create_session("first")
    store.close()
    set_clock(monkeypatch, moment - timedelta(hours=hours))
    store = Store(url)
    store.create_session("second")
    assert store.list_sessions()[0].title == first
    store.close()


def test_a_session_is_renamed_and_remembers_its_model(store: Store) -> None:
    session = store.create_session()
    assert store.rename_session(session.id, "New name").title == "New name"
    store.set_session_model(session.id, "other")
    assert store.get_session(session.id).model == "other"


def test_a_title_that_no_database_takes_is_made_storable(store: Store) -> None:
    session = store.create_session("a\0b\ud800c\ud83d\ude00")
    assert store.get_session(session.id).title == "a\ufffdb\ufffdc😀"


def test_deleting_moves_to_the_bin_and_restoring_brings_all_back(store: Store) -> None:
    kept, session = store.create_session("kept"), store.create_session("gone")
    ask(store, session.id, "hello")
    before = store.get_session(session.id)
    store.delete_session(session.id)
    assert [each.id for each in store.list_sessions()] == [kept.id]
    binned = store.list_sessions(deleted=True)
    assert [each.id for each in binned] == [session.id]
    assert binned[0].deleted_at is not None
    assert store.restore_session(session.id) == before
    assert store.list_sessions(deleted=True) == []
    assert texts(store.history(session.id)) == ["hello"]


def test_history_is_the_branch_that_ends_at_the_head(store: Store) -> None:
    session = store.create_session()
    question = ask(store, session.id, "q1")
    reply = answer(store, question, "a1")
    followup = ask(store, session.id, "q2", reply.id)
    assert store.get_session(session.id).head_id == followup.id
    assert store.history(session.id) == [question, reply, followup]
    assert [record.parent_id for record in store.history(session.id)] == [None, question.id, reply.id]


def test_another_answer_is_a_sibling_and_nothing_is_lost(store: Store) -> None:
    session = store.create_session()
    question = ask(store, session.id, "q")
    first = answer(store, question, "first")
    ask(store, session.id, "below first", first.id)
    second = answer(store, question, "second")
    assert (second.version, second.versions) == (2, 2)
    assert texts(store.history(session.id)) == ["q", "second"]
    assert store.history(session.id)[1] == second
    assert texts(store.siblings(session.id, second.id)) == ["first", "second"]
    assert [record.version for record in store.siblings(session.id, first.id)] == [1, 2]

    shown = store.select_version(session.id, first.id)
    assert texts(shown) == ["q", "first", "below first"]
    assert [(record.version, record.versions) for record in shown] == [(1, 1), (1, 2), (1, 1)]
    assert store.history(session.id) == shown


def test_selecting_a_version_shows_the_newest_leaf_below_it(store: Store) -> None:
    session = store.create_session()
    question = ask(store, session.id, "q")
    reply = answer(store, question, "a")
    old = ask(store, session.id, "old", reply.id)
    new = ask(store, session.id, "new", reply.id)
    answer(store, old, "late answer to old")
    answer(store, question, "other")
    assert texts(store.select_version(session.id, reply.id)) == ["q", "a", "old", "late answer to old"]
    assert texts(store.select_version(session.id, new.id)) == ["q", "a", "new"]


def test_an_edited_first_question_is_a_version_of_it(store: Store) -> None:
    session, other = store.create_session(), store.create_session()
    ask(store, other.id, "of another session")
    first = ask(store, session.id, "first")
    edited = ask(store, session.id, "edited")
    assert (edited.version, edited.versions) == (2, 2)
    assert texts(store.siblings(session.id, first.id)) == ["first", "edited"]
    assert texts(store.history(session.id)) == ["edited"]


def test_a_streamed_reply_is_stored_character_for_character(store: Store) -> None:
    session = store.create_session()
    reply = store.add_message(session.id, Message("assistant"), parent_id=None, model="m")
    assert reply.finish_reason is None
    text = "".join(map(chr, [*range(0x250), 0x2028, 0xFEFF, 0x1F600, 0x10FFFF]))
    for end in range(0, len(text), 40):
        shown = text_message("assistant", text[:end])
        assert store.update_reply(reply.id, shown).message == shown
    done = store.update_reply(reply.id, text_message("assistant", text), finish_reason="stop")
    assert done.message.text == text
    assert store.get_message(session.id, reply.id) == done == store.history(session.id)[0]


def test_replies_left_open_are_marked_as_interrupted_and_keep_their_text(store: Store) -> None:
    session = store.create_session()
    question = ask(store, session.id, "q")
    finished = answer(store, question, "finished")
    torn = store.add_message(session.id, Message("assistant"), parent_id=question.id)
    store.update_reply(torn.id, text_message("assistant", "Once upon a"), usage=Usage(3, 0, 2))
    assert store.mark_interrupted() == 1
    marked = store.get_message(session.id, torn.id)
    assert (marked.finish_reason, marked.error, marked.message.text) == ("error", INTERRUPTED, "Once upon a")
    assert store.get_message(session.id, finished.id).finish_reason == "stop"
    assert store.get_message(session.id, question.id).finish_reason is None
    assert store.mark_interrupted() == 0


def test_pinned_sessions_and_the_others_can_be_listed_apart(store: Store) -> None:
    first, second, third = (store.create_session(title) for title in "abc")
    assert store.pin_session(first.id, pinned=True).pinned
    store.pin_session(third.id, pinned=True)
    assert [session.id for session in store.list_sessions()] == [third.id, second.id, first.id]
    assert [session.id for session in store.list_sessions(pinned=True)] == [third.id, first.id]
    assert [session.id for session in store.list_sessions(pinned=False)] == [second.id]
    store.delete_session(third.id)
    assert store.list_sessions(pinned=True) == [store.get_session(first.id)]
    assert store.pin_session(first.id, pinned=False) == first
    assert store.list_sessions(pinned=True) == []


def test_a_session_is_found_by_the_beginning_of_its_id_in_the_list_and_the_bin(store: Store) -> None:
    sessions = [store.create_session() for _ in range(40)]
    store.delete_session(sessions[0].id)
    for session in (store.get_session(sessions[0].id), sessions[1]):
        assert store.find_session(session.id) == store.find_session(session.id[:12]) == session
    doubled = next(each.id[0] for each in sessions if sum(other.id[0] == each.id[0] for other in sessions) > 1)
    with pytest.raises(SessionNotFound, match=f"conversations begin with '{doubled}'") as caught:
        store.find_session(doubled)
    assert "sessions list" in caught.value.hint


@pytest.mark.parametrize("beginning", ["", "%", "_", "nope", "\0", "\ud800", "x" * 100, "' OR 1=1 --"])
def test_what_begins_no_id_finds_no_session(store: Store, beginning: str) -> None:
    store.create_session()
    with pytest.raises(SessionNotFound, match="No conversation has the id"):
        store.find_session(beginning)


def test_the_count_of_tokens_is_kept_until_the_text_is_another(store: Store) -> None:
    reply = store.add_message(store.create_session().id, text_message("assistant", "a b"), parent_id=None)
    assert reply.tokens is None
    store.set_tokens(reply.id, 2)
    assert store.get_message(reply.session_id, reply.id).tokens == 2
    assert store.history(reply.session_id)[0].tokens == 2
    assert store.update_reply(reply.id, text_message("assistant", "a b c")).tokens is None


SESSION_CALLS: list[Callable[[Store], object]] = [
    lambda store: store.get_session("nope"),
    lambda store: store.get_session("\0"),
    lambda store: store.rename_session("nope", "x"),
    lambda store: store.pin_session("nope", pinned=True),
    lambda store: store.copy_branch("nope"),
    lambda store: store.history("nope", limit=1),
    lambda store: store.set_session_model("nope", "x"),
    lambda store: store.delete_session("nope"),
    lambda store: store.restore_session("nope"),
    lambda store: store.erase_session("nope"),
    lambda store: store.history("nope"),
    lambda store: store.select_version("nope", "nope"),
    lambda store: ask(store, "nope", "x"),
]


@pytest.mark.parametrize("call", SESSION_CALLS)
def test_an_unknown_session_is_said_to_be_missing(store: Store, call: Callable[[Store], object]) -> None:
    with pytest.raises(SessionNotFound, match="There is no conversation") as caught:
        call(store)
    assert caught.value.hint


def test_an_unknown_message_is_said_to_be_missing(store: Store) -> None:
    session, other = store.create_session(), store.create_session()
    foreign = ask(store, other.id, "of another session")
    calls: list[Callable[[], object]] = [
        lambda: store.update_reply("nope", Message("assistant")),
        lambda: store.set_tokens("nope", 1),
        *(
            call
            for message_id in ("nope", foreign.id)
            for call in (
                lambda message_id=message_id: store.get_message(session.id, message_id),
                lambda message_id=message_id: store.copy_branch(session.id, message_id),
                lambda message_id=message_id: store.history(session.id, before=message_id),
                lambda message_id=message_id: store.history(session.id, limit=1, before=message_id),
                lambda message_id=message_id: store.siblings(session.id, message_id),
                lambda message_id=message_id: store.select_version(session.id, message_id),
                lambda message_id=message_id: ask(store, session.id, "x", message_id),
            )
        ),
    ]
    for call in calls:
        with pytest.raises(MessageNotFound) as caught:
            call()
        assert caught.value.hint
    assert store.history(session.id) == []
    assert store.get_session(session.id) == session
    assert len(store.list_sessions()) == 2


def test_the_number_of_statements_does_not_grow_with_the_conversation(store: Store) -> None:
    statements: list[str] = []
    event.listen(store._database._engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    counts = []
    for length in (2, 40):
        session = store.create_session()
        parent: str | None = None
        for number in range(length):
            ask(store, session.id, "another version", parent)
            parent = ask(store, session.id, str(number), parent).id
        statements.clear()
        assert [(record.version, record.versions) for record in store.history(session.id)] == [(2, 2)] * length
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_many_threads_may_write_at_once(store: Store) -> None:
    sessions = [store.create_session() for _ in range(4)]

    def talk(number: int) -> None:
        session = sessions[number % 4]
        reply = store.add_message(session.id, Message("assistant"), parent_id=None)
        for step in range(10):
            store.update_reply(reply.id, text_message("assistant", f"{number}:{step}"))
            store.history(session.id)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(talk, range(32)))
    for session in sessions:
        roots = store.siblings(session.id, store.history(session.id)[0].id)
        assert len(roots) == 8
        assert all(record.message.text.endswith(":9") for record in roots)


def test_what_is_done_together_is_stored_as_a_whole_or_not_at_all(store: Store, url: str) -> None:
    session = store.create_session()

    def fail_in_the_middle() -> None:
        with store.together():
            ask(store, session.id, "Lost?")
            store.rename_session(session.id, "Lost")
            assert texts(store.history(session.id)) == ["Lost?"]
            store.add_message(session.id, text_message("assistant", ""), parent_id="nobody")

    with pytest.raises(MessageNotFound):
        fail_in_the_middle()
    assert store.history(session.id) == []
    assert store.get_session(session.id).title == ""
    with store.together():
        question = ask(store, session.id, "Kept?")
        store.rename_session(session.id, "Kept")
        answer(store, question, "Yes.")
    other = Store(url)
    assert texts(other.history(session.id)) == ["Kept?", "Yes."]
    assert other.get_session(session.id).title == "Kept"
    other.close()


def test_another_thread_does_not_see_what_is_being_done_together(store: Store) -> None:
    session = store.create_session()
    with ThreadPoolExecutor(1) as pool, store.together():
        ask(store, session.id, "Not yet")
        assert pool.submit(store.history, session.id).result() == []


def test_what_was_said_about_a_tool_holds_in_its_session_alone(store: Store) -> None:
    session, other = store.create_session(), store.create_session()
    store.set_tool_rule(session.id, "weather", "always")
    store.set_tool_rule(session.id, "mail", "always")
    store.set_tool_rule(session.id, "mail", "never")
    store.set_tool_rule(session.id, "files", "never")
    store.set_tool_rule(session.id, "files", None)
    assert store.tool_rules(session.id) == {"weather": "always", "mail": "never"}
    assert store.tool_rules(other.id) == {}


def test_rules_for_tools_go_with_their_session(store: Store) -> None:
    session = store.create_session()
    store.set_tool_rule(session.id, "weather", "always")
    store.erase_session(session.id)
    with pytest.raises(SessionNotFound):
        store.tool_rules(session.id)
    with pytest.raises(SessionNotFound):
        store.set_tool_rule(session.id, "weather", "always")


def test_the_columns_of_a_session_are_in_the_order_of_its_fields(kind: str) -> None:
    columns = [column.name for column in SessionTable.__table__.columns]
    assert columns == [field.name for field in dataclasses.fields(SessionRecord)]
