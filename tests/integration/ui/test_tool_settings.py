"""The settings' pages with the real toolbox and real MCP servers behind them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.helpers.gui import in_gui_loop, open_window, until
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.settings.setting_editors import NumberEditor
from tether_desktop.ui.settings.settings_dialog import SettingsDialog

pytestmark = pytest.mark.usefixtures("scripted")

OWN = '''
from tether_desktop.tools.declaration import tool


@tool(title="Roll dice")
def roll(sides: int = 6) -> int:
    """Roll a die.

    Args:
        sides: how many it has.
    """
    return sides
'''


async def settings_of(window: MainWindow, page: str) -> SettingsDialog:
    await until(lambda: window.tools.snapshot.tools)
    window.open_settings()
    dialog = window.settings.dialog
    assert dialog is not None
    dialog.show_page(page)
    return dialog


@in_gui_loop
async def test_a_tool_that_is_switched_off_is_off_also_after_a_restart() -> None:
    async with open_window() as window:
        dialog = await settings_of(window, "Tools")
        dialog.tools.rows["calculate"].switch.click()
        await until(lambda: not window.tools.snapshot.by_name["calculate"].enabled)
        dialog.close()
    async with open_window() as window:
        dialog = await settings_of(window, "Tools")
        assert not dialog.tools.rows["calculate"].switch.isChecked()
        dialog.close()


@in_gui_loop
async def test_a_setting_holds_at_once_and_a_wrong_one_is_told_in_place(
    nothing_of_the_developers: Path, tmp_path: Path
) -> None:
    async with open_window() as window:
        dialog = await settings_of(window, "Tools")
        before = set(window.tools.snapshot.by_name)
        dialog.tools.folder_list.add(str(tmp_path))
        await until(lambda: set(window.tools.snapshot.by_name) > before)
        saved = json.loads((nothing_of_the_developers / "settings.json").read_text(encoding="utf-8"))
        assert saved["tool_folders"] == str(tmp_path)
        assert dialog.tools.folder_list.folders == (str(tmp_path),)
        rounds = dialog.tools.fields["tool_rounds"]
        assert isinstance(rounds.editor, NumberEditor)
        rounds.editor.lineEdit().setText("many")
        rounds.editor.editingFinished.emit()
        assert rounds.problem_label.text() == "This has to be a whole number from 1 up to 100."
        assert rounds.editor.text() == "many", "what was typed stays, to be corrected"
        dialog.close()


@in_gui_loop
async def test_a_file_of_ones_own_runs_only_once_it_was_allowed(nothing_of_the_developers: Path) -> None:
    folder = nothing_of_the_developers / "tools"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(OWN, encoding="utf-8")
    async with open_window() as window:
        dialog = await settings_of(window, "Tools")
        await until(lambda: "mine.py" in dialog.tools.files)
        assert "roll" not in window.tools.snapshot.by_name
        dialog.tools.files["mine.py"].allow_button.click()
        await until(lambda: "roll" in dialog.tools.rows)
        assert window.tools.snapshot.by_name["roll"].title == "Roll dice"
        dialog.close()


@in_gui_loop
async def test_a_server_is_added_shown_and_not_started_before_it_was_allowed(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        dialog = await settings_of(window, "MCP servers")
        form = dialog.servers.form
        dialog.servers.add_button.click()
        form.name.setText("broken")
        form.what.setText(f'"{Path(sys.executable).as_posix()}" -c "print(1)"')
        form.add_button.click()
        await until(lambda: "broken" in dialog.servers.cards)
        card = dialog.servers.cards["broken"]
        assert "print(1)" in card.command.text()
        (state,) = window.tools.snapshot.servers
        assert state.status == "needs_approval"
        assert not form.isVisible()
        card.buttons["allow"].click()
        await until(lambda: window.tools.snapshot.servers[0].problem)
        assert card.problem.text()
        card.buttons["remove"].click()
        card.buttons["remove"].click()
        await until(lambda: not dialog.servers.cards)
        written = json.loads((nothing_of_the_developers / "mcp.json").read_text(encoding="utf-8"))
        assert written == {"mcpServers": {}}
        dialog.close()


@in_gui_loop
async def test_a_server_that_cannot_be_added_is_told_in_place_and_the_form_stays() -> None:
    async with open_window() as window:
        dialog = await settings_of(window, "MCP servers")
        form = dialog.servers.form
        dialog.servers.add_button.click()
        form.name.setText("far")
        form.what.setText("http://example.org/mcp")
        form.add_button.click()
        await until(lambda: not dialog.servers.banner.isHidden())
        assert "not encrypted" in dialog.servers.banner.label.text()
        assert form.isVisible()
        assert form.what.text() == "http://example.org/mcp"
        dialog.close()


@in_gui_loop
async def test_servers_are_pasted_as_their_makers_show_them(nothing_of_the_developers: Path) -> None:
    pasted = {"mcpServers": {"one": {"command": "uvx", "args": ["a"]}, "two": {"url": "https://example.org/mcp"}}}
    async with open_window() as window:
        dialog = await settings_of(window, "MCP servers")
        form = dialog.servers.form
        dialog.servers.add_button.click()
        form.pasted.setPlainText(json.dumps(pasted))
        form.add_button.click()
        await until(lambda: set(dialog.servers.cards) == {"one", "two"})
        await until(form.isHidden)
        assert form.pasted.toPlainText() == ""
        written = json.loads((nothing_of_the_developers / "mcp.json").read_text(encoding="utf-8"))
        assert set(written["mcpServers"]) == {"one", "two"}
        dialog.close()


@in_gui_loop
async def test_a_pasted_server_that_is_refused_costs_neither_the_text_nor_the_others() -> None:
    pasted = json.dumps({"mcpServers": {"far": {"url": "http://example.org/mcp"}, "near": {"command": "uvx"}}})
    async with open_window() as window:
        dialog = await settings_of(window, "MCP servers")
        form = dialog.servers.form
        dialog.servers.add_button.click()
        form.pasted.setPlainText(pasted)
        form.add_button.click()
        await until(lambda: set(dialog.servers.cards) == {"near"})
        await until(lambda: not dialog.servers.banner.isHidden())
        assert "not encrypted" in dialog.servers.banner.label.text()
        assert form.isVisible()
        assert form.pasted.toPlainText() == pasted
        form.pasted.setPlainText('{"mcpServers": {"far": {"url": "https://example.org/mcp"}}}')
        form.add_button.click()
        await until(lambda: set(dialog.servers.cards) == {"far", "near"})
        await until(form.isHidden)
        dialog.close()
