"""The settings as a person uses them: found, changed, saved at once, refused with a reason, put back."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import httpx2
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest

from tests.helpers.gui import elsewhere, in_gui_loop, open_window, until
from tests.helpers.releases import telling_of_releases
from tether_desktop import paths
from tether_desktop.context.records import Persona
from tether_desktop.settings import setting_rows
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.port.port_page import PortPage
from tether_desktop.ui.settings.about_page import AboutPage
from tether_desktop.ui.settings.data_desk import DataDesk
from tether_desktop.ui.settings.data_page import DataPage
from tether_desktop.ui.settings.page_table import PAGES
from tether_desktop.ui.settings.personas_page import PersonasPage
from tether_desktop.ui.settings.setting_editors import NumberEditor, SwitchEditor, TextEditor
from tether_desktop.ui.settings.settings_dialog import SettingsDialog
from tether_desktop.ui.settings.shortcuts_page import ShortcutsPage
from tether_desktop.ui.tools.tools_page import ToolsPage

pytestmark = pytest.mark.usefixtures("scripted")


def opened(window: MainWindow, page: str = "General") -> SettingsDialog:
    window.settings.open(window._settings, page)
    dialog = window.settings.dialog
    assert dialog is not None
    return dialog


def saved(folder: Path) -> dict[str, object]:
    file = folder / "settings.json"
    found: dict[str, object] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def set_aside(folder: Path) -> list[str]:
    return [file.read_text(encoding="utf-8") for file in folder.glob("settings-damaged-*.json")]


def test_every_row_of_the_table_is_on_exactly_one_page() -> None:
    listed = [name for page in PAGES for name in page.rows]
    assert sorted(listed) == sorted(row.name for row in setting_rows())


@in_gui_loop
async def test_what_is_being_typed_stays_when_something_else_is_saved(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        page = opened(window, "Models and answers").page("Models and answers")
        editor = page.fields["system_prompt"].editor
        assert isinstance(editor, TextEditor)
        editor.selectAll()
        QTest.keyClicks(editor, "You are a pirate.")
        editor._typed.timeout.emit()  # one stopped for a moment
        QTest.keyClicks(editor, " Always.")
        await until(lambda: window._settings and window._settings.system_prompt == "You are a pirate.")
        assert editor.toPlainText() == "You are a pirate. Always."
        assert editor.textCursor().atEnd()
        editor._typed.timeout.emit()
        await until(lambda: saved(nothing_of_the_developers).get("system_prompt") == "You are a pirate. Always.")


@in_gui_loop
async def test_folders_are_taken_off_one_right_after_the_other(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    async with open_window() as window:
        page = opened(window, "Tools").page("Tools")
        assert isinstance(page, ToolsPage)
        for folder in folders:
            page.folder_list.add(str(folder))
        for folder in folders[:2]:
            page.folder_list.remove_buttons[str(folder)].click()
        await until(lambda: window._settings and window._settings.tool_folders == str(folders[2]))
        assert page.folder_list.folders == (str(folders[2]),)


@in_gui_loop
async def test_a_setting_is_found_by_its_words_and_the_keyboard_goes_there() -> None:
    async with open_window() as window:
        QTest.keySequence(window, QKeySequence("Ctrl+,"))
        dialog = window.settings.dialog
        assert dialog is not None
        QTest.keySequence(dialog, QKeySequence("Ctrl+F"))
        QTest.keyClicks(dialog.search, "penalty")
        assert dialog.found is not None
        assert dialog.found.hits.count() == 1
        QTest.keyClick(dialog.search, Qt.Key.Key_Return)
        assert dialog.page_name == "Models and answers"
        field = dialog.page("Models and answers").fields["repetition_penalty"]
        assert dialog.focusWidget() in {field.editor, field.editor.focusProxy()} or field.editor.hasFocus()
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert window.settings.dialog is None


@in_gui_loop
async def test_a_value_is_saved_at_once_marked_and_put_back(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        field = opened(window, "Models and answers").page("Models and answers").fields["temperature"]
        assert isinstance(field.editor, NumberEditor)
        field.editor.lineEdit().setText("9")
        field.editor.editingFinished.emit()
        assert field.problem_label.text() == "This has to be a number from 0 up to 5."
        assert saved(nothing_of_the_developers) == {}
        field.editor.lineEdit().setText("0,2")
        field.editor.editingFinished.emit()
        await until(lambda: saved(nothing_of_the_developers).get("temperature") == 0.2)
        await until(field.reset_button.isVisible)
        field.reset_button.click()
        await until(lambda: not field.reset_button.isVisible())
        assert "temperature" not in saved(nothing_of_the_developers)
        assert field.editor.text() == "0.7"


@in_gui_loop
async def test_a_damaged_file_is_told_and_the_value_goes_back(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        page = opened(window).page("General")
        switch = page.fields["notifications"].editor
        assert isinstance(switch, SwitchEditor)
        (nothing_of_the_developers / "settings.json").write_text("{", encoding="utf-8")
        switch.click()
        await until(page.banner.isVisible)
        assert "damaged" in page.banner.label.text()
        assert switch.isChecked()
        assert set_aside(nothing_of_the_developers) == ["{"], "nothing of it is lost"


@in_gui_loop
async def test_a_file_that_cannot_be_written_is_told_and_what_was_there_stays(
    nothing_of_the_developers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = nothing_of_the_developers / "settings.json"
    file.write_text('{"top_k": 7}', encoding="utf-8")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    async with open_window() as window:
        page = opened(window).page("General")
        switch = page.fields["notifications"].editor
        assert isinstance(switch, SwitchEditor)
        with monkeypatch.context() as read_only:
            read_only.setattr(paths, "write_private", refuse)
            switch.click()
            await until(page.banner.isVisible)
        assert "Permission denied" in page.banner.label.text()
        assert "Allow writing" in page.banner.label.text()
        assert switch.isChecked(), "it shows what holds"
        assert file.read_text(encoding="utf-8") == '{"top_k": 7}'
        switch.click()
        await until(lambda: saved(nothing_of_the_developers) == {"top_k": 7, "notifications": "off"})
        await until(page.banner.isHidden)


@in_gui_loop
async def test_what_another_program_saved_meanwhile_is_kept(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        switch = opened(window).page("General").fields["notifications"].editor
        assert isinstance(switch, SwitchEditor)
        (nothing_of_the_developers / "settings.json").write_text('{"top_k": 7}', encoding="utf-8")
        switch.click()
        await until(lambda: saved(nothing_of_the_developers) == {"top_k": 7, "notifications": "off"})


@in_gui_loop
async def test_keys_are_pressed_anew_conflicts_are_named_and_the_window_follows() -> None:
    async with open_window() as window:
        page = opened(window, "Shortcuts").page("Shortcuts")
        assert isinstance(page, ShortcutsPage)
        row = page.rows["new_chat"]
        row.keys.click()
        QTest.keyClick(row.keys, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
        await until(lambda: window.shortcuts.keys("new_chat") == "Ctrl+T")
        row.keys.click()
        QTest.keyClick(row.keys, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        assert row.problem_label.text() == "Ctrl+K already does: Search chats."
        row.take_button.click()
        await until(lambda: window.shortcuts.keys("new_chat") == "Ctrl+K")
        assert window.shortcuts.keys("search") == ""
        row.keys.click()
        QTest.keyClick(row.keys, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert "edit text" in row.problem_label.text()
        page.reset_button.click()
        await until(lambda: window.shortcuts.keys("new_chat") == "Ctrl+N")
        assert window.shortcuts.keys("search") == "Ctrl+K"


@in_gui_loop
async def test_a_persona_is_added_refused_under_a_name_that_is_taken_and_deleted() -> None:
    async with open_window() as window:
        page = opened(window, "Personas").page("Personas")
        assert isinstance(page, PersonasPage)
        page.add_button.click()
        assert page.form is not None
        page.form.name.setText("Pirate")
        page.form.save_button.click()
        await until(lambda: len(page.cards) == 1)
        assert page.form is None
        page.edit(Persona("", "Pirate"))
        assert page.form is not None
        page.form.save_button.click()
        await until(lambda: page.form is not None and page.form.problem.isVisible())
        page.form.cancel_button.click()
        (card,) = page.cards.values()
        card.buttons["delete"].click()
        card.buttons["delete"].click()
        await until(lambda: not page.cards)


@in_gui_loop
async def test_personas_that_others_add_and_delete_are_shown_at_once() -> None:
    async with open_window() as window:
        page = opened(window, "Personas").page("Personas")
        assert isinstance(page, PersonasPage)
        pirate = await window._worker.submit(lambda tether: tether.library.save_persona(Persona("", "Pirate")))
        await until(lambda: len(page.cards) == 1)
        await window._worker.submit(lambda tether: tether.library.delete_persona(pirate.id))
        await until(lambda: not page.cards)


@in_gui_loop
async def test_a_shortcut_that_cannot_be_had_is_told_beside_it_until_it_is_taken_away() -> None:
    async with open_window() as window:
        window.settings.save("quick_window", "Ctrl+Alt+Space")
        await until(lambda: window.system.quick.shortcut.problem)
        field = opened(window).page("General").fields["quick_window"]
        assert "tether --quick" in field.problem_label.text()
        assert "tether --quick" in field.editor.accessibleDescription()
        window.settings.save("notifications", "off")
        await until(lambda: window._settings and window._settings.notifications == "off")
        assert "tether --quick" in field.problem_label.text()
        field.reset_button.click()
        await until(lambda: not field.problem_label.text())


@in_gui_loop
async def test_newer_releases_are_told_of_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with telling_of_releases(tmp_path / "metadata") as place:
        place.release("99.0", "Answers faster")
        async with open_window() as window:
            page = opened(window, "About").page("About")
            assert isinstance(page, AboutPage)
            page.updates.check_button.click()
            await until(page.updates.check_button.isEnabled)
            assert "without an address" in page.updates.words.text()
            monkeypatch.setattr("tether_desktop.updates.channel.read_channel", lambda: place.channel)
            assert place.server.seen == []
            page.updates.check_button.click()
            await until(page.updates.page_button.isVisible)
            assert page.updates.words.text().startswith("Tether 99.0 of ")
            assert page.updates.details.text() == "•  Answers faster"


@in_gui_loop
async def test_the_tour_is_shown_again_from_the_last_page() -> None:
    async with open_window() as window:
        page = opened(window, "About").page("About")
        assert isinstance(page, AboutPage)
        page.tour_button.click()
        assert window.settings.dialog is None
        assert window.tour.isVisible()


@in_gui_loop
async def test_requests_of_the_port_are_shown_as_they_come_and_never_what_was_said(
    nothing_of_the_developers: Path,
) -> None:
    (nothing_of_the_developers / "settings.json").write_text('{"port": 0, "serve": "on"}', encoding="utf-8")
    async with open_window() as window:
        await until(lambda: window.port.state.phase == "open")
        url = window.port.state.url
        page = opened(window, "Local port").page("Local port")
        assert isinstance(page, PortPage)

        def ask() -> int:
            with httpx2.Client(trust_env=False) as client:
                return int(client.get(f"{url}/sessions?q=secret", headers={"User-Agent": "probe/1.0 x"}).status_code)

        assert await elsewhere(ask) == 401
        await until(lambda: page.log.model.rows)
        (seen,) = page.log.model.rows
        assert (seen.method, seen.path, seen.status, seen.client, seen.token) == (
            "GET",
            "/sessions",
            401,
            "probe/1.0",
            "",
        )
        page.log.pause_button.click()
        assert await elsewhere(ask) == 401
        await until(lambda: "1 request" in page.log.note.text())
        assert len(page.log.model.rows) == 1
        page.log.pause_button.click()
        assert len(page.log.model.rows) == 2


@in_gui_loop
async def test_everything_is_backed_up_exported_and_erased_only_after_the_word(tmp_path: Path) -> None:
    async with open_window() as window:
        await window._worker.submit(lambda tether: tether.sessions.create("Kept"))
        page = opened(window, "Data").page("Data")
        assert isinstance(page, DataPage)
        desk = page.findChild(DataDesk)
        assert desk is not None
        await until(page.erase_button.isEnabled)
        desk.back_up(str(tmp_path / "copy.sqlite3"))
        await until(lambda: "Backed up to" in page.said.text())
        assert (tmp_path / "copy.sqlite3").stat().st_size
        desk.export(str(tmp_path / "no such folder" / "all.json"))
        await until(page.banner.isVisible)
        desk.export(str(tmp_path / "all.json"))
        await until(lambda: "Exported" in page.said.text())
        page.erase_button.click()
        page.erase_card.yes.click()
        assert len(await window._worker.submit(lambda tether: tether.sessions.list())) == 1
        QTest.keyClicks(page.erase_card.word, "erase")
        page.erase_card.yes.click()
        await until(lambda: "Erased 1" in page.said.text())
        assert not await window._worker.submit(lambda tether: tether.sessions.list())


@in_gui_loop
async def test_versions_and_licences_are_told_and_diagnostics_copied() -> None:
    async with open_window() as window:
        page = opened(window, "About").page("About")
        assert isinstance(page, AboutPage)
        await until(page.licences.count)
        names = [page.licences.item(row).text() for row in range(page.licences.count())]
        assert any(name.startswith("SQLAlchemy") for name in names)
        assert any(name.startswith("Inter") for name in names)
        page.diagnostics_button.click()
        await until(page.diagnostics_button.isEnabled)
        assert "program: Tether" in QGuiApplication.clipboard().text()
        assert str(Path.home()) not in QGuiApplication.clipboard().text()
