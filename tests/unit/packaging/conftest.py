"""The scripts of ``packaging`` as modules."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def packaging_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests import them as they import each other."""
    monkeypatch.syspath_prepend(ROOT / "packaging")
