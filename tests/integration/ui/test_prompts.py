"""Prompts of a real MCP server, from the composer's menu into the composer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMenu

from tests.helpers.gui import in_gui_loop, open_window, until
from tests.helpers.mcp_servers import full
from tether_desktop.ui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("scripted")


def prompts(window: MainWindow) -> dict[str, QAction]:
    """What the menu offers to insert."""
    menu = window.pane.composer.tool_button.menu_now()
    found = {action.text(): action.menu() for action in menu.actions()}
    below = found.get("Insert a prompt")
    return {action.text(): action for action in below.actions()} if isinstance(below, QMenu) else {}


@in_gui_loop
async def test_a_prompt_goes_into_the_composer_with_its_arguments(nothing_of_the_developers: Path) -> None:
    (nothing_of_the_developers / "mcp.json").write_text(json.dumps({"mcpServers": {"full": full()}}), "utf-8")
    async with open_window() as window:
        await until(lambda: window.tools.snapshot.servers)
        assert prompts(window) == {}
        window.tools.allow_server(window.tools.snapshot.servers[0])
        await until(lambda: window.tools.snapshot.prompts)
        window.pane.composer.set_text("Please.")
        prompts(window)["Greeting (full)"].trigger()
        dialog = window.composing.prompts.dialog
        assert dialog is not None
        assert not dialog.insert_button.isEnabled()
        said = {label.text() for label in dialog.findChildren(QLabel)}
        assert {"Greeting", "A greeting.\nFrom the MCP server full.", "name"} <= said
        dialog.fields["name"].setText("Ada")
        dialog.insert_button.click()
        await until(lambda: "Ada" in window.pane.composer.text())
        assert window.pane.composer.text() == "Please.\n\nGreet Ada warmly."
        assert window.composing.prompts.dialog is None


@in_gui_loop
async def test_a_prompt_goes_into_the_chat_it_was_chosen_in(nothing_of_the_developers: Path) -> None:
    (nothing_of_the_developers / "mcp.json").write_text(json.dumps({"mcpServers": {"full": full()}}), "utf-8")
    async with open_window() as window:
        await until(lambda: window.tools.snapshot.servers)
        window.tools.allow_server(window.tools.snapshot.servers[0])
        await until(lambda: window.tools.snapshot.prompts)
        QTest.keyClicks(window.pane.composer.edit, "Name three colours.")
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
        conversation = window.conversation
        await until(lambda: conversation.views and not conversation.busy)
        prompts(window)["Greeting (full)"].trigger()
        dialog = window.composing.prompts.dialog
        assert dialog is not None
        dialog.fields["name"].setText("Ada")
        dialog.insert_button.click()
        window.desk.new()
        await until(lambda: conversation.writing.text)
        assert (conversation.writing.text, window.pane.composer.text()) == ("Greet Ada warmly.", "")


@in_gui_loop
async def test_a_prompt_that_cannot_be_had_is_told_and_changes_nothing(nothing_of_the_developers: Path) -> None:
    (nothing_of_the_developers / "mcp.json").write_text(json.dumps({"mcpServers": {"full": full()}}), "utf-8")
    async with open_window() as window:
        await until(lambda: window.tools.snapshot.servers)
        window.tools.allow_server(window.tools.snapshot.servers[0])
        await until(lambda: window.tools.snapshot.prompts)
        chosen = window.tools.snapshot.prompts[0]
        window.tools.remove_server("full")
        await until(lambda: not window.tools.snapshot.prompts)
        window.composing.prompts.insert(chosen)
        assert window.composing.prompts.dialog is not None
        window.composing.prompts.dialog.fields["name"].setText("Ada")
        window.composing.prompts.dialog.insert_button.click()
        await until(window.pane.banner.isVisible)
        assert window.pane.composer.text() == ""
