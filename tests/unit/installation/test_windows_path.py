"""The folder of the program in PATH, on Windows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tether_desktop.errors import MenuEntryFailed
from tether_desktop.installation.windows_path import add_to_path, with_folder, without_folder

OURS = r"C:\Users\jörg\AppData\Local\Programs\Tether"
OTHERS = r"%USERPROFILE%\AppData\Local\Microsoft\WindowsApps;C:\Tools;"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", OURS),
        (OTHERS, OTHERS + OURS),
        (r"C:\Tools", rf"C:\Tools;{OURS}"),
        (rf"C:\Tools;{OURS.upper()}\;D:\x", rf"C:\Tools;{OURS.upper()}\;D:\x"),
        (f'"{OURS}"', f'"{OURS}"'),
    ],
)
def test_the_folder_comes_to_the_end_once_and_the_rest_stays_letter_for_letter(before: str, after: str) -> None:
    assert with_folder(before, OURS) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OTHERS + OURS, OTHERS.removesuffix(";")),
        (rf"{OURS};C:\Tools", r"C:\Tools"),
        (OTHERS, OTHERS),
        ("", ""),
        (OURS + r"\tools", OURS + r"\tools"),
    ],
)
def test_it_goes_and_the_rest_stays(before: str, after: str) -> None:
    assert without_folder(before, OURS) == after


@pytest.mark.skipif(sys.platform == "win32", reason="the PATH of whoever runs the tests is theirs")
def test_elsewhere_there_is_no_such_thing() -> None:
    with pytest.raises(MenuEntryFailed):
        add_to_path(Path("/somewhere"))
