"""The sidebar: order, groups, search, rename, delete, selection, all by real clicks and keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from tether_desktop.context.records import SessionRecord
from tether_desktop.ui.sessions.chat_titles import AgeGroups
from tether_desktop.ui.sessions.session_item_model import SessionItemModel
from tether_desktop.ui.sessions.session_list import SessionList

NOW = datetime.now(UTC)


def session(name: str, minutes: float = 0, title: str | None = None) -> SessionRecord:
    when = NOW - timedelta(minutes=minutes)
    return SessionRecord(name, name if title is None else title, "", None, when, when)


DAY = 24 * 60
FOUR = [session("Alpha", 1), session("Beta", 2), session("Gamma", 40 * DAY), session("Delta", 50 * DAY)]


@pytest.fixture
def sidebar(qtbot: QtBot) -> Iterator[SessionList]:
    widget = SessionList()
    qtbot.addWidget(widget)
    QAbstractItemModelTester(widget.model, QAbstractItemModelTester.FailureReportingMode.Fatal, widget)
    widget.resize(260, 600)
    widget.model.set_sessions(FOUR)
    widget.show()
    yield widget
    widget.close()


def titles(model: SessionItemModel) -> list[str]:
    return [model.index(row).data() for row in range(model.rowCount())]


def action_of(menu: QMenu, text: str) -> QAction:
    return next(action for action in menu.actions() if action.text() == text)


def click(qtbot: QtBot, sidebar: SessionList, session_id: str) -> None:
    place = sidebar.view.visualRect(sidebar.model.index_of(session_id)).center()
    qtbot.mouseClick(sidebar.view.viewport(), Qt.MouseButton.LeftButton, pos=place)


@pytest.mark.parametrize(
    ("days", "group"),
    [(-1, "Today"), (0, "Today"), (1, "Yesterday"), (7, "Previous 7 days"), (8, "Previous 30 days"), (31, "Older")],
)
def test_chats_are_grouped_by_age(days: int, group: str) -> None:
    today = date(2026, 11, 22)
    noon = datetime(2026, 11, 22, 12).astimezone() - timedelta(days=days)
    assert AgeGroups(today).of(noon) == group


def test_the_newest_chat_is_first_and_older_ones_stand_under_their_heading(sidebar: SessionList) -> None:
    shown = titles(sidebar.model)
    assert [title for title in shown if title in "Alpha Beta Gamma Delta"] == ["Alpha", "Beta", "Gamma", "Delta"]
    assert shown.index("Older") == shown.index("Gamma") - 1


def test_pinned_chats_stand_before_the_others_under_a_heading_of_their_own(sidebar: SessionList) -> None:
    sidebar.model.put(replace(FOUR[3], pinned=True))
    assert titles(sidebar.model)[:3] == ["Pinned", "Delta", "Today"]
    menu = sidebar.view.menu(sidebar.model.index_of("Delta"))
    asked: list[tuple[tuple[str, ...], bool]] = []
    sidebar.requests.pin.connect(lambda session_id, pinned: asked.append((session_id, pinned)))
    next(action for action in menu.actions() if action.text() == "Unpin").trigger()
    menu.deleteLater()
    assert asked == [(("Delta",), False)]
    sidebar.model.put(FOUR[3])
    assert titles(sidebar.model)[-1] == "Delta"


def test_what_became_of_many_sessions_is_shown_at_once_and_the_selection_stays(sidebar: SessionList) -> None:
    sidebar.select("Gamma")
    rebuilt: list[bool] = []
    sidebar.model.rebuilt.connect(lambda: rebuilt.append(True))
    sidebar.model.apply([session("New", 0), replace(FOUR[1], title="Renamed")], ["Alpha", "unknown"])
    assert [title for title in titles(sidebar.model) if title not in {"Today", "Yesterday", "Older"}] == [
        "New",
        "Renamed",
        "Gamma",
        "Delta",
    ]
    assert rebuilt == [True]
    assert sidebar.view.session_id() == "Gamma"


def test_a_chat_that_answers_before_it_is_listed_is_marked_once_it_is(sidebar: SessionList) -> None:
    sidebar.model.set_busy("New", True)
    sidebar.model.put(session("New", 0))
    spoken = sidebar.model.index_of("New").data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "New, answering"


def test_of_very_many_chats_there_are_rows_as_far_as_one_has_come(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.model.set_sessions([session(f"Chat {number}", number) for number in range(2000)])
    few = sidebar.model.rowCount()
    assert few < 300
    bar = sidebar.view.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bar.setValue(bar.maximum())
    reached = bar.value()
    qtbot.waitUntil(lambda: bar.maximum() > reached)
    assert sidebar.model.rowCount() > few
    assert bar.value() == reached, "what is seen stays where it is"
    sidebar.select("Chat 1900")
    assert sidebar.view.session_id() == "Chat 1900"
    sidebar.search.setText("chat 1999")
    assert sidebar.found.model.index(1).data() == "Chat 1999"


def test_a_chat_without_a_title_is_called_new(sidebar: SessionList) -> None:
    sidebar.model.put(session("x", 0, title=""))
    assert titles(sidebar.model)[1] == "New chat"


def test_a_click_chooses_a_chat_and_a_heading_cannot_be_chosen(qtbot: QtBot, sidebar: SessionList) -> None:
    with qtbot.waitSignal(sidebar.chosen) as chosen:
        click(qtbot, sidebar, "Beta")
    assert chosen.args == ["Beta"]
    qtbot.mouseClick(sidebar.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(40, 12))
    assert sidebar.view.session_id() == "Beta"


def test_the_arrow_keys_walk_over_headings(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Beta")
    with qtbot.waitSignal(sidebar.chosen) as chosen:
        qtbot.keyClick(sidebar.view, Qt.Key.Key_Down)
    assert chosen.args == ["Gamma"]


def test_selecting_from_outside_asks_for_nothing(qtbot: QtBot, sidebar: SessionList) -> None:
    with qtbot.assertNotEmitted(sidebar.chosen):
        sidebar.select("Gamma")
        assert sidebar.view.session_id() == "Gamma"
        sidebar.select("")
        assert sidebar.view.session_id() == ""


def test_f2_renames_in_place(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Alpha")
    qtbot.keyClick(sidebar.view, Qt.Key.Key_F2)
    editor = sidebar.view.findChild(QLineEdit)
    assert editor is not None
    editor.setText("  First   one ")
    with qtbot.waitSignal(sidebar.requests.rename) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == ["Alpha", "First one"]
    assert titles(sidebar.model)[1] == "First one"


def test_escape_and_an_empty_title_rename_nothing(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Alpha")
    with qtbot.assertNotEmitted(sidebar.requests.rename):
        for text, key in (("Other", Qt.Key.Key_Escape), ("   ", Qt.Key.Key_Return)):
            qtbot.keyClick(sidebar.view, Qt.Key.Key_F2)
            editor = sidebar.view.findChild(QLineEdit)
            assert editor is not None
            editor.setText(text)
            qtbot.keyClick(editor, key)
            QApplication.processEvents()
    assert titles(sidebar.model)[1] == "Alpha"


def test_renaming_survives_another_chat_moving_up(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Alpha")
    qtbot.keyClick(sidebar.view, Qt.Key.Key_F2)
    sidebar.model.set_busy("Delta", True)
    assert titles(sidebar.model)[1] == "Delta"
    editor = sidebar.view.findChild(QLineEdit)
    assert editor is not None
    editor.setText("Mine")
    with qtbot.waitSignal(sidebar.requests.rename) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == ["Alpha", "Mine"]


def test_delete_asks_to_delete_and_backspace_does_not(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Beta")
    with qtbot.assertNotEmitted(sidebar.requests.delete):
        qtbot.keyClick(sidebar.view, Qt.Key.Key_Backspace)
    with qtbot.waitSignal(sidebar.requests.delete) as deleted:
        qtbot.keyClick(sidebar.view, Qt.Key.Key_Delete)
    assert deleted.args == [("Beta",)]


def test_the_menu_renames_and_deletes(qtbot: QtBot, sidebar: SessionList) -> None:
    menu = sidebar.view.menu(sidebar.model.index_of("Gamma"))
    rename, delete = (action_of(menu, text) for text in ("Rename", "Delete"))
    with qtbot.waitSignal(sidebar.requests.delete) as deleted:
        delete.trigger()
    assert deleted.args == [("Gamma",)]
    rename.trigger()
    editor = sidebar.view.findChild(QLineEdit)
    assert editor is not None
    assert editor.text() == "Gamma"
    menu.deleteLater()


def test_the_menu_key_opens_the_menu_of_the_selected_chat(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Alpha")
    QApplication.sendEvent(
        sidebar.view, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(1, 1), QPoint(1, 1))
    )
    popup = QApplication.activePopupWidget()
    assert popup is not None
    popup.close()


def test_a_chat_that_answers_is_marked_and_comes_first(sidebar: SessionList) -> None:
    sidebar.model.set_busy("Delta", True)
    index = sidebar.model.index_of("Delta")
    assert titles(sidebar.model)[:2] == ["Today", "Delta"]
    assert "answering" in index.data(Qt.ItemDataRole.AccessibleTextRole)
    sidebar.model.set_busy("Delta", False)
    assert "answering" not in sidebar.model.index_of("Delta").data(Qt.ItemDataRole.AccessibleTextRole)


def test_removing_and_adding_keeps_the_selection(sidebar: SessionList) -> None:
    sidebar.select("Gamma")
    sidebar.model.remove("Alpha")
    sidebar.model.put(session("Epsilon"))
    assert sidebar.view.session_id() == "Gamma"
    assert "Alpha" not in titles(sidebar.model)


def test_the_list_paints_every_kind_of_row(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.model.set_busy("Beta", True)
    sidebar.view.setFocus()
    qtbot.keyClick(sidebar.view, Qt.Key.Key_Down)
    picture = sidebar.grab().toImage()
    colours = {picture.pixelColor(x, y).name() for x in range(0, picture.width(), 3) for y in range(picture.height())}
    assert "#2f5fe0" in colours, "the dot of the chat that answers"


def test_filtering_and_removing_never_open_another_chat(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Alpha")
    with qtbot.assertNotEmitted(sidebar.chosen):
        qtbot.keyClicks(sidebar.search, "gamma")
        sidebar.search.clear()
        sidebar.model.remove("Alpha")
    assert sidebar.view.session_id() == ""
