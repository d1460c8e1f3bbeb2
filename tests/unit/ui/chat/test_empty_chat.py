"""The greeting of an empty chat: examples are read whole wherever there is room, and fill the composer."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from tether_desktop.ui.chat.empty_chat import EmptyChat


@pytest.fixture
def greeting(qtbot: QtBot) -> EmptyChat:
    widget = EmptyChat()
    qtbot.addWidget(widget)
    widget.resize(900, 640)
    widget.show()
    return widget


def columns(greeting: EmptyChat) -> int:
    return len({button.x() for button in greeting.buttons})


def test_an_example_is_offered_to_the_composer(greeting: EmptyChat, qtbot: QtBot) -> None:
    with qtbot.waitSignal(greeting.example_chosen) as chosen:
        greeting.buttons[2].click()
    assert chosen.args == [greeting.buttons[2].text()]


def test_examples_are_never_cut(greeting: EmptyChat, qtbot: QtBot) -> None:
    for width, expected in ((900, 2), (640, 1), (900, 2), (420, 1)):
        greeting.resize(width, 640)
        qtbot.waitUntil(lambda expected=expected: columns(greeting) == expected)  # type: ignore[misc]
        assert all(button.width() >= button.sizeHint().width() for button in greeting.buttons)


def test_where_it_is_low_only_the_greeting_is_there(greeting: EmptyChat, qtbot: QtBot) -> None:
    greeting.resize(900, 220)
    qtbot.waitUntil(lambda: not greeting.buttons[0].isVisible())
    greeting.resize(900, 640)
    qtbot.waitUntil(greeting.buttons[0].isVisible)
