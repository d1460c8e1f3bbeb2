"""The question about a library: all that can be known of it, and a safe answer by default."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from tether_desktop.ui.models.library_dialog import LibraryDialog

FILE = "/models/libs/<b>tiny</b>.so"
SHA256 = "ab" * 32


@pytest.fixture
def dialog(qtbot: QtBot) -> LibraryDialog:
    dialog = LibraryDialog("Tiny", FILE, SHA256)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_it_tells_the_model_the_file_and_the_checksum_word_for_word(dialog: LibraryDialog) -> None:
    assert "Tiny" in dialog.question.text()
    assert dialog.file.text() == FILE
    assert dialog.file.textFormat() is Qt.TextFormat.PlainText
    assert SHA256 in dialog.checksum.text()


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_not_loading_is_the_answer_of_enter_and_of_escape(qtbot: QtBot, dialog: LibraryDialog, key: Qt.Key) -> None:
    qtbot.keyClick(dialog, key)
    assert dialog.result() == QDialog.DialogCode.Rejected
    assert not dialog.isVisible()


def test_only_its_button_loads(qtbot: QtBot, dialog: LibraryDialog) -> None:
    qtbot.mouseClick(dialog.load_button, Qt.MouseButton.LeftButton)
    assert dialog.result() == QDialog.DialogCode.Accepted
