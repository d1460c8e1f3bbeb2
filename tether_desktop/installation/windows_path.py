"""Lets terminals of one person on Windows find `tether`: the folder of the program in their PATH."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tether_desktop.errors import MenuEntryFailed

_BROADCAST, _SETTING_CHANGED, _ABORT_IF_HUNG = 0xFFFF, 0x001A, 0x0002
_TIMEOUT_MS = 2_000


def add_to_path(folder: Path) -> bool:
    """Put a folder at the end of PATH; whether it was not there.

    Raises:
        MenuEntryFailed: the registry cannot be written.
    """
    return _change(lambda value: with_folder(value, str(folder)))


def remove_from_path(folder: Path) -> bool:
    """Take a folder out of PATH; whether it was there.

    Raises:
        MenuEntryFailed: the registry cannot be written.
    """
    return _change(lambda value: without_folder(value, str(folder)))


def with_folder(value: str, folder: str) -> str:
    """PATH with a folder at its end; everything else stays as it is, letter for letter."""
    if any(_is(part, folder) for part in value.split(";")):
        return value
    return f"{value}{'' if not value or value.endswith(';') else ';'}{folder}"


def without_folder(value: str, folder: str) -> str:
    """PATH without a folder; everything else stays as it is, letter for letter."""
    return ";".join(part for part in value.split(";") if not _is(part, folder))


def _is(part: str, folder: str) -> bool:
    return part.strip('" ').rstrip("\\").casefold() == folder.rstrip("\\").casefold()


def _change(change: Callable[[str], str]) -> bool:
    if sys.platform != "win32":
        raise MenuEntryFailed("There is no such PATH", "Only Windows keeps it in its registry.")
    import ctypes
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, "Environment", access=winreg.KEY_READ | winreg.KEY_WRITE) as key:
            try:
                before, kind = winreg.QueryValueEx(key, "Path")
            except FileNotFoundError:
                before, kind = "", winreg.REG_EXPAND_SZ
            after = change(before)
            if after == before:
                return False
            winreg.SetValueEx(key, "Path", 0, kind, after)
    except OSError as error:
        message = f"HKEY_CURRENT_USER\\Environment: {error.strerror or error}."
        raise MenuEntryFailed("PATH cannot be changed", message, "Add the folder to PATH in the settings.") from error
    # New terminals read it from who starts them, and that one only when it is told.
    ctypes.windll.user32.SendMessageTimeoutW(
        _BROADCAST, _SETTING_CHANGED, 0, "Environment", _ABORT_IF_HUNG, _TIMEOUT_MS, None
    )
    return True
