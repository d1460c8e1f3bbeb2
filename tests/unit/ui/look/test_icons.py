"""The icons of the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from tether_desktop import paths
from tether_desktop.ui.look import icons


def test_the_programs_own_icon_is_drawn_in_the_sizes_that_desktops_ask_for(qapp: QApplication) -> None:
    icon = icons.program_icon()
    assert {(size.width(), size.height()) for size in icon.availableSizes()} >= {(16, 16), (48, 48), (128, 128)}
    smallest = icon.pixmap(16, 16).toImage()
    assert smallest.pixelColor(0, 0).alpha() == 0
    assert smallest.pixelColor(8, 1).alpha() == 255


def test_a_window_whose_program_was_removed_goes_on_without_pictures(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError):
        icons.pixmap("no-such-icon", "muted", 19, 1.0)
    monkeypatch.setattr(paths, "resources_dir", lambda: tmp_path / "gone")
    blank = icons.pixmap("no-such-icon", "muted", 19, 1.0).toImage()
    assert (blank.width(), blank.pixelColor(9, 9).alpha()) == (19, 0)
