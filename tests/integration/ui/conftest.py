"""The themed application and the leak guard of the unit tests, and models for a real window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.scripted_models import write_scripted_model
from tests.unit.ui.conftest import look, nothing_is_left_behind, qapp

__all__ = ["look", "nothing_is_left_behind", "qapp"]

AddModel = Callable[..., Path]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model folder that the program will look into."""
    folder = tmp_path / "dist"
    folder.mkdir()
    monkeypatch.setenv("MLC_DIST_PATH", str(folder))
    return folder


@pytest.fixture
def scripted(models: Path) -> Path:
    """A model that answers in every way the tests need, by what is asked."""
    return write_scripted_model(
        models,
        "Scripted-q4_1-MLC",
        replies=[
            {"match": "wait", "steps": ["Half", " an", " answer", {"wait": True}]},
            {"match": "think", "steps": ["<think>", "Let me see.", "</think>", "Seen."]},
            {"match": "colou?rs", "steps": [{"text": "Red, green and blue."}]},
            {"match": "long", "steps": [{"text": "word " * 400}]},
            {"match": ".", "steps": [{"text": "An answer to: anything."}]},
        ],
    )
