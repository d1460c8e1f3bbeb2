"""The queue of one chat: order, changing, and when a question may be sent."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from tether_desktop.context.records import Draft, QueuedQuestion
from tether_desktop.messages import Attachment
from tether_desktop.ui.composer.question import AttachedFile, Question
from tether_desktop.ui.composer.question_queue import QuestionQueue
from tether_desktop.ui.composer.writing import Writing

NOTES = Attachment("notes.txt", "one", "text/plain", 3)


@pytest.fixture
def queue() -> QuestionQueue:
    made = QuestionQueue()
    for text in ("one", "two", "three"):
        made.add(Question(text))
    return made


def texts(queue: QuestionQueue) -> list[str]:
    return [each.question.text for each in queue.waiting]


def key(queue: QuestionQueue, text: str) -> int:
    return next(each.key for each in queue.waiting if each.question.text == text)


def test_questions_are_taken_in_their_order(queue: QuestionQueue) -> None:
    assert [queue.take().text for _ in range(3)] == ["one", "two", "three"]
    assert not queue
    assert not queue.due


@pytest.mark.parametrize(
    ("text", "place", "order"),
    [
        ("three", 0, ["three", "one", "two"]),
        ("one", 1, ["two", "one", "three"]),
        ("one", 99, ["two", "three", "one"]),
        ("two", -5, ["two", "one", "three"]),
    ],
)
def test_a_question_can_be_moved(queue: QuestionQueue, text: str, place: int, order: list[str]) -> None:
    queue.move(key(queue, text), place)
    assert texts(queue) == order


def test_an_empty_change_removes_the_question(qtbot: QtBot, queue: QuestionQueue) -> None:
    with qtbot.waitSignal(queue.changed):
        queue.replace(key(queue, "two"), Question(" "))
    assert texts(queue) == ["one", "three"]
    queue.replace(key(queue, "one"), Question("1"))
    assert texts(queue) == ["1", "three"]


def test_what_is_gone_cannot_be_changed_moved_or_removed(qtbot: QtBot, queue: QuestionQueue) -> None:
    gone = key(queue, "one")
    queue.take()
    with qtbot.assertNotEmitted(queue.changed):
        queue.move(gone, 1)
        queue.replace(gone, Question("again"))
        assert queue.remove(gone) is None
    assert texts(queue) == ["two", "three"]


def test_a_question_that_is_being_changed_is_not_sent(queue: QuestionQueue) -> None:
    queue.edit(key(queue, "one"))
    assert not queue.due
    queue.replace(key(queue, "one"), Question("1"))
    assert queue.due


def test_after_an_answer_that_did_not_go_well_the_queue_waits(queue: QuestionQueue) -> None:
    queue.settle(went_well=True)
    assert queue.due
    queue.settle(went_well=False)
    assert not queue.due
    queue.release()
    assert queue.due


def test_an_urgent_question_goes_on_although_the_answer_was_stopped_for_it(queue: QuestionQueue) -> None:
    queue.urgent = True
    queue.settle(went_well=False)
    assert queue.due
    queue.take()
    queue.settle(went_well=False)
    assert not queue.due


def test_adding_a_question_lets_a_held_queue_go_on(queue: QuestionQueue) -> None:
    queue.hold()
    queue.add(Question("four"))
    assert queue.due
    assert texts(queue)[-1] == "four"


def test_a_draft_comes_back_before_what_is_there_and_sends_nothing() -> None:
    writing = Writing()
    writing.text = "newer"
    writing.files.add(AttachedFile(Attachment("b.txt", "b")))
    writing.queue.add(Question("later"))
    writing.restore(Draft("older", (NOTES,), (QueuedQuestion("first", (NOTES,)),)))
    assert writing.draft == Draft(
        "older\nnewer",
        (NOTES, Attachment("b.txt", "b")),
        (QueuedQuestion("first", (NOTES,)), QueuedQuestion("later")),
    )
    assert writing.queue.held


def test_nothing_written_is_an_empty_draft() -> None:
    writing = Writing()
    assert not writing
    assert not writing.draft
    writing.give_back(Question("again", (AttachedFile(NOTES),)))
    assert writing.draft == Draft("again", (NOTES,))


def test_what_was_written_in_a_chat_that_is_gone_is_taken_over() -> None:
    gone, here = Writing(), Writing()
    gone.text, here.text = "there", "here"
    gone.files.add(AttachedFile(NOTES))
    gone.queue.add(Question("waits"))
    here.take_over(gone)
    assert here.draft == Draft("here\nthere", (NOTES,), (QueuedQuestion("waits"),))
    assert here.queue.held
