"""The session API: what is checked before anything happens, and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.helpers.rooms import Rooms
from tether_desktop.errors import (
    MessageNotFound,
    ModelBroken,
    ModelError,
    ModelNotFound,
    SessionNotFound,
    TetherError,
)
from tether_desktop.events import Done


@pytest.mark.parametrize(
    "call",
    [
        lambda sessions: sessions.get("nope"),
        lambda sessions: sessions.send("nope", "Hello"),
        lambda sessions: sessions.regenerate("nope", "x"),
        lambda sessions: sessions.edit("nope", "x", "Hello"),
        lambda sessions: sessions.history("nope"),
        lambda sessions: sessions.rename("nope", "x"),
        lambda sessions: sessions.delete("nope"),
        lambda sessions: sessions.erase("nope"),
        lambda sessions: sessions.select_version("nope", "x"),
    ],
)
async def test_an_unknown_session_is_told_before_anything_happens(
    rooms: Rooms, call: Callable[[object], Awaitable[object]]
) -> None:
    rooms.add_model()
    with pytest.raises(SessionNotFound):
        await call(rooms.sessions)
    assert await rooms.sessions.list() == []


async def test_an_unknown_model_is_told_before_anything_is_stored(rooms: Rooms) -> None:
    rooms.add_model()
    session = await rooms.sessions.create()
    with pytest.raises(ModelNotFound):
        await rooms.sessions.send(session.id, "Hello", model="Nope")
    assert await rooms.sessions.history(session.id) == []
    assert rooms.sessions.running(session.id) is None


async def test_a_model_without_a_chat_template_is_told_before_anything_is_stored(rooms: Rooms) -> None:
    rooms.add_model(chat_template="")
    session = await rooms.sessions.create()
    with pytest.raises(ModelBroken):
        await rooms.sessions.send(session.id, "Hello")
    assert await rooms.sessions.history(session.id) == []


async def test_without_any_model_that_is_said(rooms: Rooms) -> None:
    with pytest.raises(ModelError) as raised:
        await rooms.sessions.send((await rooms.sessions.create()).id, "Hello")
    assert raised.value.title == "No model yet"
    assert raised.value.hint


async def test_without_a_usable_model_the_reason_is_said(rooms: Rooms) -> None:
    (rooms.models / "Broken").mkdir(parents=True)
    (rooms.models / "Broken" / "mlc-chat-config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError) as raised:
        await rooms.sessions.send((await rooms.sessions.create()).id, "Hello")
    assert raised.value.title == "No model can be used"
    assert raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("text", ["", "  \n\t"])
async def test_an_empty_question_is_refused(rooms: Rooms, text: str) -> None:
    rooms.add_model()
    session = await rooms.sessions.create()
    with pytest.raises(TetherError, match="Nothing to send"):
        await rooms.sessions.send(session.id, text)
    assert await rooms.sessions.history(session.id) == []


async def test_the_asked_for_model_answers_and_becomes_the_sessions_own(rooms: Rooms) -> None:
    for name in ("A", "B", "C"):
        rooms.add_model(name, replies=[f"I am {name}."])
    rooms.sessions.settings = rooms.sessions.settings.model_copy(update={"default_model": "B"})
    session = await rooms.sessions.create()
    assert (await rooms.ask("Who?", session.id))[0].reply.model == "B"
    assert (await rooms.ask("Who?", session.id, model="C"))[0].reply.model == "C"
    turn, _ = await rooms.ask("Who?", session.id)
    assert (turn.reply.model, turn.reply.message.text) == ("C", "I am C.")
    assert (await rooms.sessions.get(session.id)).model == "C"


async def test_without_a_choice_the_first_usable_model_answers(rooms: Rooms) -> None:
    (rooms.models / "A").mkdir(parents=True)
    (rooms.models / "A" / "mlc-chat-config.json").write_text("{", encoding="utf-8")
    rooms.add_model("B", replies=["Hi"])
    turn, _ = await rooms.ask("Who?")
    assert turn.reply.model == "B"


async def test_a_session_in_the_bin_cannot_go_on_until_it_is_restored(rooms: Rooms) -> None:
    rooms.add_model(replies=["Hi"])
    session = await rooms.sessions.create()
    await rooms.sessions.delete(session.id)
    assert [deleted.id for deleted in await rooms.sessions.list(deleted=True)] == [session.id]
    with pytest.raises(SessionNotFound, match="bin"):
        await rooms.sessions.send(session.id, "Hello")
    await rooms.sessions.restore(session.id)
    _, events = await rooms.ask("Hello", session.id)
    assert isinstance(events[-1], Done)


async def test_an_erased_session_is_gone(rooms: Rooms) -> None:
    rooms.add_model(replies=["Hi"])
    turn, _ = await rooms.ask("Hello")
    await rooms.sessions.erase(turn.session_id)
    with pytest.raises(SessionNotFound):
        await rooms.sessions.get(turn.session_id)


async def test_only_replies_are_regenerated_and_only_questions_edited(rooms: Rooms) -> None:
    rooms.add_model(replies=["Hi"])
    turn, _ = await rooms.ask("Hello")
    assert turn.question
    with pytest.raises(MessageNotFound, match="not a reply"):
        await rooms.sessions.regenerate(turn.session_id, turn.question.id)
    with pytest.raises(MessageNotFound, match="not a question"):
        await rooms.sessions.edit(turn.session_id, turn.reply.id, "Hi")
    with pytest.raises(MessageNotFound):
        await rooms.sessions.regenerate(turn.session_id, "nope")
    assert await rooms.sessions.history(turn.session_id) == [turn.question, turn.reply]


async def test_a_message_of_another_session_is_not_there(rooms: Rooms) -> None:
    rooms.add_model(replies=["Hi"])
    turn, _ = await rooms.ask("Hello")
    other = await rooms.sessions.create()
    with pytest.raises(MessageNotFound):
        await rooms.sessions.regenerate(other.id, turn.reply.id)


async def test_the_last_active_session_is_listed_first(rooms: Rooms) -> None:
    rooms.add_model(replies=["Hi"])
    first, second = await rooms.sessions.create(), await rooms.sessions.create()
    await rooms.ask("Hello", first.id)
    assert [session.id for session in await rooms.sessions.list()] == [first.id, second.id]
