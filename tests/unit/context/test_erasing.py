"""Erasing leaves nothing behind, in any file."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event, insert

from tether_desktop.context import erasing, sqlite
from tether_desktop.context.records import Draft, MessageRecord, Snippet
from tether_desktop.context.search_index import forget_sessions
from tether_desktop.context.store import Store
from tether_desktop.context.tables import MessageTable
from tether_desktop.errors import SessionNotFound, StoreBusy, StoreFull
from tether_desktop.messages import Message, text_message

MARK = "Rumpel"


def traces(database: Path) -> list[str]:
    """The files beside the database, itself included, that hold the secret as it was said or as it was indexed."""
    return [file.name for file in database.parent.iterdir() if MARK.encode().lower() in file.read_bytes().lower()]


def tell_secret(store: Store) -> str:
    session = store.create_session(f"About {MARK}")
    question = store.add_message(session.id, text_message("user", f"{MARK}? " * 20), parent_id=None)
    reply = store.add_message(session.id, Message("assistant"), parent_id=question.id, model=MARK)
    for words in range(0, 3000, 250):
        store.update_reply(reply.id, text_message("assistant", f"{MARK} " * words), error=MARK)
    return session.id


def test_an_erased_session_is_gone_from_every_file(store: Store, database: Path) -> None:
    kept = store.create_session("kept")
    session_id = tell_secret(store)
    store.delete_session(session_id)
    assert traces(database)
    store.erase_session(session_id)
    assert traces(database) == []
    with pytest.raises(SessionNotFound):
        store.history(session_id)
    assert store.list_sessions() == [kept]
    assert store.list_sessions(deleted=True) == []


def index_words(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {word for (word,) in connection.execute("SELECT term FROM message_search_terms")}


def test_the_search_index_forgets_the_words_of_an_erased_session_and_no_others(store: Store, database: Path) -> None:
    chance = random.Random(3)
    words = ["".join(chance.choices("ghijklmnopqrstuvw", k=9)) for _ in range(400)]
    secret, public = words[:200], words[100:]
    session_ids = [store.create_session().id for _ in range(2)]
    for session_id, said in zip(session_ids, (secret, public), strict=True):
        with store.together():
            for word in said:
                store.add_message(session_id, text_message("user", f"{word} zq{word}"), parent_id=None)
    assert set(words) < index_words(database)
    store.erase_session(session_ids[0])
    assert index_words(database) == {form for word in public for form in (word, f"zq{word}")}
    store.close()
    left = database.read_bytes()
    # A word that others share its beginning with is kept as its end alone.
    assert not any(word.encode()[3:] in left for word in secret if word not in public)
    assert sum(word.encode()[3:] in left for word in public) == len(public)


def test_a_long_session_leaves_the_index_with_few_writes(store: Store) -> None:
    session = store.create_session()
    with store.together():
        for number in range(300):
            store.add_message(session.id, text_message("user", f"word{number}"), parent_id=None)
    with store._database.write() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM message_search_data").scalar_one()
        forget_sessions(connection, [session.id])
        after = connection.exec_driver_sql("SELECT count(*) FROM message_search_data").scalar_one()
    assert after < before + 20


def test_rows_that_moved_between_pages_leave_no_copies(store: Store, database: Path) -> None:
    chance = random.Random(2)  # one of the courses that leave copies when nothing but secure_delete removes them
    words = {store.create_session().id: word for word in (MARK, "public", "common")}
    replies: list[MessageRecord] = []
    for number, (session_id, word) in enumerate(list(words.items()) * 130):
        short = text_message("assistant", word * chance.randint(1, 20))
        replies.append(store.add_message(session_id, short, parent_id=None))
        if number % 2 == 0:
            index = chance.randrange(len(replies))
            grown = replies[index]
            longer = grown.message.text + words[grown.session_id] * chance.randint(1, 60)
            replies[index] = store.update_reply(grown.id, text_message("assistant", longer))
    store.erase_session(next(iter(words)))
    assert traces(database) == []
    assert len(store.list_sessions()) == 2


def test_a_long_conversation_with_branches_is_erased_whole(store: Store) -> None:
    session = store.create_session()
    row = {"session_id": session.id, "created_at": session.created_at, "role": "user", "parts": "[]"}
    row |= {"model": "", "error": ""}
    rows = [row | {"id": str(number), "parent_id": str(number // 2) if number else None} for number in range(5000)]
    with store._database.write() as connection:
        connection.execute(insert(MessageTable), rows)
    store.erase_session(session.id)
    with store._database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM messages").scalar() == 0


def test_copies_made_before_migrating_go_too(store: Store, database: Path) -> None:
    session_id = tell_secret(store)
    copy = sqlite.copy_beside(database, "0001")
    stranger = database.with_name("tether.db.notes")
    stranger.touch()
    assert copy.name in traces(database)
    store.erase_session(session_id)
    assert traces(database) == []
    assert not copy.exists()
    assert stranger.exists()


def test_a_reader_that_holds_old_pages_is_told_of_and_the_next_start_removes_them(url: str, database: Path) -> None:
    store = Store(f"{url}?timeout=0.01")
    session_id = tell_secret(store)
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sessions").fetchone()
        with pytest.raises(StoreBusy, match="traces of it remain") as caught:
            store.erase_session(session_id)
        assert "next start" in caught.value.hint
        assert store.list_sessions() == []
        assert traces(database)
        store.close()
        Store(f"{url}?timeout=0.01").close()
        assert traces(database)
    Store(url).close()
    assert traces(database) == []


def test_a_program_killed_before_scrubbing_scrubs_at_the_next_start(
    store: Store, url: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = tell_secret(store)
    sqlite.copy_beside(database, "0001")
    with monkeypatch.context() as patch:
        patch.setattr(store._database, "scrub", lambda: None)
        store.erase_session(session_id)
    store.close()
    assert traces(database)
    Store(url).close()
    assert traces(database) == []


def test_a_draft_goes_with_its_session_and_leaves_no_trace(store: Store, database: Path) -> None:
    session = store.create_session()
    store.save_draft(session.id, Draft(f"{MARK} " * 500))
    store.save_draft(session.id, Draft(f"{MARK} again"))
    store.erase_session(session.id)
    assert (traces(database), store.draft(session.id), store.drafted_sessions()) == ([], Draft(), set())


def test_emptying_the_bin_erases_what_has_been_in_it_for_long_enough(store: Store, database: Path) -> None:
    old, new = tell_secret(store), store.create_session("Young").id
    kept = store.create_session("Kept")
    store.delete_session(old)
    after_the_first = datetime.now(UTC)
    store.delete_session(new)
    assert store.purge_bin(after_the_first) == [old]
    store.scrub()
    assert traces(database) == []
    assert [session.id for session in store.list_sessions(deleted=True)] == [new]
    assert store.purge_bin() == [new]
    assert store.purge_bin() == []
    assert store.list_sessions() == [kept]


def test_a_program_killed_between_emptying_the_bin_and_scrubbing_scrubs_at_the_next_start(
    url: str, database: Path
) -> None:
    store = Store(url)
    store.delete_session(tell_secret(store))
    store.purge_bin()
    assert traces(database)
    again = Store(url)
    again.close()
    store.close()
    assert traces(database) == []


def test_erasing_everything_leaves_only_what_is_no_conversation(store: Store, database: Path) -> None:
    listed, binned = tell_secret(store), tell_secret(store)
    store.delete_session(binned)
    store.move_sessions([listed], store.create_folder(f"{MARK}'s").id)
    store.save_draft("", Draft(MARK))
    store.save_draft(listed, Draft(MARK))
    store.set_tool_rule(listed, "weather", "never")
    snippet = store.save_snippet(Snippet("", "Kept", "Say it."))
    assert set(store.erase_all()) == {listed, binned}
    store.scrub()
    assert traces(database) == []
    assert (store.list_sessions(), store.list_sessions(deleted=True), store.list_folders()) == ([], [], [])
    assert (store.draft(""), store.search_messages(MARK, 5), store.list_snippets()) == (Draft(), [], [snippet])
    session_id = tell_secret(store)
    assert {hit.session_id for hit in store.search_messages(MARK, 5)} == {session_id}


def test_very_many_sessions_are_erased_in_few_statements(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "_AT_ONCE", 50)
    with store.together():
        for _ in range(120):
            session = store.create_session()
            store.add_message(session.id, text_message("user", "Word"), parent_id=None)
            store.delete_session(session.id)
    statements: list[str] = []
    event.listen(store._database._engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert len(store.purge_bin()) == 120
    assert len(statements) < 50
    assert store.search_messages("word", 5) == []


def test_without_room_for_scrubbing_the_person_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = tell_secret(store)

    def full(_engine: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(sqlite, "vacuum", full)
    with pytest.raises(StoreFull, match="traces of it remain"):
        store.erase_session(session_id)
    assert store.list_sessions() == []
