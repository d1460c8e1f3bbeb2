"""Erasing leaves nothing behind, in any file."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert

from tether_desktop.context import sqlite
from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.context.tables import MessageTable
from tether_desktop.errors import SessionNotFound, StoreBusy, StoreFull
from tether_desktop.messages import Message, text_message

MARK = "Rumpel"


def traces(database: Path) -> list[str]:
    """The files beside the database, itself included, that hold the secret."""
    return [file.name for file in database.parent.iterdir() if MARK.encode() in file.read_bytes()]


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
