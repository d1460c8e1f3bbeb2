"""A program that takes itself for an installed one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tether_desktop import paths


def pretend_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this program lie in ``folder`` as installers put it there; returns where its bundled models go."""
    inside = folder / "_internal"
    (inside / "tether_desktop").mkdir(parents=True)
    (folder / "tether").touch()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(folder / "tether"))
    monkeypatch.setattr(paths, "__file__", str(inside / "tether_desktop/paths.py"))
    return inside / "models"
