"""What clients are told of the library, and the copy that it makes of the database."""

from __future__ import annotations

import asyncio
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tether_desktop.context import backups
from tether_desktop.context.records import Draft, Persona, Snippet
from tether_desktop.context.store import IN_MEMORY, Store
from tether_desktop.errors import BackupFailed, FolderNotFound, NameTaken, SettingsError
from tether_desktop.messages import text_message
from tether_desktop.protocol.library import Library


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'tether.db'}")
    yield store
    store.close()


@pytest.fixture
def library(store: Store) -> Library:
    return Library(store)


def fill(store: Store, messages: int = 40) -> str:
    """A conversation of some megabytes."""
    session = store.create_session("Long")
    with store.together():
        for number in range(messages):
            store.add_message(session.id, text_message("user", f"needle{number} " + "a " * 40_000), parent_id=None)
    return session.id


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_who_listens_is_told_which_shelf_has_changed(library: Library) -> None:
    told: list[str] = []
    stop = library.subscribe(told.append)
    folder = await library.create_folder("Work")
    await library.rename_folder(folder.id, "Office")
    await library.delete_folder(folder.id)
    persona = await library.save_persona(Persona("", "Tutor", {"temperature": 0.1}))
    await library.delete_persona(persona.id)
    snippet = await library.save_snippet(Snippet("", "Shorter", "Say it shorter."))
    await library.delete_snippet(snippet.id)
    assert told == ["folders"] * 3 + ["personas"] * 2 + ["snippets"] * 2
    stop()
    await library.create_folder("Unheard")
    assert len(told) == 7


async def test_what_is_refused_is_told_to_nobody_else(library: Library) -> None:
    await library.create_folder("Work")
    told: list[str] = []
    library.subscribe(told.append)
    with pytest.raises(NameTaken):
        await library.create_folder("work")
    with pytest.raises(FolderNotFound):
        await library.delete_folder("nowhere")
    with pytest.raises(SettingsError):
        await library.save_persona(Persona("", "Hot", {"temperature": 99}))
    with pytest.raises(SettingsError):
        await library.save_persona(Persona("", "Spy", {"sqlite_url": "sqlite://"}))
    assert (told, await library.personas()) == ([], [])


async def test_a_persona_has_the_values_as_the_table_types_them(library: Library) -> None:
    saved = await library.save_persona(Persona("", "Tutor", {"temperature": "0.5", "top_k": 4}))
    (found,) = await library.personas()
    assert dict(found.overrides) == dict(saved.overrides) == {"temperature": 0.5, "top_k": 4}


async def test_drafts_are_kept_and_forgotten(library: Library, store: Store) -> None:
    session = store.create_session()
    await library.save_draft(session.id, Draft("half"))
    await library.save_draft("", Draft("new"))
    assert (await library.draft(session.id), await library.draft()) == (Draft("half"), Draft("new"))
    assert await library.drafted() == {session.id}


async def test_the_sizes_count_what_is_there(library: Library, store: Store, tmp_path: Path) -> None:
    before = await library.sizes()
    session_id = fill(store, messages=3)
    store.archive_session(session_id, archived=True)
    store.delete_session(store.create_session().id)
    store.create_session()
    sizes = await library.sizes()
    assert (sizes.place, sizes.is_file) == (str(tmp_path / "tether.db"), True)
    assert (sizes.sessions, sizes.archived, sizes.in_bin, sizes.messages) == (2, 1, 1, 3)
    assert sizes.size_bytes > before.size_bytes + 200_000


async def test_a_backup_is_a_database_of_its_own_as_it_was_when_it_began(
    library: Library, store: Store, tmp_path: Path
) -> None:
    session_id, copy, shares = fill(store), tmp_path / "backup.db", list[float]()

    def write_more(share: float) -> None:
        shares.append(share)
        store.add_message(session_id, text_message("user", f"later{share}"), parent_id=None)

    store.back_up(copy, write_more)
    assert len(shares) > 1
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    restored = Store(f"sqlite:///{copy}")
    assert restored.list_sessions()[0].title == "Long"
    assert len(restored.search_messages("needle", 100)) == 40
    assert restored.search_messages("later", 5) == []
    restored.close()
    assert len(store.search_messages("later", 100)) == len(shares)


async def test_progress_is_told_in_the_loop(library: Library, store: Store, tmp_path: Path) -> None:
    fill(store)
    shares: list[float] = []
    loop = asyncio.get_running_loop()
    await library.back_up(tmp_path / "b.db", lambda share: shares.append(share * (asyncio.get_running_loop() is loop)))
    await asyncio.sleep(0)
    assert shares[-1] == 1.0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
async def test_a_backup_is_its_owners_alone(library: Library, tmp_path: Path) -> None:
    await library.back_up(tmp_path / "backup.db")
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600


async def test_a_backup_that_is_cancelled_leaves_nothing(
    library: Library, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "_PAGES_AT_ONCE", 1)
    fill(store)
    copy = tmp_path / "copies" / "backup.db"
    copy.parent.mkdir()
    copy.write_bytes(b"the one before")
    begun = asyncio.Event()
    task = asyncio.create_task(library.back_up(copy, lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(file.name, file.read_bytes()) for file in copy.parent.iterdir()] == [("backup.db", b"the one before")]


@pytest.mark.parametrize("name", ["nowhere/backup.db", "tether.db", "tether.db-wal", "."])
async def test_a_backup_that_cannot_be_written_there_is_refused(
    library: Library, store: Store, tmp_path: Path, name: str
) -> None:
    session = store.create_session()
    before = names(tmp_path)
    with pytest.raises(BackupFailed) as told:
        await library.back_up(tmp_path / name)
    assert told.value.hint
    assert names(tmp_path) == before
    assert store.list_sessions() == [session]


async def test_without_room_nothing_is_left_behind(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(BackupFailed, match="No space left on device"):
        await library.back_up(tmp_path / "backup.db")
    assert not [name for name in names(tmp_path) if name.startswith("backup")]


async def test_what_is_kept_nowhere_cannot_be_backed_up(tmp_path: Path) -> None:
    with closing(Store(IN_MEMORY)) as store, pytest.raises(BackupFailed, match="kept nowhere"):
        await Library(store).back_up(tmp_path / "backup.db")


def test_a_database_in_memory_leaves_nothing_on_the_disk() -> None:
    with closing(Store(IN_MEMORY)) as store, store._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA temp_store").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "memory"
        files = connection.exec_driver_sql("PRAGMA database_list").all()
        assert {row[2] for row in files} == {""}


def test_a_damaged_database_is_said_to_be(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(BackupFailed):
        backups.back_up(damaged, tmp_path / "backup.db", lambda _: None)
    assert names(tmp_path) == ["damaged.db"]
