"""The bundled typefaces, so that the window looks the same on every computer."""

from __future__ import annotations

from PySide6.QtGui import QFont, QFontDatabase

from tether_desktop import paths
from tether_desktop.ui.look.tokens import MONO, SANS, Theme

FILES = (
    "Inter-Regular.otf",
    "Inter-Bold.otf",
    "Inter-Italic.otf",
    "Inter-BoldItalic.otf",
    "JetBrainsMono-Regular.ttf",
    "JetBrainsMono-Bold.ttf",
    "JetBrainsMono-Italic.ttf",
)


def load() -> bool:
    """Register the typefaces with Qt; False when one is missing, and Qt's own stand in for it."""
    folder = paths.resources_dir() / "fonts"
    loaded = [QFontDatabase.addApplicationFont(str(folder / name)) for name in FILES if (folder / name).is_file()]
    return len(loaded) == len(FILES) and -1 not in loaded


def sans(theme: Theme, size: int | None = None, *, bold: bool = False) -> QFont:
    """The text face, ``size`` in device-independent pixels."""
    font = QFont(SANS)
    font.setPixelSize(size or theme.type.body)
    font.setBold(bold)
    return font


def mono(theme: Theme, size: int | None = None) -> QFont:
    """The code face, ``size`` in device-independent pixels."""
    font = QFont(MONO)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize(size or theme.type.code)
    return font
