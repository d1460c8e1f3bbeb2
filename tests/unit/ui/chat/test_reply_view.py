"""Records and events become what is shown."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.helpers.clock import VirtualClock
from tether_desktop.context.records import MessageRecord
from tether_desktop.events import (
    Cancelled,
    ContextTrimmed,
    Done,
    ErrorEvent,
    HiddenThought,
    Status,
    Title,
    Token,
)
from tether_desktop.messages import Message, Reasoning, Text, Timings, Usage, text_message
from tether_desktop.ui.chat.message_view import MessageView, Thoughts
from tether_desktop.ui.chat.reply_view import ReplyFold, message_view

NOW = datetime(2026, 11, 22, tzinfo=UTC)
USAGE = Usage(prompt_tokens=30, completion_tokens=11)
TIMINGS = Timings(decode_s=0.5)


def record(message: Message, **fields: object) -> MessageRecord:
    return MessageRecord("m1", "s1", None, message, NOW, **fields)  # type: ignore[arg-type]


def fold(clock: VirtualClock | None = None) -> ReplyFold:
    return ReplyFold(MessageView("r", "assistant", state="waiting"), "Tiny-q4_1-MLC", (clock or VirtualClock()).now)


def test_a_question_is_shown_as_it_was_typed() -> None:
    view = message_view(record(text_message("user", "Why?"), version=2, versions=3))
    assert view == MessageView("m1", "user", "Why?", version=2, versions=3)


def test_system_and_tool_messages_are_not_shown() -> None:
    assert message_view(record(text_message("system", "Be kind."))) is None
    assert message_view(record(text_message("tool", "42"))) is None


def test_a_stored_reply_shows_its_model_thoughts_and_speed() -> None:
    parts = (Reasoning("Hm.", seconds=1.5), Text("Because."))
    stored = record(
        Message("assistant", parts), model="Tiny-q4_1-MLC", finish_reason="stop", usage=USAGE, timings=TIMINGS
    )
    view = message_view(stored)
    assert view is not None
    assert (view.text, view.asides) == ("Because.", (Thoughts(0, "Hm.", 1.5),))
    assert (view.model, view.meta, view.state) == ("Tiny", "q4_1 · 20 tok/s", "done")


def test_a_stored_reply_that_broke_off_keeps_its_text_and_says_why() -> None:
    stored = record(text_message("assistant", "Half a"), finish_reason="error", error="The program was ended.")
    view = message_view(stored)
    assert view is not None
    assert (view.text, view.state) == ("Half a", "error")
    assert (view.error_title, view.error_message) == ("The answer was interrupted", "The program was ended.")
    assert view.error_hint


def test_a_stopped_reply_is_shown_as_stopped() -> None:
    view = message_view(record(text_message("assistant", "Half"), finish_reason="cancelled"))
    assert view is not None
    assert view.state == "cancelled"


def test_a_reply_that_reached_its_longest_length_says_so() -> None:
    stored = message_view(record(text_message("assistant", "Half"), finish_reason="length"))
    assert stored is not None
    assert stored.state == "cut_off"
    fold = ReplyFold(MessageView("1", "assistant", state="waiting"))
    fold.apply([Token("Half"), Done("length", USAGE, TIMINGS)])
    assert (fold.view.text, fold.view.state) == ("Half", "cut_off")


def test_stages_are_shown_until_text_comes() -> None:
    reply = fold()
    seen = []
    for event in (Status("queued"), Status("loading_model", 0.4), Status("reading_prompt", 0.9), Status("generating")):
        reply.apply([event])
        seen.append((reply.view.state, reply.view.progress))
    assert seen == [("waiting", None), ("loading", 0.4), ("reading", 0.9), ("streaming", None)]
    reply.apply([Token("Hi"), Status("reading_prompt", 0.1)])
    assert (reply.view.state, reply.view.progress) == ("streaming", None)


def test_only_text_added_to_a_streaming_reply_can_be_appended() -> None:
    reply = fold()
    assert reply.apply([Token("He")]) is None, "the state changed too"
    assert reply.apply([Token("l"), Token("lo")]) == "llo"
    assert reply.apply([]) is None
    assert reply.view.text == "Hello"


def test_thoughts_are_kept_apart_and_timed() -> None:
    clock = VirtualClock()
    reply = fold(clock)
    reply.apply([HiddenThought("Let me "), HiddenThought("see.")])
    assert (reply.view.state, reply.view.reasoning, reply.view.text) == ("thinking", "Let me see.", "")
    clock.time += 4.2
    reply.apply([Token("Yes.")])
    assert (reply.view.state, reply.view.asides) == ("streaming", (Thoughts(0, "Let me see.", 4.2),))


def test_a_reply_that_ends_while_thinking_still_says_how_long() -> None:
    clock = VirtualClock()
    reply = fold(clock)
    reply.apply([HiddenThought("Hm")])
    clock.time += 2.0
    reply.apply([Cancelled()])
    assert (reply.view.state, reply.view.asides) == ("cancelled", (Thoughts(0, "Hm", 2.0),))


def test_done_tells_tokens_and_speed() -> None:
    reply = fold()
    reply.apply([Token("Hi"), Done("stop", USAGE, TIMINGS)])
    assert (reply.view.state, reply.view.meta, reply.tokens, reply.rate) == ("done", "q4_1 · 20 tok/s", 41, 20.0)
    assert reply.ended


def test_the_speed_is_known_while_it_streams() -> None:
    clock = VirtualClock()
    reply = fold(clock)
    for _ in range(11):
        reply.apply([Token("x")])
        clock.time += 0.1
    assert reply.rate is not None
    assert round(reply.rate, 6) == 10.0


def test_an_error_keeps_the_text_and_carries_the_remedy() -> None:
    reply = fold()
    reply.apply([Token("Half"), ErrorEvent("It died.", "engine_died", "The model stopped", "Try again.")])
    view = reply.view
    assert (view.text, view.state) == ("Half", "error")
    assert (view.error_title, view.error_message, view.error_hint) == ("The model stopped", "It died.", "Try again.")


def test_left_out_messages_are_announced() -> None:
    reply = fold()
    reply.apply([ContextTrimmed(3, 1800, 2048)])
    assert "3 earlier messages left out" in reply.view.notice
    assert "2,048" in reply.view.notice
    reply.apply([ContextTrimmed(1, 1800, 2048)])
    assert "1 earlier message left out" in reply.view.notice


def test_a_title_is_noticed() -> None:
    reply = fold()
    reply.apply([Title("Blue skies")])
    assert reply.title == "Blue skies"
