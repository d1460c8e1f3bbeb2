"""What a search finds, shown as one types: titles at once, messages as they come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from tether_desktop.context.records import SearchHit, SessionRecord
from tether_desktop.ui.look import theme
from tether_desktop.ui.sessions.chat_titles import age_text
from tether_desktop.ui.sessions.found_rows import Found, marks_of, shown_excerpt
from tether_desktop.ui.sessions.search_item_model import FOUND_ROLE
from tether_desktop.ui.sessions.session_list import SessionList

NOW = datetime.now(UTC)
SPOKEN = Qt.ItemDataRole.AccessibleTextRole


def session(name: str, minutes: float = 0) -> SessionRecord:
    when = NOW - timedelta(minutes=minutes)
    return SessionRecord(name, name, "", None, when, when)


def hit(number: int, excerpt: str = "two words here") -> SearchHit:
    return SearchHit("Rain", "Rain", f"m{number}", "user", NOW, excerpt, ((4, 9),))


@pytest.fixture
def sidebar(qtbot: QtBot) -> Iterator[SessionList]:
    widget = SessionList()
    qtbot.addWidget(widget)
    widget.resize(260, 600)
    widget.model.set_sessions([session("Rain", 1), session("Railway", 2), session("Soup", 3)])
    QAbstractItemModelTester(widget.found.model, QAbstractItemModelTester.FailureReportingMode.Fatal, widget)
    widget.show()
    yield widget
    widget.close()


def found(sidebar: SessionList) -> list[Found]:
    model = sidebar.found.model
    return [model.index(row).data(FOUND_ROLE) for row in range(model.rowCount())]


def test_titles_are_found_at_once_and_messages_asked_for(qtbot: QtBot, sidebar: SessionList) -> None:
    with qtbot.waitSignal(sidebar.search_wanted) as wanted:
        qtbot.keyClicks(sidebar.search, "rai")
    assert wanted.args == ["r", 0]
    assert [(row.kind, row.text) for row in found(sidebar)] == [
        ("heading", "Chats"),
        ("chat", "Rain"),
        ("chat", "Railway"),
    ]
    assert found(sidebar)[1].marks == ((0, 3),)
    assert sidebar.found.isVisible()
    assert not sidebar.view.isVisible()


def test_every_word_counts_and_accents_and_case_do_not(sidebar: SessionList) -> None:
    sidebar.model.set_sessions([session("Trip to Lisboa, Órbita"), session("Lisboa weather")])
    sidebar.search.setText("orbita LISBOA")
    assert [row.text for row in found(sidebar)][1:] == ["Trip to Lisboa, Órbita"]


def test_answers_to_what_was_typed_before_are_dropped(sidebar: SessionList) -> None:
    sidebar.search.setText("ra")
    sidebar.search.setText("rai")
    sidebar.found.show_hits("ra", 0, [hit(1)], more=False)
    assert all(row.kind != "message" for row in found(sidebar))
    sidebar.found.show_hits("rai", 0, [hit(2)], more=False)
    assert [row.message_id for row in found(sidebar)][-1] == "m2"


def test_that_nothing_is_found_is_said_only_once_it_is_known(sidebar: SessionList) -> None:
    sidebar.search.setText("zebra\ncrossing")
    assert not sidebar.found.nothing.isVisible()
    sidebar.found.show_hits(sidebar.search.text(), 0, [], more=False)
    assert sidebar.found.nothing.isVisible()
    assert sidebar.found.nothing.text() == "Nothing found for “zebra crossing”."
    sidebar.search.setText("soup")
    assert not sidebar.found.nothing.isVisible()


def test_the_keyboard_goes_from_the_field_to_what_was_found_and_back(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.search.setText("rai")
    sidebar.found.show_hits("rai", 0, [hit(1)], more=False)
    qtbot.keyClick(sidebar.search, Qt.Key.Key_Down)
    view = sidebar.found.view
    assert view.currentIndex().data() == "Rain"
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.keyClick(sidebar.search, Qt.Key.Key_Down)
    for _ in range(2):
        qtbot.keyClick(view, Qt.Key.Key_Down)
    with qtbot.waitSignal(sidebar.message_chosen) as chosen:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert chosen.args == ["Rain", "m1"]
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert sidebar.search.text() == ""
    assert sidebar.view.isVisible()


def test_the_keyboard_stays_at_its_row_when_chats_come_before_it(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.search.setText("rai")
    sidebar.found.show_hits("rai", 0, [hit(1), hit(2)], more=False)
    sidebar.found.view.begin()
    for _ in range(3):
        qtbot.keyClick(sidebar.found.view, Qt.Key.Key_Down)
    assert sidebar.found.view.currentIndex().data(FOUND_ROLE).message_id == "m2"
    sidebar.model.put(session("Rain again", 0))
    sidebar.found.show_hits("rai", 0, [hit(3), hit(1), hit(2)], more=False)
    assert sidebar.found.view.currentIndex().data(FOUND_ROLE).message_id == "m2"


def test_enter_in_the_field_opens_the_first_and_escape_clears(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.search.setText("rai")
    with qtbot.waitSignal(sidebar.chosen) as chosen:
        qtbot.keyClick(sidebar.search, Qt.Key.Key_Return)
    assert chosen.args == ["Rain"]
    qtbot.keyClick(sidebar.search, Qt.Key.Key_Escape)
    assert sidebar.search.text() == ""


def test_a_click_opens_the_message(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.search.setText("rai")
    sidebar.found.show_hits("rai", 0, [hit(1)], more=False)
    view = sidebar.found.view
    place = view.visualRect(sidebar.found.model.index(len(found(sidebar)) - 1)).center()
    with qtbot.waitSignal(sidebar.message_chosen) as chosen:
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert chosen.args == ["Rain", "m1"]


def test_few_titles_leave_room_for_messages_until_all_are_wanted(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.model.set_sessions([session(f"Rain {number}", number) for number in range(40)])
    sidebar.search.setText("rain")
    assert [row.kind for row in found(sidebar)] == ["heading", *["chat"] * 5, "more"]
    sidebar.found.view.begin()
    sidebar.found.view.setCurrentIndex(sidebar.found.model.index(6))
    qtbot.keyClick(sidebar.found.view, Qt.Key.Key_Return)
    assert len(found(sidebar)) == 41


def test_more_messages_are_asked_for_by_scrolling_and_added_below(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.search.setText("rai")
    with qtbot.waitSignal(sidebar.search_wanted, check_params_cb=lambda _query, offset: offset == 30):
        sidebar.found.show_hits("rai", 0, [hit(number) for number in range(30)], more=True)
        bar = sidebar.found.view.verticalScrollBar()
        qtbot.waitUntil(lambda: bar.maximum() > 0)
        bar.setValue(bar.maximum())
    sidebar.found.show_hits("rai", 30, [hit(30)], more=False)
    sidebar.found.show_hits("rai", 30, [hit(31)], more=False)
    assert [row.message_id for row in found(sidebar)][-2:] == ["m29", "m30"], "the same is not added twice"


def test_a_result_is_said_with_what_was_said_and_when(sidebar: SessionList) -> None:
    sidebar.search.setText("words")
    sidebar.found.show_hits("words", 0, [hit(1)], more=False)
    spoken = sidebar.found.model.index(1).data(SPOKEN)
    assert spoken.startswith("Rain, two words here, ")


@pytest.mark.parametrize("excerpt", ["", "x" * 3000, "\u202eevil\u0000", "שלום עולם words", "a\u0301" * 400])
def test_every_excerpt_is_painted(sidebar: SessionList, look: theme.Appearance, excerpt: str) -> None:
    sidebar.search.setText("rai")
    sidebar.found.show_hits("rai", 0, [hit(1, excerpt)], more=False)
    for choice in ("light", "dark"):
        look.choose(choice)
        sidebar.grab()
    sidebar.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    sidebar.grab()


def test_the_words_found_are_seen_in_the_excerpt(sidebar: SessionList) -> None:
    sidebar.search.setText("words")
    sidebar.found.show_hits("words", 0, [hit(1)], more=False)
    picture = sidebar.grab().toImage()
    colours = {picture.pixelColor(x, y).name() for x in range(0, picture.width(), 2) for y in range(picture.height())}
    assert theme.active().colors.selection in colours


def test_marks_move_with_what_is_spelled_out() -> None:
    text, marks = shown_excerpt("a\u202eb word", ((4, 8),))
    assert text == "a\\u202eb word"
    assert [text[start:end] for start, end in marks] == ["word"]


def test_marks_of_a_title_do_not_overlap() -> None:
    assert marks_of("Rain and railway", "rai rain and") == ((0, 3), (5, 8))
    assert marks_of("ﬁsh", "fish") == ()


@pytest.mark.parametrize(("days", "length"), [(0, 5), (3, 3), (40, 6), (800, 0)])
def test_ages_are_short(days: int, length: int) -> None:
    noon = datetime(2026, 11, 22, 12).astimezone()
    text = age_text(noon - timedelta(days=days), date(2026, 11, 22))
    assert text
    assert len(text) <= max(length, 10)
