"""What only a server does: machines that share it, statements that wait, and connections that end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import ProgrammingError

from tests.helpers.postgres import PASSWORD, PostgresServer
from tether_desktop.context import migrations, postgresql
from tether_desktop.context.database import Database
from tether_desktop.context.search_index import index_messages
from tether_desktop.context.store import Store
from tether_desktop.context.tables import MessageTable, MessageWordsTable, SessionTable, Tables, ToolRuleTable
from tether_desktop.errors import BackupFailed, SessionNotFound, StoreBusy, StoreError, StoreFull
from tether_desktop.messages import text_message

kind = pytest.fixture(lambda: "postgresql", name="kind")


@pytest.fixture
def empty_url(postgres_server: PostgresServer, postgres_url: str) -> str:
    """A database that has no tables yet."""
    with_tables = make_url(postgres_url).database
    postgres_server.tell(f"DROP DATABASE {with_tables}")
    postgres_server.tell(f"CREATE DATABASE {with_tables}")
    return postgres_url


def test_the_migrated_schema_is_the_one_the_code_works_with(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        ours = {"ix_message_words_words"}  # a kind of index that only this database has
        different = [each for each in compare_metadata(context, Tables.metadata) if each[1].name not in ours]
    assert different == []
    database.close()


def test_machines_that_open_an_empty_database_at_once_migrate_it_once(empty_url: str) -> None:
    together = Barrier(4)

    def open_and_write(number: int) -> None:
        together.wait()
        store = Store(empty_url)
        store.create_session(str(number))
        store.close()

    with ThreadPoolExecutor(4) as machines:
        list(machines.map(open_and_write, range(4)))
    store = Store(empty_url)
    assert {session.title for session in store.list_sessions()} == {"0", "1", "2", "3"}
    store.close()


@pytest.mark.parametrize("count", range(1, len(migrations.REVISIONS)))
def test_a_database_of_each_older_version_keeps_its_conversations(
    count: int, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "REVISIONS", migrations.REVISIONS[:count])
        old = Database(empty_url)
    session = "INSERT INTO sessions (id, title, model, created_at, last_active) VALUES ('s', 'Old', '', 5, 5)"
    message = (
        "INSERT INTO messages (id, session_id, role, parts, created_at, model, error)"
        """ VALUES ('m', 's', 'user', '[{"type": "text", "text": "Long ago"}]', 5, '', '')"""
    )
    with old.write() as connection:
        connection.execute(text(session))
        connection.exec_driver_sql(message.replace("%", "%%"))
        if count >= 4:  # since then messages are in the index
            index_messages(connection, ["m"])
    old.close()
    store = Store(empty_url)
    assert [each.title for each in store.list_sessions()] == ["Old"]
    assert [hit.message_id for hit in store.search_messages("ago", 5)] == ["m"]
    store.close()


def test_two_machines_talk_in_one_session_and_none_reorders_it(store: Store, url: str) -> None:
    session, other = store.create_session(), Store(url)

    def talk(machine: Store) -> list[str]:
        said = text_message("user", "hello")
        return [machine.add_message(session.id, said, parent_id=None).id for _ in range(15)]

    with ThreadPoolExecutor(2) as machines:
        ids = [message_id for some in machines.map(talk, (store, other)) for message_id in some]
    first = store.siblings(session.id, ids[0])
    assert {record.id for record in first} == set(ids)
    assert len({record.created_at for record in first}) == len(ids)
    other.close()


def test_what_one_machine_erases_another_cannot_add_to(store: Store, url: str) -> None:
    session, other = store.create_session(), Store(url)
    store.set_tool_rule(session.id, "mail", "always")
    store.add_message(session.id, text_message("user", "Rumpelstiltskin"), parent_id=None)
    other.erase_session(session.id)
    with pytest.raises(SessionNotFound):
        store.add_message(session.id, text_message("user", "More"), parent_id=None)
    with store._database.read() as connection:
        for table in (SessionTable, MessageTable, MessageWordsTable, ToolRuleTable):
            assert connection.execute(select(table)).all() == []
    other.close()


def test_a_row_that_another_program_holds_locked_is_busy_after_a_while(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = store.create_session()
    monkeypatch.setattr(postgresql, "_LOCK_TIMEOUT", "20ms")
    waiting = Store(url)
    with store.together():
        store.rename_session(session.id, "Mine")
        with ThreadPoolExecutor(1) as pool, pytest.raises(StoreBusy, match="locked") as caught:
            pool.submit(waiting.rename_session, session.id, "Theirs").result()
    assert caught.value.hint
    assert waiting.rename_session(session.id, "Theirs").title == "Theirs"
    waiting.close()


def test_a_server_that_went_away_in_between_is_used_again(
    store: Store, url: str, postgres_server: PostgresServer
) -> None:
    session = store.create_session("kept")
    postgres_server.cut_off(url)
    assert store.list_sessions() == [session]


def test_a_server_that_goes_away_in_the_middle_takes_nothing_half_done_along(
    store: Store, url: str, postgres_server: PostgresServer
) -> None:
    session = store.create_session("kept")

    def write_while_it_goes() -> None:
        with store.together():
            store.rename_session(session.id, "half")
            postgres_server.cut_off(url)
            store.rename_session(session.id, "done")

    with pytest.raises(StoreError) as caught:
        write_while_it_goes()
    assert caught.value.title == "The database server has gone"
    assert "everything saved before is safe" in caught.value.hint
    assert PASSWORD not in str(caught.value)
    assert store.get_session(session.id) == session


def unused_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


REFUSED = "The database server refuses the password"
NO_SERVER = "The database server cannot be reached"
ADDRESSES: list[tuple[Callable[[PostgresServer], str], str]] = [
    (lambda server: server.address("nowhere"), "There is no such database"),
    (
        lambda server: server.address("pattern").replace("open", "close"),
        "The database server refuses the password",
    ),
    (
        lambda server: server.address("pattern").replace("tether:", "stranger:"),
        "The database server refuses the password",
    ),
    (lambda server: server.address("pattern").replace("5432", "5433"), NO_SERVER),
    (lambda _: f"postgresql://me:hunter2@127.0.0.1:{unused_port()}/chats", NO_SERVER),
    (lambda _: "postgresql://me:hunter2@nobody.invalid/chats", NO_SERVER),
    (lambda _: "postgresql://me:hunter2@localhost/chats?sslmode=perhaps", "The conversations cannot be opened"),
    (lambda _: "postgresql://me:hunter2@localhost/chats?colour=blue", "The conversations cannot be opened"),
]


@pytest.mark.parametrize(("address", "title"), ADDRESSES)
def test_what_is_wrong_with_an_address_is_told_without_its_password(
    postgres_server: PostgresServer, address: Callable[[PostgresServer], str], title: str
) -> None:
    with pytest.raises(StoreError) as caught:
        Store(address(postgres_server))
    assert caught.value.title == title
    assert caught.value.hint
    assert not {"hunter2", "sesame"} & set(str(caught.value).replace("+", " ").replace(":", " ").split())


def test_a_user_who_may_not_write_is_told_to_ask(postgres_server: PostgresServer, empty_url: str) -> None:
    postgres_server.tell(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
    try:
        with pytest.raises(StoreFull, match="administrator"):
            Store(make_url(empty_url).set(username="reader").render_as_string(hide_password=False))
    finally:
        postgres_server.tell("DROP ROLE reader")


def test_a_socket_may_be_named_by_its_folder(store: Store, url: str) -> None:
    session = store.create_session()
    address = make_url(url)
    folder = str(Path(str(address.query["unix_sock"])).parent)
    other = Store(address.set(query={"host": folder}).render_as_string(hide_password=False))
    assert other.list_sessions() == [session]
    other.close()


def test_reading_changes_nothing_even_if_it_tries(store: Store) -> None:
    with pytest.raises(StoreFull, match="read-only"), store._database.read() as connection:
        connection.execute(text("DELETE FROM sessions"))


def test_a_faulty_statement_stays_a_bug(store: Store) -> None:
    with pytest.raises(ProgrammingError, match="misspelt"), store._database.read() as connection:
        connection.execute(text("SELECT * FROM misspelt"))


def test_a_server_is_backed_up_by_whoever_looks_after_it(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed) as told:
        store.back_up(tmp_path / "backup.db")
    assert "pg_dump" in told.value.hint
    assert list(tmp_path.glob("backup*")) == []
