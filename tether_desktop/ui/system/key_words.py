"""A shortcut as a person writes it, taken apart into what X11 and Windows call its keys."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeySequence

_KEYSYMS = {
    Qt.Key.Key_Return: 0xFF0D,
    Qt.Key.Key_Enter: 0xFF8D,
    Qt.Key.Key_Tab: 0xFF09,
    Qt.Key.Key_Backspace: 0xFF08,
    Qt.Key.Key_Escape: 0xFF1B,
    Qt.Key.Key_Insert: 0xFF63,
    Qt.Key.Key_Delete: 0xFFFF,
    Qt.Key.Key_Home: 0xFF50,
    Qt.Key.Key_End: 0xFF57,
    Qt.Key.Key_PageUp: 0xFF55,
    Qt.Key.Key_PageDown: 0xFF56,
    Qt.Key.Key_Left: 0xFF51,
    Qt.Key.Key_Up: 0xFF52,
    Qt.Key.Key_Right: 0xFF53,
    Qt.Key.Key_Down: 0xFF54,
}
"""X11's names of keys (keysymdef.h); those of letters, figures and signs are their characters."""

_VIRTUAL_KEYS = {
    Qt.Key.Key_Return: 0x0D,
    Qt.Key.Key_Enter: 0x0D,
    Qt.Key.Key_Tab: 0x09,
    Qt.Key.Key_Backspace: 0x08,
    Qt.Key.Key_Escape: 0x1B,
    Qt.Key.Key_Space: 0x20,
    Qt.Key.Key_Insert: 0x2D,
    Qt.Key.Key_Delete: 0x2E,
    Qt.Key.Key_Home: 0x24,
    Qt.Key.Key_End: 0x23,
    Qt.Key.Key_PageUp: 0x21,
    Qt.Key.Key_PageDown: 0x22,
    Qt.Key.Key_Left: 0x25,
    Qt.Key.Key_Up: 0x26,
    Qt.Key.Key_Right: 0x27,
    Qt.Key.Key_Down: 0x28,
}
"""Windows' names of keys (winuser.h); those of letters and figures are their characters."""

_F1_KEYSYM = 0xFFBE
_F1_VIRTUAL_KEY = 0x70
_LAST_F = 24
_MOST_LATIN = 0xFF


@dataclass(frozen=True, slots=True)
class Keys:
    """A key and those that are held with it."""

    key: int
    control: bool
    alt: bool
    shift: bool
    meta: bool

    @property
    def keysym(self) -> int:
        """The key for X11; 0 for one that has no place here."""
        if self._f is not None:
            return _F1_KEYSYM + self._f
        named = _KEYSYMS.get(self._named)
        character = self.key if self.key <= _MOST_LATIN else 0
        return named if named is not None else ord(chr(character).lower())

    @property
    def virtual_key(self) -> int:
        """The key for Windows; 0 for one that has no place here."""
        if self._f is not None:
            return _F1_VIRTUAL_KEY + self._f
        return _VIRTUAL_KEYS.get(self._named) or (self.key if self.key < 128 and chr(self.key).isalnum() else 0)

    @property
    def _f(self) -> int | None:
        """Which of the function keys it is, from 0; None for another key."""
        number = self.key - int(Qt.Key.Key_F1)
        return number if 0 <= number < _LAST_F else None

    @property
    def _named(self) -> Qt.Key:
        return Qt.Key(self.key)


def read_keys(text: str) -> Keys | None:
    """The keys of a shortcut such as Ctrl+Alt+Space; None unless it is one key held with Ctrl, Alt or Meta."""
    sequence = QKeySequence.fromString(text, QKeySequence.SequenceFormat.PortableText)
    if sequence.count() != 1:
        return None
    combination: QKeyCombination = sequence[0]  # type: ignore[index]  # Qt's stubs leave it out
    held, key = combination.keyboardModifiers(), combination.key()
    control = bool(held & Qt.KeyboardModifier.ControlModifier)
    alt = bool(held & Qt.KeyboardModifier.AltModifier)
    meta = bool(held & Qt.KeyboardModifier.MetaModifier)
    if key == Qt.Key.Key_unknown or not (control or alt or meta):
        return None
    return Keys(int(key), control, alt, bool(held & Qt.KeyboardModifier.ShiftModifier), meta)
