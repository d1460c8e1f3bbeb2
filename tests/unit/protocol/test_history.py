"""What the model gets to read of a conversation."""

from __future__ import annotations

from datetime import UTC, datetime

from tether_desktop.context.records import MessageRecord
from tether_desktop.messages import Message, Reasoning, Role, Text, text_message
from tether_desktop.protocol.history import exchanges_of


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
