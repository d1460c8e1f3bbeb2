"""Sessions that go for good: from the bin by the calendar, or all at once, whatever is being answered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.helpers.rooms import Rooms, all_events, open_rooms, until
from tether_desktop.context.records import Draft
from tether_desktop.context.store import Store
from tether_desktop.errors import SessionNotFound, StoreBusy, StoreError
from tether_desktop.events import Token
from tether_desktop.protocol.bin_keeper import BinKeeper
from tether_desktop.protocol.library import Library
from tether_desktop.protocol.news import AllErased, News, SessionGone

LONG = timedelta(days=30)


def binned(store: Store, monkeypatch: pytest.MonkeyPatch, ago: timedelta) -> str:
    """A session that was moved to the bin some time ago."""
    session = store.create_session()
    with monkeypatch.context() as patch:
        patch.setattr(store._clock, "now", lambda: datetime.now(UTC) - ago)
        store.delete_session(session.id)
    return session.id


async def test_only_what_was_in_the_bin_for_longer_is_erased_and_told_of(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[News] = []
    kept = await rooms.sessions.create("kept")
    old, new = (binned(rooms.store, monkeypatch, ago) for ago in (LONG + timedelta(hours=1), LONG - timedelta(hours=1)))
    rooms.sessions.subscribe(heard.append)
    assert await rooms.sessions.empty_bin(LONG) == 1
    assert heard == [SessionGone(old)]
    assert [session.id for session in await rooms.sessions.list(deleted=True)] == [new]
    assert await rooms.sessions.empty_bin() == 1
    assert await rooms.sessions.empty_bin() == 0
    assert await rooms.sessions.list() == [kept]


async def test_what_is_gone_is_told_of_even_where_traces_remain(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[News] = []
    old = binned(rooms.store, monkeypatch, LONG)

    def refuse() -> None:
        raise StoreBusy("Busy", "Another program reads.")

    monkeypatch.setattr(rooms.store, "scrub", refuse)
    rooms.sessions.subscribe(heard.append)
    with pytest.raises(StoreError):
        await rooms.sessions.empty_bin()
    assert heard == [SessionGone(old)]
    listed = await rooms.sessions.create()
    with pytest.raises(StoreError):
        await rooms.sessions.erase_all()
    assert heard[2:] == [SessionGone(listed.id), AllErased()]


async def test_everything_is_erased_while_answers_are_being_written(tmp_path: Path) -> None:
    heard: list[News] = []
    async with open_rooms(tmp_path, replies=["word " * 400]) as rooms:
        library = Library(rooms.store)
        shelves: list[str] = []
        library.subscribe(shelves.append)
        rooms.sessions.subscribe(library.hear)
        turns = [await rooms.sessions.begin(question) for question in ("First?", "Second?")]
        await until(turns[0], lambda event: isinstance(event, Token))
        await library.create_folder("Work")
        await library.save_draft(turns[0].session_id, Draft("next"))
        rooms.sessions.subscribe(heard.append)
        assert await rooms.sessions.erase_all() == 2
        assert rooms.sessions.turns() == []
        assert await rooms.sessions.list() == []
        assert await library.folders() == []
        assert await library.drafted() == set()
        assert shelves == ["folders", "folders"]
        for turn in turns:
            await all_events(turn)
            with pytest.raises(SessionNotFound):
                await rooms.sessions.get(turn.session_id)
    assert {news.session_id for news in heard if isinstance(news, SessionGone)} == {turn.session_id for turn in turns}
    assert heard[-1] == AllErased()


async def test_the_keeper_of_the_bin_looks_at_once_and_then_after_each_pause(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: asyncio.Queue[str] = asyncio.Queue()
    rooms.sessions.subscribe(lambda news: gone.put_nowait(news.session_id) if isinstance(news, SessionGone) else None)
    first = binned(rooms.store, monkeypatch, LONG)
    keeper = BinKeeper(rooms.sessions, pause_s=0.01)
    keeper.start()
    try:
        assert await gone.get() == first
        second = binned(rooms.store, monkeypatch, LONG)
        assert await gone.get() == second
    finally:
        await keeper.close()
    third = binned(rooms.store, monkeypatch, LONG)
    assert [session.id for session in await rooms.sessions.list(deleted=True)] == [third]


async def test_a_bin_that_is_kept_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_rooms(tmp_path, settings={"bin_days": 0}) as rooms:
        old = binned(rooms.store, monkeypatch, LONG * 100)
        keeper = BinKeeper(rooms.sessions)
        keeper.start()
        await keeper.close()
        assert [session.id for session in await rooms.sessions.list(deleted=True)] == [old]


async def test_a_keeper_that_cannot_erase_notes_it_and_tries_again_later(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_before: datetime) -> list[str]:
        raise StoreBusy("Busy", "Another program has the database.")

    monkeypatch.setattr(rooms.store, "purge_bin", refuse)
    keeper = BinKeeper(rooms.sessions)
    keeper.start()
    await keeper.close()
    assert "not all erased: Busy: Another program has the database." in caplog.text
