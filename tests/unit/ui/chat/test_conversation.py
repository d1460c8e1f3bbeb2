"""The view model of a session: shows a question at once, and one signal per changed message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tether_desktop.context.records import MessageRecord
from tether_desktop.events import Done, ErrorEvent, Status, Title, Token
from tether_desktop.messages import Attachment, Message, Text, Timings, Usage
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.chat.message_view import Figures
from tether_desktop.ui.worker.started_turn import StartedTurn

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DONE = Done("stop", Usage(prompt_tokens=20, completion_tokens=5), Timings(decode_s=0.4))
SIGNALS = ("reset", "appended", "changed", "text_added", "busy_changed", "titled")


class Log:
    """The conversation's signals in the order they came."""

    def __init__(self, conversation: Conversation) -> None:
        self.names: list[str] = []
        for name in SIGNALS:
            getattr(conversation, name).connect(lambda *_, name=name: self.names.append(name))

    def take(self) -> list[str]:
        names, self.names = self.names, []
        return names


def record(message_id: str, role: str, text: str, **fields: object) -> MessageRecord:
    return MessageRecord(message_id, "s", None, Message(role, (Text(text),)), NOW, **fields)  # type: ignore[arg-type]


HISTORY = [
    record("q1", "user", "One?"),
    record(
        "a1",
        "assistant",
        "1.",
        model="Tiny-q4_1",
        finish_reason="stop",
        usage=Usage(10, 0, 4),
        timings=Timings(decode_s=1),
    ),
    record("q2", "user", "Two?"),
    record("a2", "assistant", "2.", model="Tiny-q4_1", finish_reason="stop"),
]


@pytest.fixture
def conversation() -> Conversation:
    made = Conversation("s")
    made.load(HISTORY)
    return made


def started(question: str | None = "q3", reply: str = "a3") -> StartedTurn:
    asked = record(question, "user", "Three?") if question else None
    return StartedTurn("s", asked, record(reply, "assistant", ""))


def test_a_stored_history_is_shown(conversation: Conversation) -> None:
    assert [(view.id, view.text) for view in conversation.views] == [
        ("q1", "One?"),
        ("a1", "1."),
        ("q2", "Two?"),
        ("a2", "2."),
    ]
    assert conversation.tokens == 14
    assert conversation.rate == 3.0
    assert not conversation.busy


def test_a_question_is_shown_before_anything_is_stored(conversation: Conversation) -> None:
    log = Log(conversation)
    conversation.begin_send("Three?", "Tiny-q4_1")
    question, reply = conversation.views[-2:]
    assert (question.role, question.text) == ("user", "Three?")
    assert (reply.role, reply.state, reply.model, reply.meta) == ("assistant", "waiting", "Tiny", "q4_1")
    assert log.take() == ["appended", "appended", "busy_changed"]
    assert conversation.message_id(question.id) == ""


def test_the_stores_identities_follow(conversation: Conversation) -> None:
    conversation.begin_send("Three?", "Tiny")
    conversation.turn_started(started())
    question, reply = conversation.views[-2:]
    assert (conversation.message_id(question.id), conversation.message_id(reply.id)) == ("q3", "a3")


def test_a_frame_of_tokens_is_one_signal(conversation: Conversation) -> None:
    conversation.begin_send("Three?", "Tiny")
    conversation.turn_started(started())
    log = Log(conversation)
    conversation.apply("a3", [Status("queued"), Status("generating"), Token("T"), Token("h")])
    conversation.apply("a3", [Token("r"), Token("e"), Token("e")])
    conversation.apply("a3", [Token("."), DONE])
    assert log.take() == ["changed", "text_added", "changed", "busy_changed"]
    assert (conversation.views[-1].text, conversation.views[-1].state) == ("Three.", "done")
    assert (conversation.tokens, conversation.rate, conversation.busy) == (25, 10.0, False)


def test_events_of_another_reply_change_nothing(conversation: Conversation) -> None:
    conversation.begin_send("Three?", "Tiny")
    conversation.turn_started(started())
    log = Log(conversation)
    conversation.apply("a2", [Token("late")])
    assert log.take() == []


