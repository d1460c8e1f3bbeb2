"""The tour is read by mouse or keyboard, and can be left at once."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tether_desktop.ui.system.tour_page import PAGES, TourPage


@pytest.fixture
def tour(qtbot: QtBot) -> TourPage:
    tour = TourPage()
    qtbot.addWidget(tour)
    tour.resize(900, 640)
    tour.show()
    qtbot.waitExposed(tour)
    return tour


def test_three_pages_are_turned_and_the_last_one_begins(qtbot: QtBot, tour: TourPage) -> None:
    assert len(PAGES) == 3
    for number in range(3):
        assert tour.number == number
        assert tour.next_button.text() == ("Begin" if number == 2 else "Next")
        with qtbot.waitSignal(tour.ended, raising=number == 2, timeout=50 if number < 2 else 5_000):
            qtbot.mouseClick(tour.next_button, Qt.MouseButton.LeftButton)


def test_the_arrows_turn_pages_and_escape_leaves(qtbot: QtBot, tour: TourPage) -> None:
    QTest.keyClick(tour, Qt.Key.Key_Right)
    QTest.keyClick(tour, Qt.Key.Key_Right)
    QTest.keyClick(tour, Qt.Key.Key_Left)
    assert tour.number == 1
    assert "Page 2 of 3" in tour.accessibleName()
    with qtbot.waitSignal(tour.ended):
        QTest.keyClick(tour, Qt.Key.Key_Escape)


def test_from_right_to_left_the_left_arrow_goes_on(tour: TourPage) -> None:
    tour.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    QTest.keyClick(tour, Qt.Key.Key_Left)
    assert tour.number == 1


def test_it_begins_at_the_beginning_again(tour: TourPage) -> None:
    tour.go_on()
    tour.start()
    assert tour.number == 0
    assert not tour.back_button.isVisible()
