"""Finding words in a chat: every message is searched, shown or not, and none of them holds up the window."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.helpers.gui import Recorder
from tether_desktop.ui.chat import finder as finder_module
from tether_desktop.ui.chat.chat_view import ChatView
from tether_desktop.ui.chat.find_bar import FindBar
from tether_desktop.ui.chat.finder import Finder
from tether_desktop.ui.chat.message_view import MessageView

VIEWS = [
    MessageView("0", "user", "One apple"),
    MessageView("1", "assistant", "An APPLE, and another apple."),
    MessageView("2", "user", "Pears"),
    MessageView("3", "assistant", "**No** apple"),
]


def places(finder: Finder) -> tuple[Recorder, Recorder]:
    return Recorder(finder.arrived), Recorder(finder.counted)


def test_the_newest_place_comes_first_and_the_others_after_it(qapp: object) -> None:
    finder = Finder()
    arrived, counted = places(finder)
    finder.start("apple", VIEWS)
    for _ in range(4):
        finder.step(-1)
    finder.step(1)
    seen = [(message_id, number) for message_id, _, number in arrived.calls]
    assert seen == [("3", 0), ("1", 1), ("1", 0), ("0", 0), ("3", 0), ("0", 0)]
    assert counted.calls[-1] == (1, 4)


def test_what_is_nowhere_is_counted_as_nothing(qapp: object) -> None:
    finder = Finder()
    arrived, counted = places(finder)
    finder.start("plum", VIEWS)
    finder.step(1)
    assert (arrived.calls, counted.calls[-1]) == ([], (0, 0))
    finder.start("", VIEWS)
    assert counted.calls[-1] == (0, 0)


def test_long_chats_are_searched_a_bit_at_a_time(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder_module, "STEP_CHARACTERS", 10)
    finder = Finder()
    finder.start("apple", VIEWS)
    assert finder.total == 1
    qtbot.waitUntil(lambda: finder.total == 4)


def test_the_bar_says_how_often_and_goes_on_by_key(qtbot: QtBot) -> None:
    bar = FindBar()
    qtbot.addWidget(bar)
    bar.open("apple")
    steps, closed = Recorder(bar.step_requested), Recorder(bar.closed)
    bar.show_count(2, 4)
    assert bar.count.text() == "2 of 4"
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    qtbot.keyClick(bar.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert [call[0] for call in steps.calls] == [1, -1]
    bar.show_count(0, 0)
    assert (bar.count.text(), bar.next.isEnabled()) == ("Not found", False)
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    assert bar.isHidden()
    assert len(closed.calls) == 1


def test_places_are_marked_and_brought_into_view(qtbot: QtBot) -> None:
    view = ChatView()
    qtbot.addWidget(view)
    view.resize(700, 500)
    view.show()
    many = [MessageView(f"m{number}", "assistant", "words " * 300) for number in range(60)]
    target = MessageView("t", "assistant", "x\n\n" * 80 + "the *apple* is here, and an apple there")
    view.set_messages([*many[:30], target, *many[30:]])
    view.show_place("t", "apple", 0)
    widget = view._live["t"]
    qtbot.waitUntil(lambda: not widget.pending and not view._looking)
    assert 0 < widget.y() + widget.body.y() + widget.body.height() - 40 < view.viewport().height()
    assert len(widget.body.extraSelections()) == 2
    view.show_place("", "")
    assert widget.body.extraSelections() == []
