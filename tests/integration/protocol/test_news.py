"""What listeners hear of sessions and turns, whoever has changed them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.helpers.rooms import all_events, open_rooms
from tether_desktop.errors import SessionNotFound, TetherError, TurnNotFound
from tether_desktop.events import Done
from tether_desktop.protocol.news import BranchChanged, News, SessionChanged, SessionGone, TurnStarted


async def test_listeners_hear_what_becomes_of_a_session(tmp_path: Path) -> None:
    heard: list[News] = []
    async with open_rooms(tmp_path, replies=["Yes."]) as rooms:
        sessions = rooms.sessions
        stop = sessions.subscribe(heard.append)
        session = await sessions.create("First")
        named = await sessions.rename(session.id, "Second")
        pinned = await sessions.pin(session.id, pinned=True)
        await sessions.delete(session.id)
        back = await sessions.restore(session.id)
        await sessions.erase(session.id)
        stop()
        await sessions.create("Unheard")
    assert heard == [
        SessionChanged(session),
        SessionChanged(named),
        SessionChanged(pinned),
        SessionGone(session.id),
        SessionChanged(back),
        SessionGone(session.id),
    ]
    assert (named.title, pinned.pinned, back.pinned) == ("Second", True, True)


async def test_a_turn_is_told_before_any_of_its_events(tmp_path: Path) -> None:
    heard: list[News] = []
    async with open_rooms(tmp_path, replies=["Yes."]) as rooms:
        rooms.sessions.subscribe(heard.append)
        turn, _ = await rooms.ask("Well?")
        session = await rooms.sessions.get(turn.session_id)
    _, *news = heard
    assert news == [SessionChanged(session), TurnStarted(turn)]
    assert session.title == "Well"


async def test_another_version_that_is_shown_is_told(tmp_path: Path) -> None:
    heard: list[News] = []
    async with open_rooms(tmp_path, replies=["One.", "Two."]) as rooms:
        first, _ = await rooms.ask("Well?")
        await all_events(await rooms.sessions.regenerate(first.session_id, first.reply.id))
        rooms.sessions.subscribe(heard.append)
        await rooms.sessions.select_version(first.session_id, first.reply.id)
    assert heard == [BranchChanged(first.session_id)]


async def test_a_listener_that_fails_hinders_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[News] = []

    def fail(_: News) -> None:
        raise RuntimeError("deaf")

    async with open_rooms(tmp_path) as rooms:
        rooms.sessions.subscribe(fail)
        rooms.sessions.subscribe(heard.append)
        session = await rooms.sessions.create()
    assert heard == [SessionChanged(session)]
    assert "A listener failed" in caplog.text


async def test_the_newest_turn_can_be_read_after_its_end_until_the_session_is_erased(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["One two."]) as rooms:
        session = await rooms.sessions.create()
        with pytest.raises(TurnNotFound):
            rooms.sessions.newest_turn(session.id)
        turn, events = await rooms.ask("Well?", session.id)
        kept = rooms.sessions.newest_turn(session.id)
        assert kept is turn
        assert kept.ended
        assert await all_events(kept) == events
        assert [event async for event in kept.events(after=len(events) - 1)] == events[-1:]
        assert [event async for event in kept.events(after=len(events))] == []
        await rooms.sessions.erase(session.id)
        with pytest.raises(TurnNotFound):
            rooms.sessions.newest_turn(session.id)


async def test_turns_that_have_ended_are_not_kept_for_ever(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["Yes."]) as rooms:
        first, _ = await rooms.ask("Well?")
        for _ in range(32):
            await rooms.ask("Well?")
        with pytest.raises(TurnNotFound):
            rooms.sessions.newest_turn(first.session_id)
        assert rooms.sessions.turns() == []


async def test_a_branch_goes_its_own_way(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["One.", "Two.", "Three."]) as rooms:
        turn, _ = await rooms.ask("First?")
        await rooms.ask("Second?", turn.session_id)
        branch = await rooms.sessions.branch(turn.session_id, turn.reply.id)
        _, events = await rooms.ask("Third?", branch.id)
        assert isinstance(events[-1], Done)
        texts = [record.message.text for record in await rooms.sessions.history(branch.id)]
        assert texts == ["First?", "One.", "Third?", "Three."]
        assert len(await rooms.sessions.history(turn.session_id)) == 4


async def test_sessions_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    async with open_rooms(tmp_path) as rooms:
        session = await rooms.sessions.create("Here")
        assert await rooms.sessions.find(session.id[:12]) == session
        with pytest.raises(SessionNotFound):
            await rooms.sessions.find("zz")


async def test_deleting_all_leaves_the_bin_full_and_the_list_empty(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["word " * 500]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Go on")
        await rooms.sessions.create()
        assert await rooms.sessions.delete_all() == 2
        assert turn.ended
        assert await rooms.sessions.list() == []
        assert len(await rooms.sessions.list(deleted=True)) == 2


async def test_what_is_exported_can_be_imported_elsewhere_and_is_told(tmp_path: Path) -> None:
    file = io.BytesIO()
    async with open_rooms(tmp_path / "one", replies=["Yes."]) as rooms:
        turn, _ = await rooms.ask("Well?")
        history = await rooms.sessions.history(turn.session_id)
        await rooms.sessions.export(file)
        markdown = await rooms.sessions.export_markdown(turn.session_id)
    assert "Well?" in markdown
    assert "Yes." in markdown
    (tmp_path / "export.json").write_bytes(file.getvalue())
    heard: list[News] = []
    async with open_rooms(tmp_path / "two") as rooms:
        rooms.sessions.subscribe(heard.append)
        report = await rooms.sessions.import_from(tmp_path / "export.json")
        assert heard == [SessionChanged(session) for session in report.imported]
        assert await rooms.sessions.history(turn.session_id) == history


async def test_what_was_said_is_found(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["The fox jumps over the dog."]) as rooms:
        turn, _ = await rooms.ask("Tell me")
        (hit,) = await rooms.sessions.search("dog fox")
        assert (hit.session_id, hit.message_id) == (turn.session_id, turn.reply.id)


async def test_news_of_what_failed_is_not_told(tmp_path: Path) -> None:
    heard: list[News] = []
    async with open_rooms(tmp_path) as rooms:
        rooms.sessions.subscribe(heard.append)
        for attempt in (rooms.sessions.delete("nobody"), rooms.sessions.restore("nobody")):
            with pytest.raises(TetherError):
                await attempt
    assert heard == []
