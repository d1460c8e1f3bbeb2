"""Buttons that wait for what they have begun."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tether_desktop.ui.look.themed_button import ThemedButton


def test_the_keys_come_back_to_a_button_that_waited_unless_they_were_taken_elsewhere(qtbot: QtBot) -> None:
    window = QWidget()
    button, others = ThemedButton("Look"), [QLineEdit(), QLineEdit()]
    column = QVBoxLayout(window)
    for widget in (button, *others):
        column.addWidget(widget)
    qtbot.addWidget(window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    button.setFocus()
    button.hold()
    assert not button.isEnabled()
    assert window.focusWidget() is others[0]
    button.release()
    assert button.hasFocus()
    button.hold()
    others[1].setFocus()
    button.release()
    assert button.isEnabled()
    assert window.focusWidget() is others[1]
