"""The settings on a small screen, and what is told beside their fields."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from tether_desktop.settings import Settings
from tether_desktop.ui.look import theme
from tether_desktop.ui.settings.page_table import PAGE_NAMES
from tether_desktop.ui.settings.setting_editors import NumberEditor
from tether_desktop.ui.settings.settings_dialog import SettingsDialog

SMALL = (656, 384)
"""What a window of 680 by 440 leaves of a screen of that size."""


@pytest.fixture
def dialog(qtbot: QtBot) -> SettingsDialog:
    made = SettingsDialog(Settings())
    qtbot.addWidget(made)
    made.setMinimumSize(0, 0)
    made.resize(*SMALL)
    made.show_page("General")
    made.show()
    return made


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_no_page_is_cut_on_a_small_screen(dialog: SettingsDialog, name: str) -> None:
    dialog.show_page(name)
    page = dialog.page(name)
    area = page.findChild(QScrollArea)
    assert dialog.width() == SMALL[0]
    assert area.widget().minimumSizeHint().width() <= area.viewport().width()
    cut = [each for each in area.widget().findChildren(QWidget) if _is_cut(each, area.widget())]
    assert not [getattr(each, "text", str)() for each in cut]


@pytest.mark.parametrize("name", ["General", "Appearance", "Personas", "Local port", "Data", "About"])
def test_large_text_is_not_cut_either(dialog: SettingsDialog, name: str) -> None:
    theme.appearance().resize(20, "comfortable")
    test_no_page_is_cut_on_a_small_screen(dialog, name)


@pytest.mark.parametrize(
    ("page", "row", "written", "told"),
    [
        ("Local port", "port", "70000", "This has to be a whole number from 0 up to 65535."),
        ("Local port", "port", "8o90", "This has to be a whole number from 0 up to 65535."),
        ("Models and answers", "temperature", "-1", "This has to be a number from 0 up to 5."),
        ("Models and answers", "top_p", "0", "This has to be a number above 0 up to 1."),
        ("Models and answers", "max_tokens", "0", "This has to be a whole number from 1."),
        ("Data", "bin_days", "1.5", "This has to be a whole number from 0 up to 3650."),
        ("Appearance", "text_size", "", "This has to be a whole number from 11 up to 24."),
    ],
)
def test_a_number_outside_its_limits_is_told_beside_the_field(
    qtbot: QtBot, dialog: SettingsDialog, page: str, row: str, written: str, told: str
) -> None:
    dialog.show_page(page)
    field = dialog.page(page).fields[row]
    assert isinstance(field.editor, NumberEditor)
    field.editor.lineEdit().setText(written)
    with qtbot.assertNotEmitted(dialog.setting_changed):
        field.editor.editingFinished.emit()
    assert field.problem_label.text() == told
    assert field.problem_label.isVisible()
    assert told in field.editor.accessibleDescription()
    assert field.editor.text() == written


def _is_cut(widget: QWidget, inside: QWidget) -> bool:
    if not widget.isVisible() or not isinstance(widget, QLabel | QAbstractButton):
        return False
    left = widget.mapTo(inside, QPoint(0, 0)).x()
    return left < 0 or left + widget.width() > inside.width() or widget.width() < widget.minimumSizeHint().width()
