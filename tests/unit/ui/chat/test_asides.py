"""What stands between the words of a reply: the same from stored parts as from events."""

from __future__ import annotations

from dataclasses import replace

from tests.helpers.clock import VirtualClock
from tether_desktop.events import (
    Cancelled,
    Done,
    Event,
    HiddenThought,
    Status,
    Token,
    ToolApproval,
    ToolEnd,
    ToolProgress,
    ToolStart,
)
from tether_desktop.messages import Part, Reasoning, Text, Timings, ToolCall, ToolResult, Usage
from tether_desktop.protocol.tool_use import DENIED, STOPPED
from tether_desktop.ui.chat.asides import asides_of
from tether_desktop.ui.chat.message_view import CallView, MessageView, Thoughts
from tether_desktop.ui.chat.reply_view import ReplyFold

DONE = Done("stop", Usage(), Timings())
LISBON = {"place": "Lisbon"}


def fold(clock: VirtualClock | None = None) -> ReplyFold:
    return ReplyFold(MessageView("r", "assistant", state="waiting"), "Tiny", (clock or VirtualClock()).now)


def after(*events: Event) -> MessageView:
    made = fold()
    made.apply(events)
    return made.view


def timeless(view: MessageView) -> list[Thoughts | CallView]:
    return [replace(each, seconds=None) for each in view.asides]


ROUNDS: tuple[Event, ...] = (
    HiddenThought("Where?"),
    Token("Let me "),
    Token("look."),
    ToolStart("1", "time", LISBON),
    ToolProgress("1", "Asking", 0.5),
    ToolEnd("1", "time", "noon"),
    HiddenThought("And there?"),
    ToolApproval("2", "read", {"path": "a"}, "Built in"),
    ToolEnd("2", "read", DENIED, is_error=True),
    ToolStart("3", "", {}, "<tool_call>{"),
    ToolEnd("3", "", "It ends early.", is_error=True),
    Token(" So."),
    DONE,
)
PARTS: tuple[Part, ...] = (
    Reasoning("Where?"),
    Text("Let me look."),
    ToolCall("1", "time", LISBON),
    ToolResult("1", "time", "noon"),
    Reasoning("And there?"),
    ToolCall("2", "read", {"path": "a"}),
    ToolResult("2", "read", DENIED, is_error=True),
    ToolCall("3", "", {}, "<tool_call>{"),
    ToolResult("3", "", "It ends early.", is_error=True),
    Text(" So."),
)


def test_a_stored_reply_shows_what_its_events_showed() -> None:
    view = after(*ROUNDS)
    assert timeless(view) == list(asides_of(PARTS))
    assert view.text == "Let me look. So."
    assert [call.state for call in view.calls] == ["done", "declined", "failed"]


def test_words_thoughts_and_calls_are_shown_in_order() -> None:
    sections = list(after(*ROUNDS).sections())
    assert [each if isinstance(each, str) else type(each) for each in sections] == [
        Thoughts,
        "Let me look.",
        CallView,
        Thoughts,
        CallView,
        CallView,
        " So.",
    ]


def test_blank_text_between_calls_takes_no_room() -> None:
    parts = (ToolCall("1", "a"), ToolResult("1", "a", ""), Text("\n\n"), ToolCall("2", "b"), Text("End."))
    view = MessageView("r", "assistant", "\n\nEnd.", asides_of(parts))
    assert [type(each) for each in view.sections()] == [CallView, CallView, str]


def test_a_call_waits_then_runs_then_is_done_in_the_same_place() -> None:
    clock = VirtualClock()
    reply = fold(clock)
    reply.apply([Token("Hm."), ToolApproval("1", "read", LISBON, "Server x")])
    (waiting,) = reply.view.waiting_calls
    assert (waiting.at, waiting.origin, reply.view.state) == (3, "Server x", "calling")
    reply.apply([ToolStart("1", "read", LISBON)])
    assert [call.state for call in reply.view.calls] == ["running"]
    clock.time += 1.5
    reply.apply([ToolProgress("1", "Half", 0.5), ToolEnd("1", "read", "text")])
    assert reply.view.calls == (CallView(3, "1", "read", LISBON, state="done", seconds=1.5, result="text"),)


def test_progress_is_shown_while_a_call_runs() -> None:
    (call,) = after(ToolStart("1", "t"), ToolProgress("1", "Step 2", 0.4)).calls
    assert (call.message, call.progress) == ("Step 2", 0.4)


def test_calls_that_run_side_by_side_end_each_by_itself() -> None:
    view = after(ToolStart("1", "a"), ToolStart("2", "b"), ToolEnd("2", "b", "two"), ToolEnd("1", "a", "one"))
    assert [(call.id, call.result) for call in view.calls] == [("1", "one"), ("2", "two")]


def test_calls_without_a_result_are_interrupted_when_the_turn_ends() -> None:
    view = after(ToolStart("1", "a"), ToolApproval("2", "b", {}, "x"), Cancelled())
    assert [call.state for call in view.calls] == ["interrupted", "interrupted"]
    assert timeless(view) == list(asides_of((ToolCall("1", "a"), ToolCall("2", "b"))))


def test_a_stopped_call_is_interrupted_and_not_failed() -> None:
    view = after(ToolStart("1", "a"), ToolEnd("1", "a", STOPPED, is_error=True), Cancelled())
    assert [call.state for call in view.calls] == ["interrupted"]


def test_what_the_model_reads_after_a_call_is_shown_though_there_is_text_before_it() -> None:
    reply = fold()
    reply.apply([Token("Hm."), ToolStart("1", "a"), ToolEnd("1", "a", "x"), Status("reading_prompt", 0.3)])
    assert (reply.view.state, reply.view.progress) == ("reading", 0.3)
    reply.apply([Token("So."), Status("reading_prompt", 0.9)])
    assert (reply.view.state, reply.view.progress) == ("streaming", None)


def test_an_answer_is_shown_at_once_and_taken_back_when_it_was_not_kept() -> None:
    reply = fold()
    reply.apply([ToolApproval("1", "a", {}, "x")])
    reply.mark_call("1", "answered")
    assert not reply.view.waiting_calls
    reply.mark_call("1", "waiting")
    assert reply.view.waiting_calls
    reply.apply([ToolStart("1", "a")])
    reply.mark_call("1", "waiting")
    assert [call.state for call in reply.view.calls] == ["running"], "a late failure changes nothing"


def test_an_end_of_an_unknown_call_changes_nothing() -> None:
    assert after(ToolEnd("9", "a", "x"), ToolProgress("9", "x")).calls == ()
