"""A shortcut that X11 brings to this program whatever has the keyboard (XGrabKey), over a connection of its own."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier, Slot

from tether_desktop.ui.system.key_words import Keys

_SHIFT, _CAPS_LOCK, _CONTROL, _ALT, _NUM_LOCK, _META = 1, 2, 4, 8, 16, 64
_LOCKS = (0, _CAPS_LOCK, _NUM_LOCK, _CAPS_LOCK | _NUM_LOCK)
"""X11 tells a key with a lock on from the same key without, and a person does not."""

_KEY_PRESS = 2
_ASYNC = 1
_EVENT_BYTES = 192
_ErrorHandler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class X11Grab(QObject):
    """One shortcut; the keys themselves are all that is heard of the keyboard.

    Args:
        pressed: called when the keys are pressed.
    """

    def __init__(self, pressed: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pressed = pressed
        self._x11 = _library()
        self._display = self._x11.XOpenDisplay(None)
        self._notifier: QSocketNotifier | None = None
        if self._display:
            socket = self._x11.XConnectionNumber(self._display)
            self._notifier = QSocketNotifier(socket, QSocketNotifier.Type.Read, self)
            self._notifier.activated.connect(self._on_ready)

    def grab(self, keys: Keys) -> bool:
        """Take the keys; False where another program has them, or there is no such key."""
        if not self._display:
            return False
        code = self._x11.XKeysymToKeycode(self._display, keys.keysym)
        root = self._x11.XDefaultRootWindow(self._display)
        failed: list[int] = []

        def note(_display: int, _error: int) -> int:
            failed.append(1)
            return 0

        handler = _ErrorHandler(note)
        # Without one of its own Xlib ends the program when another one has the keys.
        before = self._x11.XSetErrorHandler(ctypes.cast(handler, ctypes.c_void_p))
        for locks in _LOCKS if code else ():
            self._x11.XGrabKey(self._display, code, _held(keys) | locks, root, 0, _ASYNC, _ASYNC)
        self._x11.XSync(self._display, 0)
        self._x11.XSetErrorHandler(before)
        return bool(code) and not failed

    def release(self) -> None:
        """Give the keys back."""
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier = None
        if self._display:
            self._x11.XCloseDisplay(self._display)
            self._display = None

    @Slot()
    def _on_ready(self) -> None:
        event = ctypes.create_string_buffer(_EVENT_BYTES)
        pressed = False
        while self._display and self._x11.XPending(self._display):
            self._x11.XNextEvent(self._display, event)
            pressed = pressed or ctypes.c_int.from_buffer(event).value == _KEY_PRESS
        if pressed:
            self._pressed()


def _held(keys: Keys) -> int:
    named = ((keys.control, _CONTROL), (keys.alt, _ALT), (keys.shift, _SHIFT), (keys.meta, _META))
    return sum(mask for held, mask in named if held)


def _library() -> ctypes.CDLL:
    """Xlib, which Qt's own X11 plugin has loaded already.

    Raises:
        OSError: it is not there.
    """
    x11 = ctypes.CDLL("libX11.so.6")
    pointer, unsigned = ctypes.c_void_p, ctypes.c_ulong
    x11.XOpenDisplay.restype, x11.XOpenDisplay.argtypes = pointer, [ctypes.c_char_p]
    x11.XConnectionNumber.argtypes = [pointer]
    x11.XDefaultRootWindow.restype, x11.XDefaultRootWindow.argtypes = unsigned, [pointer]
    x11.XKeysymToKeycode.restype, x11.XKeysymToKeycode.argtypes = ctypes.c_ubyte, [pointer, unsigned]
    whole = ctypes.c_int
    x11.XGrabKey.argtypes = [pointer, whole, ctypes.c_uint, unsigned, whole, whole, whole]
    x11.XSync.argtypes = [pointer, whole]
    x11.XSetErrorHandler.restype, x11.XSetErrorHandler.argtypes = pointer, [pointer]
    x11.XPending.argtypes = [pointer]
    x11.XNextEvent.argtypes = [pointer, pointer]
    x11.XCloseDisplay.argtypes = [pointer]
    return x11
