"""Where a window comes back to, whatever has become of the screens."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize

from tether_desktop.ui.system.placement import placed

MAIN = QRect(0, 40, 1920, 1040)
RIGHT = QRect(1920, 0, 2560, 1440)
LEFT = QRect(-1280, 0, 1280, 1024)
SMALLEST = QSize(680, 440)


@pytest.mark.parametrize(
    ("window", "screens"),
    [
        (QRect(100, 100, 1180, 820), [MAIN]),
        (QRect(2200, 200, 1180, 820), [MAIN, RIGHT]),
        (QRect(-1200, 60, 1180, 820), [MAIN, LEFT]),
        (QRect(1500, 300, 1180, 700), [MAIN]),
        (QRect(0, 0, 10, 10), []),
    ],
)
def test_a_window_that_can_be_taken_stays_where_it_is(window: QRect, screens: list[QRect]) -> None:
    assert placed(window, screens, SMALLEST) == window


@pytest.mark.parametrize(
    "window",
    [
        QRect(2200, 200, 1180, 820),
        QRect(-1250, 60, 1180, 820),
        QRect(1880, 300, 1180, 820),
        QRect(100, 1100, 1180, 820),
        QRect(100, -800, 1180, 820),
        QRect(100, 100, 3000, 2000),
    ],
)
def test_a_window_whose_screen_is_gone_comes_to_the_main_one_whole(window: QRect) -> None:
    result = placed(window, [MAIN], SMALLEST)
    assert MAIN.contains(result)
    assert result.width() == min(window.width(), MAIN.width())


def test_a_window_is_no_larger_than_a_small_screen() -> None:
    small = QRect(0, 0, 640, 400)
    assert small.contains(placed(QRect(5000, 5000, 1180, 820), [small], SMALLEST))
