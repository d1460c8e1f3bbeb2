"""Importing after PySide6 costs what it costs without it."""

from __future__ import annotations

import subprocess
import sys


def test_sources_are_not_read_when_modules_are_imported() -> None:
    code = "import tether_desktop.ui, linecache, colorsys; assert colorsys.__file__ not in linecache.cache"
    subprocess.run([sys.executable, "-c", code], check=True)
