"""The composition root: what it opens, what it refuses, and that it closes everything in order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.processes import children_of_the_program
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop import paths
from tether_desktop.app import Tether, lock_data_folder
from tether_desktop.errors import AlreadyRunning, EngineError, StoreError
from tether_desktop.messages import text_message
from tether_desktop.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path / "data"))
    return Settings(dist_path=str(tmp_path / "dist"))


async def test_a_conversation_is_there_after_a_restart(settings: Settings, tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "dist", replies=["Red, green, blue."])
    async with Tether(settings) as tether:
        session = await tether.sessions.create(model="Scripted")
        turn = await tether.sessions.send(session.id, "Name three colours.")
        reply = await turn.wait()
    assert reply.message.text == "Red, green, blue."
    async with Tether(settings) as tether:
        history = await tether.sessions.history(session.id)
    assert [record.message.text for record in history] == ["Name three colours.", "Red, green, blue."]


async def test_a_second_instance_is_refused_until_the_first_has_closed(settings: Settings) -> None:
    first, second = Tether(settings), Tether(settings)
    await first.start()
    with pytest.raises(AlreadyRunning) as refused:
        await second.start()
    assert str(paths.data_dir()) in refused.value.message
    assert "TETHER_DATA_DIR" in refused.value.hint
    await first.close()
    await second.start()
    await second.close()


def test_an_instance_in_another_process_is_noticed_while_it_lives(settings: Settings) -> None:
    code = (
        "import tether_desktop.app as a, sys; lock = a.lock_data_folder(); print('mine', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"mine"
        with pytest.raises(AlreadyRunning):
            lock_data_folder()
        other.kill()
        other.wait()
        lock_data_folder().release()


async def test_a_failed_start_leaves_the_data_folder_free(settings: Settings, tmp_path: Path) -> None:
    broken = settings.model_copy(update={"sqlite_url": f"sqlite:///{tmp_path}"})
    with pytest.raises(StoreError):
        await Tether(broken).start()
    async with Tether(settings):
        pass


async def test_a_data_folder_that_cannot_be_made_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    with pytest.raises(StoreError, match="TETHER_DATA_DIR"):
        await Tether(settings).start()


async def test_a_reply_that_a_power_cut_interrupted_is_marked_at_the_next_start(settings: Settings) -> None:
    async with Tether(settings) as tether:
        session = tether.store.create_session()
        question = tether.store.add_message(session.id, text_message("user", "Hi"), parent_id=None)
        tether.store.add_message(session.id, text_message("assistant", "Hel"), parent_id=question.id)
    async with Tether(settings) as tether:
        *_, reply = await tether.sessions.history(session.id)
    assert (reply.message.text, reply.finish_reason) == ("Hel", "error")
    assert reply.error


async def test_closing_stops_turns_stores_them_and_ends_the_engines(settings: Settings, tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "dist", replies=[{"steps": ["So", " far", {"wait": True}]}])
    async with Tether(settings) as tether:
        session = await tether.sessions.create(model="Scripted")
        turn = await tether.sessions.send(session.id, "Speak.")
        async for event in turn.events():
            if getattr(event, "content", "") == " far":
                break
        assert children_of_the_program()
    assert children_of_the_program() == []
    assert (await turn.wait()).message.text == "So far"
    async with Tether(settings) as tether:
        *_, reply = await tether.sessions.history(session.id)
    assert (reply.message.text, reply.finish_reason) == ("So far", "cancelled")


async def test_nothing_can_be_asked_of_a_closed_pool(settings: Settings) -> None:
    tether = Tether(settings)
    async with tether:
        pass
    await tether.close()
    with pytest.raises(EngineError, match="closing"):
        await tether.pool.load("Scripted", lambda _: None)
