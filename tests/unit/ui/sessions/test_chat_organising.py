"""Folders, order, marks, many chats at once and hostile titles in the sidebar, by real clicks and keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QMouseEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from tether_desktop.context.records import FolderRecord, SessionRecord
from tether_desktop.ui.look import theme
from tether_desktop.ui.sessions.chat_drag import picture
from tether_desktop.ui.sessions.files_desk import file_name
from tether_desktop.ui.sessions.session_item_model import DRAFT_ROLE, SessionItemModel
from tether_desktop.ui.sessions.session_list import SessionList

NOW = datetime.now(UTC)
SPOKEN = Qt.ItemDataRole.AccessibleTextRole
COOKING, WORK = FolderRecord("f1", "Cooking", NOW), FolderRecord("f2", "Work", NOW)


def session(name: str, minutes: float = 0, **fields: object) -> SessionRecord:
    when = NOW - timedelta(minutes=minutes)
    return replace(SessionRecord(name, name, "", None, when, when), **fields)  # type: ignore[arg-type]


CHATS = [session("Soup", 1, folder_id="f1"), session("Bread", 2, folder_id="f1"), session("Rain", 3), session("Sky", 4)]


@pytest.fixture
def sidebar(qtbot: QtBot) -> Iterator[SessionList]:
    widget = SessionList()
    qtbot.addWidget(widget)
    QAbstractItemModelTester(widget.model, QAbstractItemModelTester.FailureReportingMode.Fatal, widget)
    widget.resize(260, 700)
    widget.model.set_folders([COOKING, WORK])
    widget.model.set_sessions(CHATS)
    widget.show()
    yield widget
    widget.close()


def rows(model: SessionItemModel) -> list[str]:
    return [model.index(row).data() for row in range(model.rowCount())]


def texts(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if action.text()]


def click(
    qtbot: QtBot, sidebar: SessionList, session_id: str, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    place = sidebar.view.visualRect(sidebar.model.index_of(session_id)).center()
    qtbot.mouseClick(sidebar.view.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def click_folder(qtbot: QtBot, sidebar: SessionList, folder_id: str) -> None:
    place = sidebar.view.visualRect(sidebar.model.folder_index(folder_id)).center()
    qtbot.mouseClick(sidebar.view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_folders_stand_before_the_other_chats_with_theirs_below_and_a_count(sidebar: SessionList) -> None:
    assert rows(sidebar.model)[:6] == ["Folders", "Cooking", "Soup", "Bread", "Work", "Today"]
    assert sidebar.model.folder_index("f1").data(SPOKEN) == "Cooking, folder, 2 chats, expanded"


def test_a_click_folds_a_folder_and_keys_do_too(qtbot: QtBot, sidebar: SessionList) -> None:
    with qtbot.assertNotEmitted(sidebar.chosen):
        click_folder(qtbot, sidebar, "f1")
        assert rows(sidebar.model)[:3] == ["Folders", "Cooking", "Work"]
        for key, shown in ((Qt.Key.Key_Right, True), (Qt.Key.Key_Left, False), (Qt.Key.Key_Space, True)):
            qtbot.keyClick(sidebar.view, key)
            assert ("Soup" in rows(sidebar.model)) == shown
    assert "expanded" in sidebar.model.folder_index("f1").data(SPOKEN)


def test_the_key_towards_the_beginning_goes_from_a_chat_to_its_folder(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Bread")
    qtbot.keyClick(sidebar.view, Qt.Key.Key_Left)
    assert sidebar.view.currentIndex() == sidebar.model.folder_index("f1")
    sidebar.view.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    click(qtbot, sidebar, "Bread")
    qtbot.keyClick(sidebar.view, Qt.Key.Key_Right)
    assert sidebar.view.currentIndex() == sidebar.model.folder_index("f1")


def test_a_folder_is_renamed_and_deleted_by_keys(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.view.setCurrentIndex(sidebar.model.folder_index("f2"))
    qtbot.keyClick(sidebar.view, Qt.Key.Key_F2)
    editor = sidebar.view.findChild(QLineEdit)
    assert editor is not None
    assert editor.accessibleName() == "Folder name"
    editor.setText("Office")
    with qtbot.waitSignal(sidebar.requests.rename_folder) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == ["f2", "Office"]
    assert "f2" not in sidebar.model.collapsed, "the key was the editor's"
    QApplication.processEvents()
    with qtbot.waitSignal(sidebar.requests.delete_folder) as deleted:
        qtbot.keyClick(sidebar.view, Qt.Key.Key_Delete)
    assert deleted.args == ["f2"]


def test_chats_of_a_folder_that_is_gone_are_among_the_others(sidebar: SessionList) -> None:
    sidebar.model.set_folders([WORK])
    assert rows(sidebar.model) == ["Folders", "Work", "Today", "Soup", "Bread", "Rain", "Sky"]


def test_the_menu_moves_chats_to_folders_and_out_of_them(qtbot: QtBot, sidebar: SessionList) -> None:
    menu = sidebar.view.menu(sidebar.model.index_of("Soup"))
    assert menu is not None
    folders = next(action.menu() for action in menu.actions() if action.text() == "Move to folder")
    assert isinstance(folders, QMenu)
    assert texts(folders) == ["Cooking", "Work", "No folder", "New folder"]
    assert [action.isChecked() for action in folders.actions()][:2] == [True, False]
    with qtbot.waitSignal(sidebar.requests.move) as moved:
        folders.actions()[1].trigger()
    assert moved.args == [("Soup",), "f2"]
    menu.deleteLater()


def test_several_chats_are_selected_without_opening_them_and_have_one_menu(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Soup")
    with qtbot.assertNotEmitted(sidebar.chosen):
        click(qtbot, sidebar, "Rain", Qt.KeyboardModifier.ControlModifier)
        qtbot.keyClick(sidebar.view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert set(sidebar.view.selected_ids()) >= {"Rain", "Sky"}
    menu = sidebar.view.menu(sidebar.model.index_of("Rain"))
    assert menu is not None
    assert texts(menu) == ["Pin", "Move to folder", "Archive", "Mark as unread", "Export", "Delete"]
    menu.deleteLater()


def test_all_chats_are_selected_also_those_below_the_last_row(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.model.set_sessions([session(f"n{number}", number) for number in range(900)])
    sidebar.view.setFocus()
    qtbot.keyClick(sidebar.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    with qtbot.waitSignal(sidebar.requests.delete) as deleted:
        qtbot.keyClick(sidebar.view, Qt.Key.Key_Delete)
    assert len(deleted.args[0]) == 900


def test_a_click_on_one_of_many_selected_opens_it(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Soup")
    click(qtbot, sidebar, "Rain", Qt.KeyboardModifier.ControlModifier)
    with qtbot.waitSignal(sidebar.chosen) as chosen:
        click(qtbot, sidebar, "Rain")
    assert chosen.args == ["Rain"]
    assert sidebar.view.selected_ids() == ("Rain",)


def test_the_right_button_and_the_coming_of_the_keyboard_open_nothing(qtbot: QtBot, sidebar: SessionList) -> None:
    with qtbot.assertNotEmitted(sidebar.chosen):
        place = sidebar.view.visualRect(sidebar.model.index_of("Rain")).center()
        qtbot.mouseClick(sidebar.view.viewport(), Qt.MouseButton.RightButton, pos=place)
        sidebar.view.setFocus(Qt.FocusReason.TabFocusReason)


def test_dragged_chats_are_dropped_on_folders_on_chats_in_them_and_outside(qtbot: QtBot, sidebar: SessionList) -> None:
    model = sidebar.model
    for target, folder in ((model.folder_index("f2"), "f2"), (model.index_of("Soup"), "f1"), (model.index(5), "")):
        data = model.mimeData([model.index_of("Rain"), model.index_of("Sky")])
        with qtbot.waitSignal(sidebar.requests.move) as moved:
            model.dropMimeData(data, Qt.DropAction.MoveAction, -1, -1, target)
        assert moved.args == [("Rain", "Sky"), folder]
    assert not model.dropMimeData(QMimeData(), Qt.DropAction.MoveAction, -1, -1, model.folder_index("f1"))


def test_a_drag_of_one_of_many_keeps_the_selection(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Rain")
    click(qtbot, sidebar, "Sky", Qt.KeyboardModifier.ControlModifier)
    place = QPointF(sidebar.view.visualRect(sidebar.model.index_of("Rain")).center())
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    press = QMouseEvent(QEvent.Type.MouseButtonPress, place, place, left, left, none)
    QApplication.sendEvent(sidebar.view.viewport(), press)
    assert set(sidebar.view.selected_ids()) == {"Rain", "Sky"}
    release = QMouseEvent(QEvent.Type.MouseButtonRelease, place, place, left, Qt.MouseButton.NoButton, none)
    QApplication.sendEvent(sidebar.view.viewport(), release)


def test_the_order_is_chosen_by_the_menu_beside_the_search(sidebar: SessionList) -> None:
    sidebar.model.set_folders([])
    menu = sidebar.more_button.menu_of_list()
    next(action for action in menu.actions() if action.text() == "Sort by title").trigger()
    menu.deleteLater()
    assert rows(sidebar.model) == ["Chats", "Bread", "Rain", "Sky", "Soup"]
    sidebar.model.put(session("Anise", 9000))
    assert rows(sidebar.model)[1] == "Anise"
    assert sidebar.arrangement == "title"
    sidebar.arrange("activity")
    assert rows(sidebar.model)[1] == "Soup"
    sidebar.arrange("no such order")
    assert rows(sidebar.model)[1] == "Soup"


@pytest.mark.parametrize(
    ("mark", "spoken"), [("unread", "Rain, unread"), ("busy", "Rain, answering"), ("draft", "Rain, has a draft")]
)
def test_marks_are_said_and_seen(sidebar: SessionList, mark: str, spoken: str) -> None:
    before = sidebar.view.grab().toImage()
    if mark == "unread":
        sidebar.model.put(replace(CHATS[2], unread=True))
    elif mark == "busy":
        sidebar.model.set_busy("Rain", True)
    else:
        sidebar.model.marks.set_drafted({"Rain"})
        assert sidebar.model.index_of("Rain").data(DRAFT_ROLE)
    assert sidebar.model.index_of("Rain").data(SPOKEN) == spoken
    assert sidebar.view.grab().toImage() != before


def test_an_archived_chat_leaves_the_list_and_stays_findable(sidebar: SessionList) -> None:
    sidebar.model.put(replace(CHATS[2], archived=True))
    assert "Rain" not in rows(sidebar.model)
    assert [record.id for record in sidebar.model.archived()] == ["Rain"]
    assert [record.id for record in sidebar.model.titled("rain")] == ["Rain"]


@pytest.mark.parametrize(
    "title", ["x" * 100_000, "a\nb\r\n\tc", "pay\u202egnp.exe", "\x00\x1b[31m", "", " \u200b ", "🏳️‍🌈" * 500]
)
def test_no_title_breaks_the_list(qtbot: QtBot, sidebar: SessionList, title: str) -> None:
    sidebar.model.put(replace(CHATS[2], title=title))
    shown = sidebar.model.index_of("Rain").data()
    assert 0 < len(shown) < 3_000
    assert not set(shown) & {"\n", "\u202e", "\x00", "\x1b"}
    sidebar.grab()
    click(qtbot, sidebar, "Rain")
    qtbot.keyClick(sidebar.view, Qt.Key.Key_F2)
    editor = sidebar.view.findChild(QLineEdit)
    assert editor is not None
    with qtbot.assertNotEmitted(sidebar.requests.rename):
        qtbot.keyClick(editor, Qt.Key.Key_Escape)


def test_ten_thousand_chats_as_news_leave_the_shown_one_selected(sidebar: SessionList) -> None:
    sidebar.select("Rain")
    sidebar.model.apply([session(f"n{number}", number + 10) for number in range(10_000)], ["Sky"])
    assert sidebar.view.session_id() == "Rain"
    assert sidebar.model.rowCount() < 300
    sidebar.model.apply([], [f"n{number}" for number in range(10_000)])
    assert rows(sidebar.model) == ["Folders", "Cooking", "Soup", "Bread", "Work", "Today", "Rain"]


def test_what_is_typed_stays_while_the_chat_changes(qtbot: QtBot, sidebar: SessionList) -> None:
    click(qtbot, sidebar, "Rain")
    qtbot.keyClick(sidebar.view, Qt.Key.Key_F2)
    editor = sidebar.view.findChild(QLineEdit)
    assert editor is not None
    editor.setText("Mine")
    sidebar.model.put(replace(CHATS[2], title="Theirs", unread=True))
    sidebar.select("Soup")
    assert editor.text() == "Mine"
    with qtbot.waitSignal(sidebar.requests.rename) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == ["Rain", "Mine"]


def test_only_one_file_of_conversations_can_be_dropped(qtbot: QtBot, sidebar: SessionList) -> None:
    def drop(*names: str) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(f"/somewhere/{name}") for name in names])
        what = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        sidebar.dropEvent(QDropEvent(QPointF(5, 5), *what))

    with qtbot.assertNotEmitted(sidebar.requests.import_file):
        drop("a.png")
        drop("a.json", "b.json")
    with qtbot.waitSignal(sidebar.requests.import_file) as wanted:
        drop("Chats.ZIP")
    assert wanted.args[0].endswith("Chats.ZIP")


def test_the_list_is_painted_in_both_directions_and_sizes(sidebar: SessionList, look: theme.Appearance) -> None:
    before = sidebar.grab().toImage()
    sidebar.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert sidebar.grab().toImage() != before
    look.resize(20, "comfortable")
    QApplication.processEvents()
    height = sidebar.view.visualRect(sidebar.model.index(0)).height()
    assert height == theme.active().space.row > 36


@pytest.mark.parametrize(
    ("title", "name"),
    [("a/b\\c:*?", "a b c"), ("", "chat"), ("CON", "CON_"), ("..", "chat"), ("x" * 500, "x" * 80), ("a\x00b", "a b")],
)
def test_titles_become_names_of_files_everywhere(title: str, name: str) -> None:
    assert file_name(title) == name


def test_the_sidebar_is_not_wider_than_it_was_made(sidebar: SessionList) -> None:
    sidebar.show_bin()
    sidebar.shelf.show_chats(CHATS, 30)
    assert sidebar.minimumSizeHint().width() <= 260
    assert sidebar.mapTo(sidebar, QPoint(0, 0)) == QPoint(0, 0)


@pytest.mark.parametrize(("shelf", "said"), [("archive", "Nothing is archived."), ("bin", "The bin is empty.")])
def test_an_empty_shelf_says_so_and_offers_nothing_that_cannot_be_done(
    sidebar: SessionList, shelf: str, said: str
) -> None:
    (sidebar.show_bin if shelf == "bin" else sidebar.show_archive)()
    page = sidebar.shelf
    offered = (page.return_button, page.remove_button, page.empty_button, page.view, page.note)
    assert page.nothing_here.title.text() == ""
    page.show_chats((), 30)
    assert page.nothing_here.title.text() == said
    assert page.nothing_here.text.text().endswith("found by searching." if shelf == "archive" else "30 days.")
    assert not any(widget.isVisible() for widget in offered)
    page.show_chats(CHATS, 30)
    assert not page.nothing_here.isVisible()
    assert [widget.isVisible() for widget in offered] == [True, True, shelf == "bin", True, True]


def test_the_question_goes_with_the_last_chat_of_the_bin(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.show_bin()
    sidebar.shelf.show_chats(CHATS, 0)
    qtbot.mouseClick(sidebar.shelf.empty_button, Qt.MouseButton.LeftButton)
    assert sidebar.shelf.confirm.isVisible()
    sidebar.shelf.show_chats((), 0)
    assert not sidebar.shelf.confirm.isVisible()
    assert not sidebar.shelf.return_button.isVisible()


def test_the_bin_is_emptied_by_one_request_however_much_is_in_it(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.show_bin()
    sidebar.shelf.show_chats(CHATS, 30)
    qtbot.mouseClick(sidebar.shelf.empty_button, Qt.MouseButton.LeftButton)
    with qtbot.assertNotEmitted(sidebar.requests.erase), qtbot.waitSignal(sidebar.requests.empty_bin):
        qtbot.mouseClick(sidebar.shelf.confirm.yes, Qt.MouseButton.LeftButton)
    sidebar.shelf.view.setCurrentIndex(sidebar.shelf.model.index(1))
    qtbot.mouseClick(sidebar.shelf.remove_button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(sidebar.requests.erase) as erased:
        qtbot.mouseClick(sidebar.shelf.confirm.yes, Qt.MouseButton.LeftButton)
    assert erased.args == [(CHATS[1].id,)]


def test_where_dragged_chats_would_come_is_framed(sidebar: SessionList) -> None:
    view, model = sidebar.view, sidebar.model
    data = model.mimeData([model.index_of("Rain")])
    seen = {}
    for name, place in (("f1", model.index_of("Soup")), ("f2", model.folder_index("f2")), ("", model.index_of("Sky"))):
        event = QDragMoveEvent(
            view.visualRect(place).center(),
            Qt.DropAction.MoveAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        enter = QDragEnterEvent(
            event.position().toPoint(), event.dropAction(), data, event.buttons(), event.modifiers()
        )
        view.dragEnterEvent(enter)
        view.dragMoveEvent(event)
        seen[name] = view.grab().toImage()
        view.dragLeaveEvent(QDragLeaveEvent())
    plain = view.grab().toImage()
    assert len({bytes(image.constBits()) for image in (plain, *seen.values())}) == 4  # type: ignore[arg-type]


def test_what_is_dragged_says_what_it_is(sidebar: SessionList) -> None:
    short, long = picture("3 chats", 1.5), picture("x" * 10_000, 1.5)
    assert short.width() < long.width() < 1.5 * 300
    assert short.devicePixelRatio() == 1.5


def test_all_folders_are_collapsed_and_expanded_at_once(sidebar: SessionList) -> None:
    def choose(text: str) -> None:
        menu = sidebar.more_button.menu_of_list()
        next(action for action in menu.actions() if action.text() == text).trigger()
        menu.deleteLater()

    choose("Collapse all folders")
    assert rows(sidebar.model)[:4] == ["Folders", "Cooking", "Work", "Today"]
    choose("Expand all folders")
    assert rows(sidebar.model)[:4] == ["Folders", "Cooking", "Soup", "Bread"]
    sidebar.model.set_folders([])
    menu = sidebar.more_button.menu_of_list()
    assert not any("all folders" in text for text in texts(menu))
    menu.deleteLater()


def test_escape_leaves_an_empty_shelf_and_chats_that_come_have_the_keyboard(qtbot: QtBot, sidebar: SessionList) -> None:
    sidebar.activateWindow()
    sidebar.show_bin()
    sidebar.shelf.show_chats(())
    qtbot.keyClick(sidebar.shelf.back_button, Qt.Key.Key_Escape)
    assert sidebar.open_shelf is None
    sidebar.show_bin()
    sidebar.shelf.show_chats(CHATS)
    assert sidebar.focusWidget() is sidebar.shelf.view
