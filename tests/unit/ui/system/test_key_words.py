"""Shortcuts as people write them, in the words of X11 and Windows."""

from __future__ import annotations

import pytest

from tether_desktop.ui.system.key_words import Keys, read_keys


@pytest.mark.parametrize(
    ("text", "keysym", "virtual_key"),
    [
        ("Ctrl+Alt+Space", 0x20, 0x20),
        ("Ctrl+Shift+A", 0x61, 0x41),
        ("Meta+7", 0x37, 0x37),
        ("Alt+F1", 0xFFBE, 0x70),
        ("Ctrl+F12", 0xFFC9, 0x7B),
        ("Ctrl+Alt+Return", 0xFF0D, 0x0D),
        ("Meta+PgUp", 0xFF55, 0x21),
        ("Ctrl+.", 0x2E, 0),
    ],
)
def test_each_system_has_its_own_number_for_a_key(text: str, keysym: int, virtual_key: int) -> None:
    keys = read_keys(text)
    assert keys is not None
    assert (keys.keysym, keys.virtual_key) == (keysym, virtual_key)


def test_what_is_held_is_known() -> None:
    assert read_keys("Ctrl+Shift+A") == Keys(0x41, control=True, alt=False, shift=True, meta=False)
    assert read_keys("Alt+Meta+A") == Keys(0x41, control=False, alt=True, shift=False, meta=True)


@pytest.mark.parametrize(
    "text", ["", "A", "Shift+A", "Space", "Ctrl", "Ctrl+K, Ctrl+B", "Ctrl+Nonsense", "😀", "Ctrl+"]
)
def test_what_would_take_keys_from_typing_or_is_none_is_refused(text: str) -> None:
    assert read_keys(text) is None
