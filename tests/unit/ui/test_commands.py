"""The commands of the window and their keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tether_desktop.ui.commands import COMMANDS, Command, Shortcuts, read_shortcuts, write_shortcuts

GUIDE = Path(__file__).parents[3] / "docs" / "user-guide.md"


def test_no_two_commands_have_the_same_name_or_keys() -> None:
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)
    keys = [command.keys for command in COMMANDS if command.keys]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_the_guide_lists_the_command_with_its_keys(command: Command) -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {
        title: keys
        for all_keys, titles in rows
        for keys, title in zip(all_keys.split(", "), titles.split(", "), strict=False)
    }
    listed |= {title: keys for keys, title in rows}
    assert listed[command.title] == command.keys


def test_a_command_is_done_by_its_keys_and_by_others_once_they_are_changed(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    shortcuts, done = Shortcuts(window), []
    shortcuts.bind("new_chat", lambda: done.append("new"))
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    with qtbot.waitSignal(shortcuts.changed):
        shortcuts.use({"new_chat": "Ctrl+T"})
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert done == ["new", "new"]
    assert QKeySequence(shortcuts.keys("new_chat")) == QKeySequence("Ctrl+T")


def test_a_control_names_the_keys_of_its_command_as_they_are_changed(qtbot: QtBot) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    shortcuts = Shortcuts(button)
    shortcuts.show_on(button, "new_chat")
    assert button.toolTip() == f"New chat ({shortcuts.keys('new_chat')})"
    shortcuts.use({"new_chat": ""})
    assert button.toolTip() == "New chat"


def test_changed_keys_are_written_and_read_again() -> None:
    changed = {"new_chat": "Ctrl+T", "search": "", "settings": "Ctrl+="}
    assert read_shortcuts(write_shortcuts(changed)) == changed


def test_what_is_no_command_is_left_out() -> None:
    assert read_shortcuts("nonsense=Ctrl+T new_chat=Ctrl+J =x") == {"new_chat": "Ctrl+J"}
