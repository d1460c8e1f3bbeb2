"""Counting tokens for somebody who is still typing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers.clock import VirtualClock
from tests.helpers.rooms import Rooms, open_rooms, until
from tether_desktop.events import Token
from tether_desktop.messages import Attachment
from tether_desktop.model.engine import EngineSpec, Prompt
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.protocol import token_counts


class Counting(ScriptedEngine):
    """Remembers what it has counted."""

    counted: list[str]

    def __init__(self, spec: EngineSpec) -> None:
        super().__init__(spec, clock=VirtualClock())

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        self.counted += ["".join(piece.text for piece in prompt) for prompt in prompts]
        return await super().count_tokens(prompts)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    Counting.counted = []


async def test_a_model_that_is_not_loaded_counts_nothing_and_stays_so(rooms: Rooms) -> None:
    rooms.add_model(replies=["Hi."])
    assert await rooms.sessions.count_tokens("Hello there", "Scripted") is None
    assert await rooms.sessions.count_tokens("Hello there", "Unknown") is None
    assert rooms.pool.states() == {}


async def test_a_loaded_model_counts_the_question_and_its_files(rooms: Rooms) -> None:
    rooms.add_model(replies=["Hi."])
    await rooms.pool.load("Scripted", lambda _: None)
    assert await rooms.sessions.count_tokens("Hello there you", "Scripted") == 3
    assert await rooms.sessions.count_tokens("", "Scripted") == 0
    file = Attachment("a.txt", "one two three")
    with_file = await rooms.sessions.count_tokens("Hello there you", "Scripted", attachments=[file])
    assert with_file == 3 + (await rooms.sessions.count_tokens("", "Scripted", attachments=[file]) or 0)
    assert with_file > 6


async def test_a_file_is_counted_once_and_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_counts, "_PIECE", 100)
    file = Attachment("a.txt", "word " * 100)
    async with open_rooms(tmp_path, make_engine=Counting, replies=["Hi."]) as rooms:
        await rooms.pool.load("Scripted", lambda _: None)
        for typed in ("H", "He", "Hey"):
            assert (await rooms.sessions.count_tokens(typed, "Scripted", attachments=[file]) or 0) > 100
    pieces = Counting.counted
    assert max(map(len, pieces)) == 100
    assert "".join(piece for piece in pieces if "word" in piece).count("word") == 100
    assert [piece for piece in pieces if piece.startswith("H")] == ["H", "He", "Hey"]


async def test_it_counts_while_the_model_answers(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"steps": ["Hi", {"wait": True}]}])
    session = await rooms.sessions.create()
    turn = await rooms.sessions.send(session.id, "Hello")
    await until(turn, lambda event: isinstance(event, Token))
    assert await rooms.sessions.count_tokens("one two", "Scripted") == 2
    await turn.cancel()
