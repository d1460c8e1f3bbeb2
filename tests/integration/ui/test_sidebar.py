"""The sidebar with the real store: found again, put in order, thrown away and brought back."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from tests.helpers.gui import in_gui_loop, open_window, until
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.chat.user_message import UserMessage
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.sessions.found_rows import Found
from tether_desktop.ui.sessions.search_item_model import FOUND_ROLE
from tether_desktop.ui.sessions.session_item_model import DRAFT_ROLE, HEADING_ROLE, SESSION_ID_ROLE, UNREAD_ROLE

pytestmark = pytest.mark.usefixtures("scripted")


async def core(window: MainWindow, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """Do something as another client does."""
    return await window._worker.submit(work)


async def create(window: MainWindow, *titles: str) -> list[str]:
    ids = [(await core(window, lambda tether, title=title: tether.sessions.create(title))).id for title in titles]
    await until(lambda: all(window.sidebar.model.index_of(each).isValid() for each in ids))
    return ids


async def asked(window: MainWindow, text: str) -> Conversation:
    before = len(window.conversation.views)
    conversation = window.conversation
    window.pane.composer.edit.setFocus()
    QTest.keyClicks(window.pane.composer.edit, text)
    QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
    await until(lambda: len(conversation.views) > before and not conversation.busy)
    return conversation


def rows(window: MainWindow) -> list[str]:
    model = window.sidebar.model
    return [model.index(row).data() for row in range(model.rowCount())]


def listed(window: MainWindow) -> list[str]:
    model = window.sidebar.model
    indexes = [model.index(row) for row in range(model.rowCount())]
    return [index.data() for index in indexes if not index.data(HEADING_ROLE) and index.data(SESSION_ID_ROLE)]


def found(window: MainWindow) -> list[Found]:
    model = window.sidebar.found.model
    return [model.index(row).data(FOUND_ROLE) for row in range(model.rowCount())]


def names(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def place(window: MainWindow, session_id: str) -> QPoint:
    view = window.sidebar.view
    return view.visualRect(window.sidebar.model.index_of(session_id)).center()


def click(window: MainWindow, session_id: str, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    view = window.sidebar.view
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, place(window, session_id))


@in_gui_loop
async def test_what_was_said_is_found_while_one_types_and_opened_at_the_message() -> None:
    async with open_window() as window:
        chat = await asked(window, "Where do penguins live?")
        await core(window, lambda tether: tether.sessions.rename(chat.session_id, "Birds"))
        await until(lambda: listed(window) == ["Birds"])
        window.desk.new()
        QTest.keyClicks(window.sidebar.search, "pengu")
        await until(lambda: any(row.kind == "message" for row in found(window)))
        (hit,) = [row for row in found(window) if row.kind == "message"]
        assert (hit.text, [hit.excerpt[start:end] for start, end in hit.marks]) == ("Birds", ["pengu"])
        QTest.keyClick(window.sidebar.search, Qt.Key.Key_Down)
        QTest.keyClick(window.sidebar.found.view, Qt.Key.Key_Return)
        await until(lambda: window.conversation.session_id == chat.session_id)
        await until(lambda: isinstance(QApplication.focusWidget(), UserMessage))
        QTest.keyClick(window.sidebar.found.view, Qt.Key.Key_Escape)
        assert window.sidebar.search.text() == ""
        assert listed(window) == ["Birds"]


@in_gui_loop
async def test_a_message_of_another_version_is_shown_when_it_was_found() -> None:
    async with open_window() as window:
        chat = await asked(window, "Where do penguins live?")
        window.pane.view.edit_requested.emit(chat.views[0].id, "Where do otters live?")
        await until(lambda: chat.busy)
        await until(lambda: not chat.busy)
        assert chat.views[0].text == "Where do otters live?"
        window.sidebar.search.setText("penguins")
        await until(lambda: any(row.kind == "message" for row in found(window)))
        QTest.keyClick(window.sidebar.search, Qt.Key.Key_Return)
        titles = [row.kind for row in found(window)]
        hit = next(row for row in found(window) if row.kind == "message")
        assert titles
        window.sidebar.message_chosen.emit(hit.session_id, hit.message_id)
        await until(lambda: chat.views[0].text == "Where do penguins live?")
        assert (chat.views[0].version, chat.views[0].versions) == (1, 2)


@in_gui_loop
async def test_of_answers_to_what_was_typed_only_the_newest_is_shown() -> None:
    async with open_window() as window:
        await asked(window, "Where do penguins live?")
        for text in ("pe", "pen", "zebra"):
            window.sidebar.search.setText(text)
        await until(window.sidebar.found.nothing.isVisible)
        assert "zebra" in window.sidebar.found.nothing.text()
        assert found(window) == []
        window.sidebar.search.clear()
        assert window.sidebar.view.isVisible()


@in_gui_loop
async def test_several_chats_are_deleted_and_brought_back_together() -> None:
    async with open_window() as window:
        ids = await create(window, "One", "Two", "Three", "Four")
        click(window, ids[0])
        click(window, ids[2], Qt.KeyboardModifier.ShiftModifier)
        assert sorted(window.sidebar.view.selected_ids()) == sorted(ids[:3])
        await until(lambda: window.conversation.session_id == ids[0])
        QTest.keyClick(window.sidebar.view, Qt.Key.Key_Delete)
        await until(lambda: listed(window) == ["Four"])
        await until(window.pane.undo_bar.isVisible)
        assert "3 chat" in window.pane.undo_bar.accessibleName()
        assert window.conversation.session_id == ""
        QTest.mouseClick(window.pane.undo_bar.undo_button, Qt.MouseButton.LeftButton)
        await until(lambda: sorted(listed(window)) == ["Four", "One", "Three", "Two"])


@in_gui_loop
async def test_a_chat_is_put_into_a_new_folder_whose_name_is_typed_at_once() -> None:
    async with open_window() as window:
        (soup, parser) = await create(window, "Soup", "Parser")
        window.sidebar.requests.move_to_new.emit((soup,))
        await until(lambda: window.sidebar.view.findChild(QLineEdit) is not None)
        editor = window.sidebar.view.findChild(QLineEdit)
        editor.setText("Cooking")
        QTest.keyClick(editor, Qt.Key.Key_Return)
        await until(lambda: rows(window)[:4] == ["Folders", "Cooking", "Soup", "Today"])
        (folder,) = window.sidebar.model.folders
        assert window.sidebar.model.session(soup).folder_id == folder.id
        drop(window, parser, window.sidebar.view.visualRect(window.sidebar.model.folder_index(folder.id)).center())
        await until(lambda: rows(window) == ["Folders", "Cooking", "Parser", "Soup"])
        drop(window, soup, window.sidebar.view.viewport().rect().bottomLeft() - QPoint(-9, 9))
        await until(lambda: rows(window) == ["Folders", "Cooking", "Parser", "Today", "Soup"])
        await until(lambda: "Soup" in window.pane.undo_bar.accessibleName())
        QTest.mouseClick(window.pane.undo_bar.undo_button, Qt.MouseButton.LeftButton)
        await until(lambda: rows(window) == ["Folders", "Cooking", "Parser", "Soup"])


@in_gui_loop
async def test_chats_of_many_places_go_back_to_theirs_when_a_move_is_undone() -> None:
    async with open_window() as window:
        (soup, parser, rain) = await create(window, "Soup", "Parser", "Rain")
        cooking, work = [await core(window, lambda t, n=name: t.library.create_folder(n)) for name in ("A", "B")]
        await core(window, lambda tether: tether.sessions.move([soup], cooking.id))
        await core(window, lambda tether: tether.sessions.pin(rain, pinned=True))
        model = window.sidebar.model
        await until(lambda: model.session(rain).pinned and model.session(soup).folder_id == cooking.id)
        before = rows(window)
        window.sidebar.requests.move.emit((soup, parser, rain), work.id)
        await until(lambda: "3 chat" in window.pane.undo_bar.accessibleName())
        await until(lambda: [model.session(each).folder_id for each in (soup, parser, rain)] == [work.id] * 3)
        await until(lambda: not model.session(rain).pinned)
        window.sidebar.requests.move.emit((soup, parser, rain), work.id)  # nothing moves, so that nothing is said
        QTest.mouseClick(window.pane.undo_bar.undo_button, Qt.MouseButton.LeftButton)
        await until(lambda: rows(window) == before and model.session(rain).pinned)


def drop(window: MainWindow, session_id: str, where: QPoint) -> None:
    """Let go of a chat somewhere."""
    view = window.sidebar.view
    data = window.sidebar.model.mimeData([window.sidebar.model.index_of(session_id)])
    what = (Qt.DropAction.MoveAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    event = QDropEvent(QPointF(where), *what)
    event.ignore()
    view.dropEvent(event)


@in_gui_loop
async def test_a_folder_that_another_client_deletes_leaves_its_chats_and_ours_can_be_undone() -> None:
    async with open_window() as window:
        (soup,) = await create(window, "Soup")
        folder = await core(window, lambda tether: tether.library.create_folder("Cooking"))
        await core(window, lambda tether: tether.sessions.move([soup], folder.id))
        await until(lambda: rows(window) == ["Folders", "Cooking", "Soup"])
        window.sidebar.view.edit_folder(folder.id)
        await core(window, lambda tether: tether.library.delete_folder(folder.id))
        await until(lambda: rows(window) == ["Today", "Soup"])
        window.sidebar.requests.rename_folder.emit(folder.id, "Too late")
        await until(window.pane.banner.isVisible)
        again = await core(window, lambda tether: tether.library.create_folder("Work"))
        await core(window, lambda tether: tether.sessions.move([soup], again.id))
        await until(lambda: rows(window) == ["Folders", "Work", "Soup"])
        window.sidebar.requests.delete_folder.emit(again.id)
        await until(lambda: rows(window) == ["Today", "Soup"])
        QTest.mouseClick(window.pane.undo_bar.undo_button, Qt.MouseButton.LeftButton)
        await until(lambda: rows(window) == ["Folders", "Work", "Soup"])


@in_gui_loop
async def test_an_archived_chat_is_out_of_the_list_and_found_and_comes_back() -> None:
    async with open_window() as window:
        (soup, _) = await create(window, "Soup", "Parser")
        window.sidebar.requests.archive.emit((soup,), True)
        await until(lambda: listed(window) == ["Parser"])
        window.sidebar.search.setText("sou")
        assert [row.text for row in found(window) if row.archived] == ["Soup"]
        QTest.mouseClick(window.sidebar.archive_button, Qt.MouseButton.LeftButton)
        shelf = window.sidebar.shelf
        assert shelf.model.ids == (soup,)
        QTest.mouseClick(
            shelf.view.viewport(), Qt.MouseButton.LeftButton, pos=shelf.view.visualRect(shelf.model.index(0)).center()
        )
        await until(lambda: window.conversation.session_id == soup)
        QTest.mouseClick(shelf.return_button, Qt.MouseButton.LeftButton)
        await until(lambda: sorted(listed(window)) == ["Parser", "Soup"])
        await until(lambda: shelf.model.ids == ())
        QTest.mouseClick(shelf.back_button, Qt.MouseButton.LeftButton)
        assert window.sidebar.open_shelf is None
        window.pane.undo_bar.dismiss()


@in_gui_loop
async def test_the_bin_gives_back_and_erases_only_after_a_question() -> None:
    async with open_window() as window:
        ids = await create(window, "One", "Two", "Three")
        window.sidebar.requests.delete.emit(tuple(ids))
        await until(lambda: listed(window) == [])
        QTest.mouseClick(window.sidebar.bin_button, Qt.MouseButton.LeftButton)
        shelf = window.sidebar.shelf
        await until(lambda: sorted(shelf.model.ids) == sorted(ids))
        assert "30" in shelf.note.text()
        shelf.view.setCurrentIndex(shelf.model.index(shelf.model.ids.index(ids[0])))
        QTest.mouseClick(shelf.return_button, Qt.MouseButton.LeftButton)
        await until(lambda: listed(window) == ["One"] and len(shelf.model.ids) == 2)
        shelf.view.setCurrentIndex(shelf.model.index(0))
        gone, kept = shelf.model.ids
        QTest.keyClick(shelf.view, Qt.Key.Key_Delete)
        assert shelf.confirm.isVisible()
        QTest.mouseClick(shelf.confirm.no, Qt.MouseButton.LeftButton)
        assert not shelf.confirm.isVisible()
        QTest.keyClick(shelf.view, Qt.Key.Key_Delete)
        QTest.mouseClick(shelf.confirm.yes, Qt.MouseButton.LeftButton)
        await until(lambda: shelf.model.ids == (kept,))
        QTest.mouseClick(shelf.empty_button, Qt.MouseButton.LeftButton)
        QTest.mouseClick(shelf.confirm.yes, Qt.MouseButton.LeftButton)
        await until(lambda: shelf.model.ids == ())
        assert await core(window, lambda tether: tether.sessions.list(deleted=True)) == []
        assert gone != kept
        window.pane.undo_bar.dismiss()


@in_gui_loop
async def test_an_answer_that_came_elsewhere_is_marked_until_it_is_looked_at() -> None:
    async with open_window() as window:
        conversation = window.conversation
        QTest.keyClicks(window.pane.composer.edit, "A long one, please.")
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
        await until(lambda: conversation.session_id)
        window.desk.new()
        index = window.sidebar.model.index_of
        await until(lambda: index(conversation.session_id).data(UNREAD_ROLE))
    async with open_window() as window:
        model = window.sidebar.model
        assert model.index_of(conversation.session_id).data(UNREAD_ROLE)
        window.sidebar.requests.open.emit(conversation.session_id)
        await until(lambda: not model.index_of(conversation.session_id).data(UNREAD_ROLE))
        stored = await core(window, lambda tether: tether.sessions.get(conversation.session_id))
        assert not stored.unread


@in_gui_loop
async def test_a_chat_with_a_draft_is_marked_and_still_after_a_restart() -> None:
    async with open_window() as window:
        (one, two) = await create(window, "One", "Two")
        for chat in (one, two):
            window.desk.open(chat)
            await until(lambda chat=chat: window.conversation.session_id == chat)
            if chat == one:
                QTest.keyClicks(window.pane.composer.edit, "for later")
        await until(lambda: window.sidebar.model.index_of(one).data(DRAFT_ROLE))
    async with open_window() as window:
        assert window.sidebar.model.index_of(one).data(DRAFT_ROLE)
        assert not window.sidebar.model.index_of(two).data(DRAFT_ROLE)
        window.desk.open(one)
        await until(lambda: window.pane.composer.text() == "for later")
        window.pane.composer.edit.clear()
        window.desk.open(two)
        await until(lambda: not window.sidebar.model.index_of(one).data(DRAFT_ROLE))


@in_gui_loop
async def test_a_duplicate_is_opened() -> None:
    async with open_window() as window:
        first = await asked(window, "Name three colours.")
        window.sidebar.requests.duplicate.emit(first.session_id)
        await until(lambda: window.conversation.session_id not in {"", first.session_id})
        assert [view.text for view in window.conversation.views] == [view.text for view in first.views]


@in_gui_loop
async def test_order_and_folded_folders_are_as_they_were_after_a_restart() -> None:
    async with open_window() as window:
        await create(window, "Zebra", "Apple")
        folder = await core(window, lambda tether: tether.library.create_folder("Cooking"))
        await until(lambda: window.sidebar.model.folders)
        window.sidebar.model.collapse(folder.id, True)
        window.sidebar.sort_by("title")
        assert listed(window) == ["Apple", "Zebra"]
        await create(window, "Aardvark")
        assert listed(window) == ["Aardvark", "Apple", "Zebra"]
    async with open_window() as window:
        assert listed(window) == ["Aardvark", "Apple", "Zebra"]
        assert window.sidebar.model.collapsed == {folder.id}


@in_gui_loop
async def test_chats_are_exported_by_the_menu_and_imported_again_by_dropping_the_file(tmp_path: Path) -> None:
    async with open_window() as window:
        chat = await asked(window, "Name three colours.")
        ids = (chat.session_id,)
        for form, ending in (("json", "json"), ("markdown", "md")):
            window.sidebar.requests.export.emit(ids, form)
            dialog = window.findChild(QFileDialog)
            dialog.fileSelected.emit(str(tmp_path / f"chat.{ending}"))
            dialog.close()
            dialog.deleteLater()
            await until(lambda: window.pane.undo_bar.accessibleName().startswith("Exported"))
            window.pane.undo_bar.note("")
            await until(lambda: window.findChild(QFileDialog) is None)
        assert "Red, green and blue." in (tmp_path / "chat.md").read_text(encoding="utf-8")
        assert names(tmp_path, "*chat*") == ["chat.json", "chat.md"]
        await core(window, lambda tether: tether.sessions.erase(chat.session_id))
        await until(lambda: listed(window) == [])
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path / "chat.json"))])
        what = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        window.sidebar.dropEvent(QDropEvent(QPointF(9, 9), *what))
        await until(lambda: len(listed(window)) == 1)
        await until(lambda: window.pane.undo_bar.accessibleName().startswith("Imported 1"))
        window.sidebar.requests.import_file.emit(str(tmp_path / "chat.json"))
        await until(lambda: "Skipped 1" in window.pane.undo_bar.accessibleName())


@in_gui_loop
async def test_a_file_that_is_no_export_and_a_place_that_cannot_be_written_are_told_of(tmp_path: Path) -> None:
    async with open_window() as window:
        ids = await create(window, "One", "Two")
        (tmp_path / "broken.json").write_text(json.dumps({"a": 1}), encoding="utf-8")
        window.sidebar.requests.import_file.emit(str(tmp_path / "broken.json"))
        await until(window.pane.banner.isVisible)
        window.pane.banner.hide()
        window.sidebar.requests.export.emit(tuple(ids), "json")
        dialog = window.findChild(QFileDialog)
        dialog.fileSelected.emit(str(tmp_path / "no folder" / "chats.json"))
        dialog.close()
        dialog.deleteLater()
        await until(window.pane.banner.isVisible)
        assert names(tmp_path) == ["broken.json", "dist"]


@in_gui_loop
async def test_several_chats_become_markdown_files_that_overwrite_nothing(tmp_path: Path) -> None:
    async with open_window() as window:
        ids = await create(window, "Same", "Same", "a/b\\c:*?")
        (tmp_path / "Same.md").write_text("mine", encoding="utf-8")
        window.sidebar.requests.export.emit(tuple(ids), "markdown")
        dialog = window.findChild(QFileDialog)
        dialog.fileSelected.emit(str(tmp_path))
        dialog.close()
        dialog.deleteLater()
        await until(lambda: window.pane.undo_bar.accessibleName().startswith("Exported 3 chat"))
        assert names(tmp_path, "*.md") == ["Same 2.md", "Same 3.md", "Same.md", "a b c.md"]
        assert (tmp_path / "Same.md").read_text(encoding="utf-8") == "mine"


@in_gui_loop
async def test_a_chat_that_is_erased_elsewhere_while_its_title_is_typed_is_gone_quietly() -> None:
    async with open_window() as window:
        (one, _) = await create(window, "One", "Two")
        window.sidebar.requests.edit.emit(one)
        editor = window.sidebar.view.findChild(QLineEdit)
        editor.setText("Other")
        await core(window, lambda tether: tether.sessions.erase(one))
        await until(lambda: listed(window) == ["Two"])
        await until(lambda: window.sidebar.view.findChild(QLineEdit) is None)
        assert not window.pane.banner.isVisible()


@in_gui_loop
async def test_keys_open_the_next_chat_and_the_menu_of_the_header_is_that_of_the_list() -> None:
    async with open_window() as window:
        (one, two) = await create(window, "One", "Two")
        click(window, two)
        await until(lambda: window.conversation.session_id == two)
        QTest.keyClick(window.sidebar.view, Qt.Key.Key_Down)
        await until(lambda: window.conversation.session_id == one)
        QTest.mouseClick(window.header.menu_button, Qt.MouseButton.LeftButton)
        menu = QApplication.activePopupWidget()
        assert menu is not None
        assert "Duplicate" in [action.text() for action in menu.actions()]
        menu.close()
