"""The window's state survives a restart, and a spoilt file does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize

from tether_desktop.ui.window_frame import first_size
from tether_desktop.ui.window_state import WindowState, read_state, state_path, write_state


def test_what_was_written_is_read() -> None:
    state = WindowState("AAAA", 300, "s1", "Tiny", "dark", toured=True, sidebar_hidden=True)
    write_state(state)
    assert read_state() == state


def test_a_first_start_has_no_state() -> None:
    assert read_state() == WindowState()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"sidebar_width": "wide", "theme": "pink", "unknown": 1}', "\x00"])
def test_a_spoilt_file_is_as_a_first_start(text: str) -> None:
    state_path().write_text(text, encoding="utf-8")
    assert read_state() == WindowState()


def test_a_folder_that_does_not_exist_is_made(nothing_of_the_developers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_DATA_DIR", str(nothing_of_the_developers / "deep" / "er"))
    write_state(WindowState(theme="light"))
    assert read_state().theme == "light"


@pytest.mark.parametrize(
    ("screen", "size"),
    [((1920, 1080), (1180, 820)), ((1280, 800), (1180, 744)), ((1366, 728), (1180, 672)), ((600, 400), (680, 440))],
)
def test_the_first_window_fits_the_screen(screen: tuple[int, int], size: tuple[int, int]) -> None:
    assert first_size(QSize(*screen)) == QSize(*size)
