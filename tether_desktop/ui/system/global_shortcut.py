"""The shortcut of the quick window: taken from the desktop where it lets programs have one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from tether_desktop.ui.system.key_words import Keys, read_keys

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class _Taker(Protocol):
    def grab(self, keys: Keys) -> bool: ...
    def release(self) -> None: ...


class GlobalShortcut(QObject):
    """Holds at most one shortcut.

    Attributes:
        problem: why the shortcut that is wanted does nothing; empty when it works or none is wanted.

    Signals:
        pressed(): its keys were pressed, whatever program has the keyboard.
        told(problem): it was asked for, and this came of it.
    """

    pressed = Signal()
    told = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problem = ""
        self._wanted = ""
        self._taker: _Taker | None = None

    def want(self, shortcut: str) -> None:
        """Have another shortcut, or none when it is empty."""
        if shortcut == self._wanted:
            return
        self.release()
        self._wanted = shortcut
        self.problem = self._take(shortcut) if shortcut else ""
        self.told.emit(self.problem)

    def release(self) -> None:
        """Give the keys back to the desktop."""
        if self._taker is not None:
            self._taker.release()
            self._taker = None
        self._wanted = ""

    def _take(self, shortcut: str) -> str:
        """Take the keys; why they cannot be had, empty when they are."""
        keys = read_keys(shortcut)
        if keys is None:
            return self.tr(
                "{keys} is no shortcut: write one key with Ctrl, Alt or Meta, such as Ctrl+Alt+Space."
            ).format(keys=shortcut)
        taker = self._make_taker()
        if taker is None:
            return self.tr(
                "This desktop gives its keys to no program. Let it run “tether --quick” "
                "by a shortcut in its own settings."
            )
        if not taker.grab(keys):
            taker.release()
            return self.tr("{keys} is taken by another program. Choose other keys.").format(keys=shortcut)
        self._taker = taker
        return ""

    def _make_taker(self) -> _Taker | None:
        emit: Callable[[], object] = self.pressed.emit
        match QGuiApplication.platformName():
            case "xcb":
                return self._x11_grab(emit)
            case "windows":
                from tether_desktop.ui.system.windows_hotkey import WindowsHotkey

                return WindowsHotkey(emit)
            case _:
                return None

    def _x11_grab(self, emit: Callable[[], object]) -> _Taker | None:
        from tether_desktop.ui.system.x11_grab import X11Grab

        try:
            return X11Grab(emit, self)
        except OSError as error:
            logger.warning("Xlib cannot be loaded: %s", error)
            return None
