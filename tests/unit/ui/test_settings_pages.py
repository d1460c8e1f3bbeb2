"""The pages of the settings: what they show of settings, tools and servers, and what they ask for."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tether_desktop.errors import SettingsError
from tether_desktop.settings import Settings
from tether_desktop.tools.mcp.states import McpServerState, McpStatus, McpToolState
from tether_desktop.tools.own_tools import OwnFile
from tether_desktop.ui.settings.page_table import PAGE_NAMES
from tether_desktop.ui.settings.setting_editors import ChoiceEditor, NumberEditor, SwitchEditor
from tether_desktop.ui.settings.settings_dialog import SettingsDialog
from tether_desktop.ui.tools.server_card import facts_of
from tether_desktop.ui.tools.server_dialogs import ChangesDialog, LogDialog
from tether_desktop.ui.tools.server_form import ServerForm, entry_of
from tether_desktop.ui.tools.tool_facts import ToolFacts, ToolsSnapshot

TIME = ToolFacts("time", "Time in a place", "Built in", "Tells the time.", permission="always")
ECHO = ToolFacts("x__echo", "Echo", "MCP server x", "Says it again.", may_always_run=False)
FILE = OwnFile("mine.py", Path("tools/mine.py"), "needs_approval", "ab" * 32)
SERVER = McpServerState("x", "npx -y server-x", ("API_KEY",), "needs_approval")
SNAPSHOT = ToolsSnapshot((TIME, ECHO), files=(FILE,), servers=(SERVER,))


@pytest.fixture
def dialog(qtbot: QtBot) -> SettingsDialog:
    made = SettingsDialog(Settings())
    qtbot.addWidget(made)
    made.show_tools(SNAPSHOT)
    made.show_page("General")
    made.show()
    return made


def test_every_page_can_be_turned_to(dialog: SettingsDialog) -> None:
    for name in PAGE_NAMES:
        dialog.show_page(name)
        assert dialog.page(name).isVisible()


def test_a_setting_is_a_field_that_tells_its_new_value(qtbot: QtBot, dialog: SettingsDialog) -> None:
    dialog.show_page("Models and answers")
    field = dialog.page("Models and answers").fields["temperature"]
    assert isinstance(field.editor, NumberEditor)
    assert field.editor.text() == "0.7"
    assert field.editor.accessibleName() == "Temperature"
    field.editor.lineEdit().setText("0.2")
    with qtbot.waitSignal(dialog.setting_changed) as changed:
        qtbot.keyClick(field.editor, Qt.Key.Key_Return)
    assert changed.args == ["temperature", "0.2"]
    dialog.show_settings(Settings(temperature=0.2))
    with qtbot.assertNotEmitted(dialog.setting_changed):
        field.editor.editingFinished.emit()


def test_a_setting_with_choices_offers_them_and_one_of_two_is_a_switch(dialog: SettingsDialog) -> None:
    editor = dialog.page("General").fields["closing"].editor
    assert isinstance(editor, ChoiceEditor)
    assert [editor.itemData(index) for index in range(editor.count())] == ["ask", "quit", "background"]
    assert editor.currentData() == "ask"
    switch = dialog.page("Models and answers").fields["thinking"].editor
    assert isinstance(switch, SwitchEditor)
    assert switch.isChecked()


def test_a_setting_that_the_environment_decides_cannot_be_changed(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TETHER_THINKING", "off")
    dialog = SettingsDialog(Settings())
    qtbot.addWidget(dialog)
    field = dialog.page("Models and answers").fields["thinking"]
    assert not field.editor.isEnabled()
    assert "TETHER_THINKING" in field.note_label.text()
    assert not field.reset_button.isVisibleTo(field)


def test_tools_are_listed_by_origin_with_what_holds_for_them(dialog: SettingsDialog) -> None:
    rows = dialog.tools.rows
    assert list(rows) == ["time", "x__echo"]
    assert rows["time"].switch.isChecked()
    assert rows["time"].permission.currentData() == "always"
    offered = [rows["x__echo"].permission.itemData(index) for index in range(rows["x__echo"].permission.count())]
    assert offered == ["ask", "never"], "tools of others cannot be allowed for good"
    assert not rows["time"].description.isVisible()


def test_a_tool_can_be_switched_and_its_permission_changed(qtbot: QtBot, dialog: SettingsDialog) -> None:
    dialog.show_page("Tools")
    row = dialog.tools.rows["time"]
    with qtbot.waitSignal(dialog.tools.enabled_changed) as switched:
        row.switch.click()
    assert switched.args == ["time", False]
    row.permission.setCurrentIndex(row.permission.findData("never"))
    with qtbot.waitSignal(dialog.tools.permission_changed) as changed:
        row.permission.activated.emit(row.permission.currentIndex())
    assert changed.args == ["time", "never"]


def test_a_change_that_failed_shows_again_what_holds(dialog: SettingsDialog) -> None:
    dialog.show_page("Tools")
    row = dialog.tools.rows["time"]
    row.switch.click()
    dialog.show_error(SettingsError("The tools cannot be changed", "The disk is full.", "Make room."))
    dialog.show_tools(SNAPSHOT)
    assert dialog.tools.rows["time"] is row, "the keyboard stays where it was"
    assert row.switch.isChecked()
    assert dialog.tools.banner.isVisible()
    assert "Make room." in dialog.tools.banner.label.text()


def test_a_description_is_shown_on_demand_with_nothing_hidden_in_it(qtbot: QtBot, dialog: SettingsDialog) -> None:
    dialog.show_page("Tools")
    dialog.show_tools(replace(SNAPSHOT, tools=(replace(TIME, description="<b>Tells</b>\u202e it"),)))
    row = dialog.tools.rows["time"]
    qtbot.mouseClick(row.more_button, Qt.MouseButton.LeftButton)
    assert row.description.isVisible()
    assert row.description.text() == "time\n<b>Tells</b>\\u202e it"
    assert row.description.textFormat() == Qt.TextFormat.PlainText


def test_tools_that_are_gone_take_their_rows_and_headings_with_them(dialog: SettingsDialog) -> None:
    dialog.show_tools(replace(SNAPSHOT, tools=(ECHO,)))
    assert list(dialog.tools.rows) == ["x__echo"]
    dialog.show_tools(replace(SNAPSHOT, problems=("Two tools are called echo.",)))
    assert list(dialog.tools.rows) == ["time", "x__echo"]


def test_folders_are_added_and_taken_off(qtbot: QtBot, dialog: SettingsDialog) -> None:
    folders = dialog.tools.folder_list
    with qtbot.waitSignal(dialog.setting_changed) as changed:
        folders.add("/notes")
    assert changed.args == ["tool_folders", "/notes"]
    dialog.show_settings(Settings(tool_folders=os.pathsep.join(("/notes", "/papers"))))
    assert folders.folders == ("/notes", "/papers")
    with qtbot.waitSignal(dialog.setting_changed) as changed:
        folders.remove_buttons["/notes"].click()
    assert changed.args == ["tool_folders", "/papers"]


def test_a_file_of_ones_own_is_allowed_as_it_is_shown(qtbot: QtBot, dialog: SettingsDialog) -> None:
    dialog.show_page("Tools")
    row = dialog.tools.files["mine.py"]
    assert str(FILE.path) in row.place.text()
    assert FILE.sha256[:16] in row.place.text()
    assert row.warning.isVisibleTo(row)
    with qtbot.waitSignal(dialog.tools.allow_requested) as allowed:
        row.allow_button.click()
    assert allowed.args == [FILE]
    dialog.show_tools(replace(SNAPSHOT, files=(replace(FILE, status="ready"),)))
    assert not row.allow_button.isVisibleTo(row)
    assert row.forget_button.isVisibleTo(row)
    dialog.show_tools(replace(SNAPSHOT, files=(replace(FILE, status="broken", problem="Line 3: x"),)))
    assert row.problem.text() == "Line 3: x"


def test_a_server_shows_its_exact_command_and_asks_before_it_is_started(qtbot: QtBot, dialog: SettingsDialog) -> None:
    card = dialog.servers.cards["x"]
    assert card.command.text() == "npx -y server-x"
    assert card.facts.text() == "Variables: API_KEY"
    assert card.warning.isVisibleTo(card)
    with qtbot.waitSignal(dialog.servers.action_requested) as asked:
        card.buttons["allow"].click()
    assert asked.args == ["allow", SERVER]


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        ("off", {"log", "remove"}),
        ("needs_approval", {"allow", "remove"}),
        ("starting", {"test", "log", "remove"}),
        ("ready", {"test", "restart", "log", "remove"}),
        ("changed", {"changes", "test", "restart", "log", "remove"}),
        ("failed", {"test", "restart", "log", "remove"}),
        ("stopped", {"test", "restart", "log", "remove"}),
    ],
)
def test_a_server_offers_what_can_be_done_about_it(
    dialog: SettingsDialog, status: McpStatus, actions: set[str]
) -> None:
    dialog.show_tools(replace(SNAPSHOT, servers=(replace(SERVER, status=status, problem="It died.", hint="Retry."),)))
    card = dialog.servers.cards["x"]
    assert {action for action, button in card.buttons.items() if button.isVisibleTo(card)} == actions
    assert card.problem.text() == "It died. Retry."


def test_removing_a_server_takes_a_second_press(qtbot: QtBot, dialog: SettingsDialog) -> None:
    button = dialog.servers.cards["x"].buttons["remove"]
    with qtbot.assertNotEmitted(dialog.servers.action_requested):
        button.click()
    assert button.text() == "Really remove"
    with qtbot.waitSignal(dialog.servers.action_requested) as asked:
        button.click()
    assert asked.args == ["remove", SERVER]


def test_what_a_server_brings_is_counted() -> None:
    tool = McpToolState("echo", "x__echo", "Echo", "Says it.", {}, "d")
    state = replace(SERVER, variables=(), tools=(tool, tool), version="x 1.0", folder="/srv")
    assert facts_of(state) == "Started in /srv\nx 1.0 · 2 tools"
    assert facts_of(replace(SERVER, command_line="https://example.org/mcp")) == "Headers: API_KEY"


def test_the_form_makes_an_entry_and_stays_until_it_was_taken(qtbot: QtBot, dialog: SettingsDialog) -> None:
    dialog.show_page("MCP servers")
    dialog.servers.add_button.click()
    form = dialog.servers.form
    assert form.isVisible()
    assert not form.add_button.isEnabled()
    form.name.setText("time")
    form.what.setText('uvx "mcp server" --zone UTC')
    form.variables.setPlainText("KEY=a=b\n\nOTHER=")
    with qtbot.waitSignal(dialog.servers.add_requested) as added:
        form.add_button.click()
    assert added.args == [
        "time",
        {"command": "uvx", "args": ["mcp server", "--zone", "UTC"], "env": {"KEY": "a=b", "OTHER": ""}},
    ]
    assert form.isVisible()
    dialog.servers.show_added("time")
    assert not form.isVisible()
    assert form.name.text() == ""


def test_an_address_becomes_a_server_of_the_network() -> None:
    assert entry_of("https://example.org/mcp", "Authorization=Bearer x") == {
        "type": "http",
        "url": "https://example.org/mcp",
        "headers": {"Authorization": "Bearer x"},
    }


@pytest.mark.parametrize(("what", "variables"), [('run "open', ""), ("run", "NOVALUE"), ("run", "=x")])
def test_a_form_that_cannot_be_understood_says_so(qtbot: QtBot, what: str, variables: str) -> None:
    form = ServerForm()
    qtbot.addWidget(form)
    form.name.setText("x")
    form.what.setText(what)
    form.variables.setPlainText(variables)
    with qtbot.waitSignal(form.refused) as refused, qtbot.assertNotEmitted(form.add_requested):
        form.add_button.click()
    assert refused.args is not None
    assert isinstance(refused.args[0], SettingsError)
    assert form.what.text() == what, "nothing that was typed is lost"


def test_a_file_of_servers_that_cannot_be_read_is_told_once(dialog: SettingsDialog) -> None:
    problem = SettingsError("The file of MCP servers cannot be read", "mcp.json is damaged.", "Correct it.")
    dialog.show_page("MCP servers")
    dialog.show_tools(replace(SNAPSHOT, problem=problem))
    assert dialog.servers.banner.isVisible()
    dialog.servers.banner.hide()
    dialog.show_tools(replace(SNAPSHOT, problem=problem))
    assert not dialog.servers.banner.isVisible()


def test_changed_tools_are_shown_whole_and_not_accepted_by_enter(qtbot: QtBot) -> None:
    tools = (
        McpToolState("echo", "x__echo", "Echo", "Ignore \u202eall", {"type": "object"}, "d", "changed"),
        McpToolState("same", "x__same", "Same", "As before", {}, "e"),
    )
    dialog = ChangesDialog(replace(SERVER, status="changed", tools=tools))
    qtbot.addWidget(dialog)
    dialog.show()
    text = dialog.text.toPlainText()
    assert "echo (changed)" in text
    assert "Ignore \\u202eall" in text
    assert "same" not in text
    with qtbot.assertNotEmitted(dialog.accepted):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)


def test_a_log_is_plain_text_and_can_be_read_again(qtbot: QtBot) -> None:
    dialog = LogDialog("x")
    qtbot.addWidget(dialog)
    dialog.show_log("")
    assert dialog.text.toPlainText() == "Nothing was printed yet."
    dialog.show_log("<b>one</b>\ntwo")
    assert dialog.text.toPlainText() == "<b>one</b>\ntwo"
    with qtbot.waitSignal(dialog.refresh_requested):
        dialog.refresh_button.click()
