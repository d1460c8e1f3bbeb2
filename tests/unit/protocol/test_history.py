"""What the model gets to read of a conversation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tether_desktop.context.records import MessageRecord
from tether_desktop.messages import Message, Part, Reasoning, Role, Text, ToolCall, ToolResult, text_message
from tether_desktop.protocol.history import UNANSWERED_CALL, Exchange, exchanges_of, with_reply


def branch(*messages: tuple[Role, str] | Message) -> list[MessageRecord]:
    made = [message if isinstance(message, Message) else text_message(*message) for message in messages]
    return [MessageRecord(str(number), "s", None, message, datetime.now(UTC)) for number, message in enumerate(made)]


def spoken(*messages: tuple[Role, str] | Message) -> list[list[tuple[str, str]]]:
    exchanges = exchanges_of(branch(*messages))
    return [[(message.role, message.text) for message in exchange.messages] for exchange in exchanges]


def test_a_question_and_its_answer_are_one_exchange() -> None:
    assert spoken(("user", "a"), ("assistant", "b"), ("user", "c")) == [
        [("user", "a"), ("assistant", "b")],
        [("user", "c")],
    ]


def test_an_exchange_has_the_id_of_its_first_message() -> None:
    assert [exchange.id for exchange in exchanges_of(branch(("user", "a"), ("assistant", "b"), ("user", "c")))] == [
        "0",
        "2",
    ]


def test_replies_without_text_are_left_out_and_their_questions_become_one() -> None:
    assert spoken(("user", "a"), ("assistant", " \n"), ("user", "b")) == [[("user", "a\n\nb")]]


def test_replies_cut_off_within_a_thought_are_left_out() -> None:
    assert spoken(("user", "a"), Message("assistant", (Reasoning("hm"),)), ("user", "b")) == [[("user", "a\n\nb")]]


def test_thoughts_are_not_read_again() -> None:
    reply = Message("assistant", (Reasoning("hm"), Text("b")))
    assert spoken(("user", "a"), reply) == [[("user", "a"), ("assistant", "b")]]


def test_two_answers_in_a_row_become_one() -> None:
    assert spoken(("user", "a"), ("assistant", "b"), ("assistant", "c")) == [[("user", "a"), ("assistant", "b\n\nc")]]


def test_merged_messages_still_count() -> None:
    (exchange,) = exchanges_of(branch(("user", "a"), ("user", "b")))
    assert exchange.records == 2


def test_an_empty_branch_has_no_exchanges() -> None:
    assert exchanges_of([]) == []


def reply(*parts: Part) -> Message:
    return Message("assistant", parts)


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(name, f"tool_{name}", arguments)


def result(name: str, text: str) -> ToolResult:
    return ToolResult(name, f"tool_{name}", text)


def parts_of(exchange: Exchange) -> list[tuple[Role, tuple[Part, ...]]]:
    return [(message.role, message.parts) for message in exchange.messages]


def test_a_reply_with_calls_is_as_many_messages_as_it_took_rounds() -> None:
    said = reply(
        *(Reasoning("hm"), Text("Let me see."), call("a"), call("b"), result("a", "1"), result("b", "2")),
        *(Reasoning("so"), call("c"), result("c", "3"), Text("Six.")),
    )
    (exchange,) = exchanges_of(branch(("user", "q"), said))
    assert parts_of(exchange) == [
        ("user", (Text("q"),)),
        ("assistant", (Reasoning("hm"), Text("Let me see."), call("a"), call("b"))),
        ("tool", (result("a", "1"), result("b", "2"))),
        ("assistant", (Reasoning("so"), call("c"))),
        ("tool", (result("c", "3"),)),
        ("assistant", (Text("Six."),)),
    ]
    assert exchange.records == 2


def test_a_call_that_was_refused_before_the_next_was_introduced_belongs_to_the_same_round() -> None:
    said = reply(call("a"), call("b"), result("b", "no"), call("c"), result("c", "3"), result("a", "1"), Text("x"))
    (exchange,) = exchanges_of(branch(("user", "q"), said))
    assert parts_of(exchange)[1:3] == [
        ("assistant", (call("a"), call("b"), call("c"))),
        ("tool", (result("a", "1"), result("b", "no"), result("c", "3"))),
    ]


def test_calls_that_were_never_answered_get_an_answer_that_says_so() -> None:
    (exchange,) = exchanges_of(branch(("user", "q"), reply(call("a"), call("b"), result("a", "1"))))
    answers = exchange.messages[2].parts
    assert answers == (result("a", "1"), ToolResult("b", "tool_b", UNANSWERED_CALL, is_error=True))


def test_results_of_no_call_are_dropped() -> None:
    (exchange,) = exchanges_of(branch(("user", "q"), reply(result("a", "1"), Text("x"))))
    assert parts_of(exchange) == [("user", (Text("q"),)), ("assistant", (Text("x"),))]


def test_a_broken_call_stays_what_the_model_wrote() -> None:
    broken = ToolCall("a", "", text="<<function_call>> {oops")
    (exchange,) = exchanges_of(branch(("user", "q"), reply(broken, ToolResult("a", "", "No JSON.", is_error=True))))
    assert parts_of(exchange)[1] == ("assistant", (broken,))
    assert parts_of(exchange)[2] == ("tool", (ToolResult("a", "", "No JSON.", is_error=True),))


def test_a_thought_at_the_end_says_nothing() -> None:
    (exchange,) = exchanges_of(branch(("user", "q"), reply(call("a"), result("a", "1"), Reasoning("hm"))))
    assert [message.role for message in exchange.messages] == ["user", "assistant", "tool"]


def test_a_question_after_a_reply_that_ended_with_a_result_begins_an_exchange_of_its_own() -> None:
    first, second = exchanges_of(branch(("user", "q"), reply(call("a"), result("a", "1")), ("user", "r")))
    assert [message.role for message in first.messages] == ["user", "assistant", "tool", "assistant"]
    assert "before an answer" in first.messages[-1].text
    assert (second.id, second.messages) == ("2", (text_message("user", "r"),))


def test_answers_in_a_row_keep_their_calls() -> None:
    (exchange,) = exchanges_of(branch(("user", "q"), ("assistant", "x"), reply(call("a"), result("a", "1"))))
    assert parts_of(exchange)[1:] == [
        ("assistant", (Text("x"), call("a"))),
        ("tool", (result("a", "1"),)),
    ]


def test_the_running_reply_is_part_of_the_newest_exchange() -> None:
    before = exchanges_of(branch(("user", "a"), ("assistant", "b"), ("user", "q")))
    first, newest = with_reply(before, reply(Text("See."), call("a"), result("a", "1")))
    assert first == before[0]
    assert [message.role for message in newest.messages] == ["user", "assistant", "tool"]
    assert (newest.id, newest.records) == (before[1].id, before[1].records)


def test_a_reply_that_has_not_said_anything_changes_nothing() -> None:
    before = exchanges_of(branch(("user", "q")))
    assert with_reply(before, reply()) == before
    assert with_reply(before, reply(Reasoning("hm"))) == before
