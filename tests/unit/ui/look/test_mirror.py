"""Parts and arrows in the direction of writing."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.mirror import mirrored, place, turned
from tether_desktop.ui.look.themed_button import ThemedButton

LEFT, RIGHT = Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(200, 50)
    return widget


@pytest.mark.parametrize(("direction", "left"), [(LEFT, 10), (RIGHT, 150)])
def test_a_place_is_measured_from_where_lines_begin(parent: QWidget, direction: Qt.LayoutDirection, left: int) -> None:
    parent.setLayoutDirection(direction)
    part = QWidget(parent)
    place(part, QRect(10, 5, 40, 20), 200)
    assert part.geometry() == QRect(left, 5, 40, 20)
    assert mirrored(parent, QRectF(10, 5, 40, 20)) == QRectF(left, 5, 40, 20)


def test_arrows_to_a_side_are_turned_and_others_are_not(parent: QWidget) -> None:
    assert turned("chevron-right", parent) == "chevron-right"
    parent.setLayoutDirection(RIGHT)
    assert turned("chevron-right", parent) == "chevron-left"
    assert turned("chevron-left", parent) == "chevron-right"
    assert turned("chevron-down", parent) == "chevron-down"


@pytest.mark.parametrize("kind", ["icon", "words"])
def test_a_button_turns_its_arrow_with_the_direction(qtbot: QtBot, kind: str) -> None:
    button = IconButton("chevron-left", "Back") if kind == "icon" else ThemedButton("Back", "chevron-left")
    qtbot.addWidget(button)
    button.show()
    before = button.icon().pixmap(button.iconSize()).toImage()
    button.setLayoutDirection(RIGHT)
    assert button.icon().pixmap(button.iconSize()).toImage() != before
    button.setLayoutDirection(LEFT)
    assert button.icon().pixmap(button.iconSize()).toImage() == before
