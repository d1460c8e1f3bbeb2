"""Pages and copies of the branch that a session shows."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import event

from tether_desktop.context import branches
from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import INTERRUPTED, Store
from tether_desktop.errors import MessageNotFound
from tether_desktop.messages import Message, Reasoning, Text, Timings, ToolCall, Usage, text_message

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)


def grow(store: Store, messages: int, seed: int = 1) -> tuple[str, list[MessageRecord]]:
    """A session with side branches everywhere, among first messages too, and what it shows."""
    chance, session = random.Random(seed), store.create_session("Grown", "m")
    ids: list[str | None] = [None]
    with store.together():
        for number in range(messages):
            parent = chance.choice(ids[-4:])
            role = chance.choice(("user", "assistant"))
            ids.append(
                store.add_message(
                    session.id, text_message(role, str(number)), parent_id=parent, finish_reason="stop"
                ).id
            )
    return session.id, store.history(session.id)


@pytest.mark.parametrize("seed", range(2))
def test_pages_are_pieces_of_the_whole_history(store: Store, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    session_id, whole = grow(store, 50, seed)
    assert any(record.versions > 1 for record in whole)
    for longest in (500, 3):
        monkeypatch.setattr(branches, "_LONGEST_PAGE", longest)
        for limit in (0, 1, 5, 1000):
            assert store.history(session_id, limit=limit) == (whole[-limit:] if limit else [])
            for place, record in enumerate(whole):
                page = store.history(session_id, limit=limit, before=record.id)
                assert page == whole[max(0, place - limit) : place]
        assert store.history(session_id, before=whole[-1].id) == whole[:-1]
        assert store.history(session_id, before=whole[0].id) == []


def test_a_message_beside_the_branch_begins_no_page(store: Store) -> None:
    session_id, whole = grow(store, 30)
    aside = store.add_message(session_id, text_message("user", "aside"), parent_id=whole[0].id)
    store.select_version(session_id, whole[-1].id)
    for limit in (5, None):
        with pytest.raises(MessageNotFound):
            store.history(session_id, limit=limit, before=aside.id)


def test_an_empty_session_has_empty_pages(store: Store) -> None:
    session = store.create_session()
    assert store.history(session.id, limit=50) == store.history(session.id, limit=1000) == []


def test_a_page_takes_as_many_statements_however_long_the_session_is(store: Store) -> None:
    statements: list[str] = []
    event.listen(store._database._engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    counts = set()
    for length in (40, 80):
        session_id, _ = grow(store, length)
        statements.clear()
        store.history(session_id, limit=10)
        counts.add(len(statements))
    assert len(counts) == 1


def test_a_copy_holds_what_is_shown_with_all_that_is_known_of_it(store: Store) -> None:
    session = store.create_session("Plans", "small")
    question = store.add_message(session.id, text_message("user", "Where?"), parent_id=None)
    parts = (Reasoning("hm"), ToolCall("1", "look", {"a": 1}), Text("There."))
    store.add_message(session.id, text_message("assistant", "Aside."), parent_id=question.id, finish_reason="stop")
    reply = store.add_message(session.id, Message("assistant"), parent_id=question.id, model="small")
    usage, timings = Usage(1, 2, 3), Timings(1.5, 2, 3, 4)
    store.update_reply(
        reply.id, Message("assistant", parts), finish_reason="length", usage=usage, timings=timings, error="e"
    )
    store.set_tokens(reply.id, 7)
    copy = store.copy_branch(session.id)
    assert (copy.title, copy.model, copy.pinned, copy.deleted_at) == ("Plans", "small", False, None)
    first, second = store.history(copy.id)
    assert copy.head_id == second.id
    assert (first.parent_id, second.parent_id) == (None, first.id)
    assert (second.message.parts, second.usage, second.timings, second.error) == (parts, usage, timings, "e")
    assert (second.finish_reason, second.tokens, second.model) == ("length", 7, "small")
    assert (second.version, second.versions) == (1, 1)
    assert not {first.id, second.id} & {record.id for record in store.history(session.id)}
    assert first.created_at == question.created_at < second.created_at < copy.created_at


def test_a_copy_goes_its_own_way(store: Store) -> None:
    session_id, whole = grow(store, 20)
    copy = store.copy_branch(session_id)
    added = store.add_message(copy.id, text_message("user", "more"), parent_id=copy.head_id)
    assert store.history(session_id) == whole
    assert store.history(copy.id)[-1] == added
    store.erase_session(session_id)
    assert len(store.history(copy.id)) == len(whole) + 1


def test_a_copy_ends_at_the_message_that_is_said_shown_or_not(store: Store) -> None:
    session_id, whole = grow(store, 20)
    copy = store.copy_branch(session_id, whole[2].id)
    assert [record.message for record in store.history(copy.id)] == [record.message for record in whole[:3]]
    aside = store.add_message(session_id, text_message("user", "aside"), parent_id=whole[0].id)
    store.select_version(session_id, whole[-1].id)
    copy = store.copy_branch(session_id, aside.id)
    assert [record.message for record in store.history(copy.id)] == [whole[0].message, aside.message]


def test_an_empty_session_has_an_empty_copy(store: Store) -> None:
    copy = store.copy_branch(store.create_session("Empty").id)
    assert (copy.title, copy.head_id, store.history(copy.id)) == ("Empty", None, [])


def test_what_is_being_written_is_copied_as_it_is_and_stays_so(store: Store) -> None:
    session = store.create_session()
    reply = store.add_message(session.id, Message("assistant"), parent_id=None)
    store.update_reply(reply.id, text_message("assistant", "Once upon"))
    copy = store.copy_branch(session.id)
    store.update_reply(reply.id, text_message("assistant", "Once upon a time"))
    assert store.mark_interrupted() == 1
    (copied,) = store.history(copy.id)
    assert (copied.message.text, copied.finish_reason, copied.error) == ("Once upon", "cancelled", "")
    assert store.history(session.id)[0].error == INTERRUPTED


def test_a_copy_that_fails_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id, _ = grow(store, 5)
    monkeypatch.setattr(branches, "_copies", lambda rows: [{**rows[0], "id": None}])
    before = store.list_sessions()
    with pytest.raises(Exception, match=r"NOT NULL|not-null"):
        store.copy_branch(session_id)
    assert store.list_sessions() == before
