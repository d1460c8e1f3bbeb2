"""The languages of the window: complete, in step with the sources, and put on."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication, QLocale
from PySide6.QtWidgets import QApplication

from tether_desktop import paths
from tether_desktop.ui import translation

ROOT = Path(__file__).resolve().parents[3]
FOLDER = paths.resources_dir() / "translations"
PLACES = re.compile(r"\{\w*\}|%n")
Message = tuple[str, str, list[str]]


def messages(file: Path) -> list[Message]:
    """Context, source and translations (several for plurals) of every string of a translation file."""
    found: list[Message] = []
    for context in ElementTree.parse(file).getroot().iter("context"):  # noqa: S314  (our own file)
        for message in context.iter("message"):
            translated = message.find("translation")
            assert translated is not None
            forms = [form.text or "" for form in translated.iter("numerusform")] or [translated.text or ""]
            found.append((context.findtext("name") or "", message.findtext("source") or "", forms))
    return found


@pytest.fixture
def english(qapp: QApplication) -> Iterator[None]:
    """Back to English, in which other tests read the window."""
    yield
    translation.install("en")


@pytest.mark.parametrize("language", translation.LANGUAGES)
def test_every_string_is_translated(language: str) -> None:
    missing = [
        (context, source) for context, source, forms in messages(FOLDER / f"tether_{language}.ts") if not all(forms)
    ]
    assert missing == []


@pytest.mark.parametrize("language", translation.LANGUAGES)
def test_a_translation_has_the_values_of_its_source(language: str) -> None:
    wrong = [
        (source, form)
        for _, source, forms in messages(FOLDER / f"tether_{language}.ts")
        for form in forms
        if sorted(PLACES.findall(form)) != sorted(PLACES.findall(source)) and "%n" not in source
    ]
    assert wrong == []


def test_the_files_have_the_strings_of_the_sources(tmp_path: Path) -> None:
    for language in translation.LANGUAGES:
        shutil.copy(FOLDER / f"tether_{language}.ts", tmp_path)
    collect = "import sys; sys.path.insert(0, 'packaging'); import translations; from pathlib import Path; "
    subprocess.run(
        [sys.executable, "-c", collect + f"translations.update(Path({str(tmp_path)!r}))"], check=True, cwd=ROOT
    )
    for language in translation.LANGUAGES:
        name = f"tether_{language}.ts"
        kept = {each[:2] for each in messages(FOLDER / name)}
        assert {each[:2] for each in messages(tmp_path / name)} == kept, "run `make translations`"


@pytest.mark.usefixtures("english")
def test_a_language_is_put_on_and_taken_off(qapp: QApplication) -> None:
    assert translation.install("de") == "de"
    assert translation.translate("Commands", "New chat") == "Neuer Chat"
    assert translation.counted("FoundRows", "%n more chat(s)", 2).startswith("2 ")
    assert QLocale().language() == QLocale.Language.German
    assert translation.install("en") == "en"
    assert translation.translate("Commands", "New chat") == "New chat"
    assert translation.counted("FoundRows", "%n more chat(s)", 1) == "1 more chat"
    assert QCoreApplication.translate("FoundRows", "%n more chat(s)", "", 2) == "2 more chats"


def test_a_language_nobody_has_is_english_and_the_systems_own_is_taken_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert translation.language("de") == "de"
    monkeypatch.setattr(QLocale, "uiLanguages", lambda _locale: ["fr-FR", "de-AT", "en-GB"])
    assert translation.language("system") == "de"
    monkeypatch.setattr(QLocale, "uiLanguages", lambda _locale: ["fr-FR", "nl"])
    assert translation.language("system") == "en"