def test_a_question_that_could_not_be_sent_is_taken_back(conversation: Conversation) -> None:
    before = conversation.views
    conversation.begin_send("Three?", "Tiny")
    log = Log(conversation)
    conversation.abandon()
    assert conversation.views == before
    assert log.take() == ["reset", "busy_changed"]
    conversation.abandon()
    assert log.take() == [], "there is nothing left to take back"


def test_asking_again_replaces_the_reply_and_what_followed(conversation: Conversation) -> None:
    log = Log(conversation)
    conversation.begin_regenerate("a1", "Tiny")
    assert [view.text for view in conversation.views] == ["One?", ""]
    assert (conversation.views[-1].version, conversation.views[-1].versions) == (2, 2)
    assert log.take() == ["reset", "busy_changed"]
    conversation.turn_started(started(None, "a1b"))
    assert conversation.message_id(conversation.views[-1].id) == "a1b"
    assert conversation.message_id("q1") == "q1"


def test_an_edited_question_replaces_the_old_one_and_what_followed(conversation: Conversation) -> None:
    conversation.begin_edit("q2", "Deux?", "Tiny")
    assert [view.text for view in conversation.views] == ["One?", "1.", "Deux?", ""]
    assert (conversation.views[-2].version, conversation.views[-2].versions) == (2, 2)
    conversation.abandon()
    assert [view.text for view in conversation.views] == ["One?", "1.", "Two?", "2."]


def test_a_failed_answer_ends_being_busy_and_keeps_its_text(conversation: Conversation) -> None:
    conversation.begin_send("Three?", "Tiny")
    conversation.turn_started(started())
    conversation.apply("a3", [Token("Th"), ErrorEvent("It died.", "engine_died", "Gone", "Again.")])
    assert (conversation.views[-1].state, conversation.views[-1].text, conversation.busy) == ("error", "Th", False)


def test_the_title_is_told_once(conversation: Conversation) -> None:
    conversation.begin_send("Three?", "Tiny")
    conversation.turn_started(started())
    log = Log(conversation)
    conversation.apply("a3", [Title("Numbers")])
    conversation.apply("a3", [Token("x")])
    assert log.take().count("titled") == 1


def test_a_reply_that_goes_on_keeps_what_it_has(conversation: Conversation) -> None:
    log = Log(conversation)
    conversation.begin_continue("a2", "")
    assert (conversation.views[-1].text, conversation.views[-1].state, conversation.pending) == ("2.", "waiting", True)
    assert log.take() == ["changed", "busy_changed"]
    reply = record("a2", "assistant", "2.", model="Tiny-q4_1")
    conversation.turn_started(StartedTurn("s", None, reply, asked_here=True, continues=True))
    conversation.apply("a2", [Token(" And more."), DONE])
    assert (conversation.views[-1].text, conversation.views[-1].state) == ("2. And more.", "done")
    assert len(conversation.views) == len(HISTORY)


def test_a_reply_that_cannot_go_on_is_as_it_was(conversation: Conversation) -> None:
    before = conversation.views
    conversation.begin_continue("a2", "Other-q4_1")
    assert conversation.views[-1].model == "Other"
    conversation.abandon()
    assert conversation.views == before
    assert not conversation.busy


def test_a_reply_that_another_client_lets_go_on_keeps_what_it_has() -> None:
    conversation = Conversation("s")
    reply = record("a2", "assistant", "2.", model="Tiny-q4_1")
    conversation.load(HISTORY, StartedTurn("s", None, reply, continues=True))
    conversation.apply("a2", [Token(" And more.")])
    assert conversation.views[-1].text == "2. And more."


def test_figures_and_files_are_shown_with_their_messages() -> None:
    conversation = Conversation("s")
    notes = Attachment("notes.md", "# Notes")
    question = MessageRecord("q1", "s", None, Message("user", (Text("One?"), notes)), NOW)
    conversation.load([question, HISTORY[1]])
    assert conversation.views[0].attachments == (notes,)
    assert conversation.views[1].figures == Figures("Tiny-q4_1", Usage(10, 0, 4), Timings(decode_s=1))
