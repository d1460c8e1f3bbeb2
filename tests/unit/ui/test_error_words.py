"""Errors of the core in the language of the window."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication

from tether_desktop import paths
from tether_desktop.errors import TetherError
from tether_desktop.ui import error_words

WORDS = {
    "The model is gone": "Das Modell ist weg",
    "{1} is not in {2}.": "In {2} fehlt {1}.",
    "{1} is not there.": "{1} ist nicht da.",
}


class Dictionary(QTranslator):
    """Translates what stands in a table."""

    def translate(self, context: str, text: str, _disambiguation: str = "", _n: int = -1) -> str | None:  # type: ignore[override]
        return WORDS.get(text) if context == "Errors" else None  # None is Qt's "go on looking"

    def isEmpty(self) -> bool:  # noqa: N802  (Qt's name)
        return False


@pytest.fixture(autouse=True)
def german(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "translations").mkdir()
    templates = json.dumps([text for text in WORDS if "{1}" in text])
    (tmp_path / "translations" / "error_texts.json").write_text(templates, encoding="utf-8")
    monkeypatch.setattr(paths, "resources_dir", lambda: tmp_path)
    error_words._patterns.cache_clear()
    dictionary = Dictionary(qapp)
    qapp.installTranslator(dictionary)
    yield
    qapp.removeTranslator(dictionary)
    dictionary.deleteLater()
    error_words._patterns.cache_clear()


def test_a_text_without_values_is_looked_up() -> None:
    assert error_words.error_words("The model is gone") == "Das Modell ist weg"


def test_values_stand_where_the_translation_has_them() -> None:
    assert error_words.error_words("tether.db is not there.") == "tether.db ist nicht da."


def test_values_may_have_several_lines_and_signs_of_patterns() -> None:
    assert error_words.error_words("a(b\n.*c is not there.") == "a(b\n.*c ist nicht da."


def test_the_text_that_says_most_itself_is_taken() -> None:
    assert error_words.error_words("A is not in B.") == "In B fehlt A."


def test_what_nobody_has_translated_stays() -> None:
    assert error_words.error_words("Something new") == "Something new"


def test_an_error_is_put_in_words_as_a_whole() -> None:
    error = TetherError("The model is gone", "x is not there.", "Look again.")
    error_words.put_in_words(error)
    assert (error.title, error.message, error.hint) == ("Das Modell ist weg", "x ist nicht da.", "Look again.")
