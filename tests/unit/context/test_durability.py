"""What was committed survives the program."""

from __future__ import annotations

import pytest

from tests.helpers.processes import running, said, tell
from tether_desktop.context import migrations
from tether_desktop.context.database import Database
from tether_desktop.context.store import INTERRUPTED, Store

STREAM = """
import sys
from tether_desktop.context.store import Store
from tether_desktop.messages import Message, text_message

store = Store(sys.argv[1])
session = store.create_session("killed")
question = store.add_message(session.id, text_message("user", "Tell me a story"), parent_id=None)
reply = store.add_message(session.id, Message("assistant"), parent_id=question.id, model="m")
print(session.id, flush=True)
for words in range(1, 1_000_000):
    store.update_reply(reply.id, text_message("assistant", "word " * words))
    print(words, flush=True)
"""


def test_a_program_killed_while_it_streams_loses_nothing_that_was_committed(url: str) -> None:
    with running(STREAM, url) as process:
        session_id = said(process)
        committed = [int(said(process)) for _ in range(30)][-1]
        process.kill()
        process.wait()

    store = Store(url)
    assert store.mark_interrupted() == 1
    question, reply = store.history(session_id)
    assert question.message.text == "Tell me a story"
    assert len(reply.message.text) >= len("word " * committed)
    assert set(reply.message.text.split()) == {"word"}
    assert (reply.finish_reason, reply.error) == ("error", INTERRUPTED)
    assert [hit.message_id for hit in store.search_messages("word", 5)] == [reply.id]
    store.close()


CREATE = """
import sys
from tether_desktop.context.store import Store

print("ready", flush=True)
sys.stdin.readline()
store = Store(sys.argv[1])
store.create_session(sys.argv[2])
store.close()
print("done", flush=True)
"""


def test_two_programs_may_open_a_new_database_at_once(url: str) -> None:
    with running(CREATE, url, "one") as first, running(CREATE, url, "two") as second:
        assert (said(first), said(second)) == ("ready", "ready")
        tell(first)
        tell(second)
        assert (said(first), said(second)) == ("done", "done")
    store = Store(url)
    assert sorted(session.title for session in store.list_sessions()) == ["one", "two"]
    store.close()


def test_two_programs_may_open_a_database_of_an_older_version_at_once(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "REVISIONS", migrations.REVISIONS[:-1])
        older = Database(url)
    with older.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sessions (id, title, model, created_at, last_active) VALUES ('before', 'before', '', 5, 5)"
        )
    older.close()
    with running(CREATE, url, "one") as first, running(CREATE, url, "two") as second:
        assert (said(first), said(second)) == ("ready", "ready")
        tell(first)
        tell(second)
        assert (said(first), said(second)) == ("done", "done")
    store = Store(url)
    assert sorted(session.title for session in store.list_sessions()) == ["before", "one", "two"]
    assert store.list_sessions(archived=True) == []
    store.close()
