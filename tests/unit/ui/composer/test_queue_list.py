"""The cards of the queue, and the whole composer for a keyboard and a screen reader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.helpers.controls import cut_texts, nameless, outside, tab_walk, unreached, unseen_focus
from tether_desktop.messages import Attachment
from tether_desktop.ui.composer.composer import Composer
from tether_desktop.ui.composer.question import AttachedFile, Question
from tether_desktop.ui.composer.question_queue import QuestionQueue
from tether_desktop.ui.look.theme import Appearance

NOTES = AttachedFile(Attachment("notes.txt", "one", "text/plain", 3))


@pytest.fixture
def composer(qtbot: QtBot) -> Iterator[Composer]:
    made = Composer()
    qtbot.addWidget(made)
    made.resize(700, 300)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    made.edit.setFocus()
    yield made
    made.close()


@pytest.fixture
def queue(composer: Composer) -> QuestionQueue:
    made = composer.writing.queue
    for text in ("one", "two", "three"):
        made.add(Question(text, (NOTES,) if text == "two" else ()))
    return made


def texts(queue: QuestionQueue) -> list[str]:
    return [each.question.text for each in queue.waiting]


def test_cards_stand_in_order_and_move(composer: Composer, queue: QuestionQueue) -> None:
    cards = composer.queue.cards
    assert [card.label.text() for card in cards] == ["one", "two", "three"]
    assert [card.up_button.isVisible() for card in cards] == [False, True, True]
    assert [card.down_button.isVisible() for card in cards] == [True, True, False]
    assert len({card.now_button.x() for card in cards}) == 1
    cards[2].up_button.click()
    assert texts(queue) == ["one", "three", "two"]
    assert [card.label.text() for card in composer.queue.cards] == ["one", "three", "two"]
    assert "1" in composer.queue.cards[2].files_label.text()


def test_a_card_is_dropped_in_the_place_of_another(composer: Composer, queue: QuestionQueue) -> None:
    first, last = composer.queue.cards[0], composer.queue.cards[2]
    data = QMimeData()
    data.setData("application/x-tether-queued-question", str(last.key).encode())
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entered = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.MoveAction, data, buttons, keys)
    QApplication.sendEvent(first, entered)
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.MoveAction, data, buttons, keys)
    QApplication.sendEvent(first, event)
    assert texts(queue) == ["three", "one", "two"]


def test_a_question_is_changed_in_place_with_its_files(qtbot: QtBot, composer: Composer, queue: QuestionQueue) -> None:
    card = composer.queue.cards[1]
    card.edit_button.click()
    assert card.editor is not None
    assert queue.editing == card.key
    qtbot.keyClicks(card.editor, "!")
    qtbot.keyClick(card.editor, Qt.Key.Key_Return)
    assert texts(queue) == ["one", "two!", "three"]
    assert queue.waiting[1].question.files == (NOTES,)
    assert card.editor is None
    assert QApplication.focusWidget() is composer.edit


def test_escape_leaves_a_question_as_it_was(qtbot: QtBot, composer: Composer, queue: QuestionQueue) -> None:
    card = composer.queue.cards[0]
    card.edit_button.click()
    assert card.editor is not None
    qtbot.keyClicks(card.editor, " else")
    qtbot.keyClick(card.editor, Qt.Key.Key_Escape)
    assert texts(queue) == ["one", "two", "three"]
    assert queue.editing == 0
    assert card.editor is None


def test_removing_the_last_card_gives_the_keyboard_back(composer: Composer, queue: QuestionQueue) -> None:
    for _ in range(3):
        composer.queue.cards[0].remove_button.setFocus()
        composer.queue.cards[0].remove_button.click()
    assert not queue
    assert composer.queue.isHidden()
    assert QApplication.focusWidget() is composer.edit


def test_a_queue_that_waits_for_the_person_says_so(qtbot: QtBot, composer: Composer, queue: QuestionQueue) -> None:
    assert composer.queue.next_button.isHidden()
    queue.hold()
    assert composer.queue.next_button.isVisible()
    assert "waiting for you" in composer.queue.state_label.text()
    with qtbot.waitSignal(composer.queue.send_next_requested):
        composer.queue.next_button.click()


def test_another_chat_has_another_queue(composer: Composer, queue: QuestionQueue) -> None:
    from tether_desktop.ui.composer.writing import Writing

    other = Writing(composer)
    composer.set_text("here")
    composer.queue.cards[0].edit_button.click()
    composer.show_writing(other)
    assert composer.queue.isHidden()
    assert composer.text() == ""
    assert queue.editing == 0, "what nobody sees is not being changed"


@pytest.mark.parametrize("width", [390, 800])
@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_everything_has_a_name_and_is_reached_and_seen(
    composer: Composer, queue: QuestionQueue, look: Appearance, width: int, direction: Qt.LayoutDirection
) -> None:
    look.resize(18, "compact")
    composer.setLayoutDirection(direction)
    composer.writing.files.extend([NOTES, NOTES])
    composer.notice.say("A picture cannot be attached.")
    queue.hold()
    composer.set_busy(True)
    composer.set_text("Some words.")
    composer.row.show_tokens(12, 4096)
    composer.resize(width, 500)
    for _ in range(3):
        QApplication.processEvents()
    assert nameless(composer) == []
    assert unreached(composer) == []
    assert outside(composer) == []
    assert cut_texts(composer) == []
    assert unseen_focus(composer) == []


def test_tab_goes_from_the_words_to_the_buttons_in_order(composer: Composer) -> None:
    composer.set_text("Hi")
    row = composer.row
    row.tool_button.setEnabled(True)
    composer.edit.setFocus()
    walked = tab_walk(composer)[:6]
    assert walked == [
        composer.edit,
        row.attach_button,
        row.prompts_button,
        row.tool_button,
        row.persona_button,
        composer.button,
    ]
