"""The card of a tool call: what it shows in each state, and when it takes an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.helpers.clock import VirtualClock
from tether_desktop.ui.chat.announcement import question
from tether_desktop.ui.chat.message_view import CallState, CallView
from tether_desktop.ui.look.plain_view import MOST_HEIGHT, pretty_json, visible
from tether_desktop.ui.tools.call_words import BROKEN, MOST_RESULT, identity_of, state_of, title_of
from tether_desktop.ui.tools.tool_card import GUARD_S, ToolCard
from tether_desktop.ui.tools.tool_facts import ToolFacts

WIDTH = 640
NAMES = {"read": ToolFacts("read", "Read a file", "Built in")}
CALL = CallView(0, "7", "read", {"path": "notes.txt", "lines": 40}, state="done", seconds=0.3, result="One.\nTwo.")
ASKING = replace(CALL, state="waiting", origin="Server files", seconds=None, result="")

Make = Callable[..., ToolCard]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def make(qtbot: QtBot, clock: VirtualClock) -> Make:
    """Makes and shows a card."""
    windows: list[QWidget] = []

    def made(call: CallView, *, is_open: bool = False) -> ToolCard:
        window = QWidget()
        windows.append(window)
        qtbot.addWidget(window)
        card = ToolCard(window, NAMES, is_open=is_open, clock=clock.now)
        card.show_call(call)
        window.resize(WIDTH, 600)
        window.show()
        lay_out(card)
        return card

    return made


def lay_out(card: ToolCard) -> int:
    height = card.fit(WIDTH)
    card.resize(WIDTH, height)
    return height


def test_a_closed_card_has_one_line_for_the_call_and_one_for_its_result(make: Make) -> None:
    card = make(CALL)
    assert card.header.second_line == "One. Two."
    assert card.arguments is None, "what nobody opened is not even made"
    assert card.header.accessibleName() == "Read a file, Built in, done · 300 ms"


def test_a_card_opens_on_a_click_and_shows_arguments_and_result_as_they_are(qtbot: QtBot, make: Make) -> None:
    card = make(CALL)
    closed = card.height()
    with qtbot.waitSignal(card.toggled) as toggled:
        qtbot.mouseClick(card.header, Qt.MouseButton.LeftButton)
    assert toggled.args == [True]
    assert lay_out(card) > closed
    assert card.arguments is not None
    assert card.result is not None
    assert json.loads(card.arguments.view.toPlainText()) == CALL.arguments
    assert card.result.view.toPlainText() == "One.\nTwo."
    qtbot.mouseClick(card.header, Qt.MouseButton.LeftButton)
    assert lay_out(card) == closed


def test_a_result_is_never_taken_for_markup(make: Make) -> None:
    text = '<b>bold</b> <img src="file:///etc/passwd"> [link](https://example.com) <script>x</script>'
    card = make(replace(CALL, result=text), is_open=True)
    assert card.result is not None
    assert card.result.view.toPlainText() == text


def test_a_long_result_is_cut_for_the_eye_and_copied_whole(qtbot: QtBot, make: Make) -> None:
    whole = "word " * MOST_RESULT
    card = make(replace(CALL, result=whole), is_open=True)
    assert card.result is not None
    assert len(card.result.view.toPlainText()) < MOST_RESULT + 100
    assert card.result.view.toPlainText().endswith("more characters")
    assert card.result.height() < MOST_HEIGHT + 40
    qtbot.mouseClick(card.result.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == whole


def test_a_question_shows_all_arguments_and_four_answers_none_of_which_is_the_default(make: Make) -> None:
    card = make(ASKING)
    assert card.arguments is not None
    assert json.loads(card.arguments.view.toPlainText()) == ASKING.arguments
    assert card.arguments.isVisible()
    assert card.identity is not None
    assert card.identity.text() == "read · Server files"
    assert list(card.answer_buttons) == ["once", "always", "deny", "never"]
    for button in card.answer_buttons.values():
        assert button.isVisible()
        assert not button.isDefault()
        assert not button.autoDefault()
        assert button.geometry().right() < WIDTH


def test_arguments_that_do_not_fit_scroll_and_say_so(make: Make) -> None:
    card = make(replace(ASKING, arguments={str(number): number for number in range(100)}))
    assert card.arguments is not None
    assert card.arguments.view.height() == MOST_HEIGHT
    assert "scroll" in card.arguments.label.text()
    assert '"99": 99' in card.arguments.view.toPlainText()


def test_answers_stay_visible_where_the_card_is_narrow(make: Make) -> None:
    card = make(ASKING)
    card.resize(300, card.fit(300))
    for button in card.answer_buttons.values():
        assert button.geometry().right() < 300
        assert button.geometry().bottom() < card.height()


@pytest.mark.parametrize("answer", ["once", "always", "deny", "never"])
def test_a_question_takes_no_answer_before_it_could_be_read(
    qtbot: QtBot, make: Make, clock: VirtualClock, answer: str
) -> None:
    card = make(ASKING)
    answers: list[tuple[str, str]] = []
    card.answered.connect(lambda call_id, given: answers.append((call_id, given)))
    button = card.answer_buttons[answer]
    clock.time += GUARD_S * 0.9
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert answers == []
    clock.time += GUARD_S
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert answers == [("7", answer)]


def test_a_click_that_brings_the_window_to_the_front_is_no_answer(
    qtbot: QtBot, make: Make, clock: VirtualClock
) -> None:
    card = make(ASKING)
    clock.time += 60
    assert card.accepts_answers
    QApplication.sendEvent(card, QEvent(QEvent.Type.WindowActivate))
    assert not card.accepts_answers
    clock.time += 2 * GUARD_S
    assert card.accepts_answers


def test_a_question_that_is_answered_has_no_buttons_any_more(make: Make) -> None:
    card = make(ASKING)
    card.show_call(replace(ASKING, state="answered"))
    assert not any(button.isVisible() for button in card.answer_buttons.values())
    assert not card.accepts_answers
    assert card.arguments is not None
    assert not card.arguments.isVisible()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "waiting for your approval"),
        ("running", "running…"),
        ("done", "done · 300 ms"),
        ("failed", "failed · 300 ms"),
        ("declined", "declined"),
        ("interrupted", "interrupted"),
    ],
)
def test_the_state_is_said_in_words(state: CallState, words: str) -> None:
    assert state_of(replace(CALL, state=state))[0] == words


@pytest.mark.parametrize(("seconds", "words"), [(0.0, "done"), (0.09, "done"), (0.1, "done · 100 ms")])
def test_nothing_is_said_of_no_time(seconds: float, words: str) -> None:
    assert state_of(replace(CALL, seconds=seconds))[0] == words


def test_progress_has_its_words_and_its_figure(make: Make) -> None:
    running = replace(CALL, state="running", result="", message="Step 3 of 5", progress=0.6)
    card = make(running)
    assert state_of(running)[0] == "running 60 %"
    assert card.header.second_line == "Step 3 of 5"
    assert "Step 3 of 5" in card.header.accessibleName()


def test_a_broken_call_is_named_so_and_shows_what_the_model_wrote(make: Make) -> None:
    broken = CallView(0, "1", "", text="<tool_call>{", state="failed", result="The JSON ends early.")
    card = make(broken, is_open=True)
    assert title_of(broken, NAMES) == BROKEN
    assert card.arguments is not None
    assert card.arguments.view.toPlainText() == "<tool_call>{"
    assert state_of(broken)[0] == "not run"


def test_what_nobody_can_see_is_spelled_out() -> None:
    assert visible("safe\u202egpj.exe\u200b") == "safe\\u202egpj.exe\\u200b"
    assert visible("äöü 漢字 🎉\n\tx") == "äöü 漢字 🎉\n\tx"
    assert "\u202e" not in pretty_json({"path": "a\u202eb"})
    assert json.loads(pretty_json({"half": "\ud800"})) == {"half": "\ud800"}


def test_a_tool_that_nothing_is_known_of_has_its_name() -> None:
    unknown = replace(CALL, name="gone")
    assert (title_of(unknown, NAMES), identity_of(unknown, NAMES)) == ("gone", "gone")


def test_screen_readers_hear_that_a_call_waits(make: Make) -> None:
    assert question(ASKING, NAMES) == "Read a file waits for your approval"
