"""A shortcut that Windows brings to this program whatever has the keyboard (RegisterHotKey)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractNativeEventFilter, QByteArray, QCoreApplication

from tether_desktop.ui.system.key_words import Keys

_ALT, _CONTROL, _SHIFT, _META, _NO_REPEAT = 1, 2, 4, 8, 0x4000
_WM_HOTKEY = 0x0312
_ID = 0x5445
"""Any number below 0xC000 that nothing else of this program uses."""


class _Message(ctypes.Structure):
    """The beginning of Windows' MSG."""

    _fields_ = (("window", ctypes.c_void_p), ("message", ctypes.c_uint), ("word", ctypes.c_size_t))


class WindowsHotkey(QAbstractNativeEventFilter):
    """One shortcut; the keys themselves are all that is heard of the keyboard.

    Args:
        pressed: called when the keys are pressed.
    """

    def __init__(self, pressed: Callable[[], object]) -> None:
        super().__init__()
        self._pressed = pressed

    def grab(self, keys: Keys) -> bool:
        """Take the keys; False where another program has them, or there is no such key."""
        named = ((keys.control, _CONTROL), (keys.alt, _ALT), (keys.shift, _SHIFT), (keys.meta, _META))
        held = sum(mask for is_held, mask in named if is_held) | _NO_REPEAT
        if not keys.virtual_key or not _user32().RegisterHotKey(None, _ID, held, keys.virtual_key):
            return False
        _application().installNativeEventFilter(self)
        return True

    def release(self) -> None:
        """Give the keys back."""
        _application().removeNativeEventFilter(self)
        _user32().UnregisterHotKey(None, _ID)

    def nativeEventFilter(  # noqa: N802  (Qt's name)
        self, kind: QByteArray | bytes | bytearray | memoryview, message: int
    ) -> tuple[bool, int]:
        """Take the news that the keys were pressed, and leave everything else."""
        if QByteArray(kind) == b"windows_generic_MSG":
            told = _Message.from_address(int(message))
            if told.message == _WM_HOTKEY and told.word == _ID:
                self._pressed()
        return False, 0


def _user32() -> Any:
    return ctypes.windll.user32  # type: ignore[attr-defined]


def _application() -> QCoreApplication:
    app = QCoreApplication.instance()
    assert app is not None  # noqa: S101  (narrows: there is no shortcut without)
    return app
