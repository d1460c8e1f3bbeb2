"""Where the window goes: back to where it was, and to a place that can be seen when its screen is gone."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMargins, QPoint, QRect, QSize

_TITLE_BAR = 32
_GRIP = QSize(120, _TITLE_BAR)
"""As much of a window's title must be on a screen for it to be taken and moved."""


def placed(window: QRect, screens: Sequence[QRect], smallest: QSize) -> QRect:
    """Where a window may be that wants to be at ``window``, in device-independent pixels.

    It stays where it is as long as its title can be taken on one of the screens, which are given by the room they
    have for windows, the main one first. Else it comes to the main one, as large as it was where that fits.
    """
    if not screens or any(_can_be_taken(window, screen) for screen in screens):
        return window
    screen = screens[0].marginsRemoved(QMargins(0, _TITLE_BAR, 0, 0))
    size = window.size().boundedTo(screen.size()).expandedTo(smallest.boundedTo(screen.size()))
    spare = (screen.size() - size) / 2
    return QRect(screen.topLeft() + QPoint(spare.width(), spare.height()), size)


def _can_be_taken(window: QRect, screen: QRect) -> bool:
    title = QRect(window.x(), window.y() - _TITLE_BAR, window.width(), 2 * _TITLE_BAR)
    seen = title.intersected(screen)
    fits = window.width() <= screen.width() + _GRIP.width() and window.height() <= screen.height() + _GRIP.height()
    return fits and seen.width() >= min(_GRIP.width(), window.width()) and seen.height() >= _TITLE_BAR
