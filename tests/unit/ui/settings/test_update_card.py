"""What the About page tells of newer releases."""

from __future__ import annotations

from datetime import date

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from tether_desktop.errors import UpdateCheckFailed
from tether_desktop.ui.settings.update_card import UpdateCard
from tether_desktop.updates.check import UpdateCheck
from tether_desktop.updates.release import Release

NEWER = Release("2.0", date(2027, 3, 1), "https://example.org/tether", ("Faster", "<b>bold</b> <img src=x>"))


@pytest.fixture
def card(qtbot: QtBot) -> UpdateCard:
    made = UpdateCard()
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_asks_only_when_it_is_asked_and_once_at_a_time(qtbot: QtBot, card: UpdateCard) -> None:
    with qtbot.waitSignal(card.requested):
        card.check_button.click()
    assert not card.check_button.isEnabled()
    card.show_check(UpdateCheck("2.0", NEWER))
    assert card.check_button.isEnabled()
    assert card.words.text() == "You have the newest Tether, 2.0."
    assert not card.page_button.isVisible()


def test_a_newer_release_is_told_in_plain_words_with_its_page(
    card: UpdateCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    card.show_check(UpdateCheck("1.0", NEWER))
    assert card.words.text().startswith("Tether 2.0 of ")
    assert "2027" in card.words.text()
    assert "<b>bold</b> <img src=x>" in card.details.text(), "markup is shown as it is"
    assert {label.textFormat() for label in card.findChildren(QLabel)} == {Qt.TextFormat.PlainText}
    assert card.page_button.text() == "Open example.org"
    card.page_button.click()
    assert opened == [NEWER.page]


def test_a_problem_takes_the_place_of_what_was_told(card: UpdateCard) -> None:
    card.show_check(UpdateCheck("1.0", NEWER))
    card.show_problem(UpdateCheckFailed("Title", "It cannot be reached.", "Try again."))
    assert card.words.text() == "It cannot be reached."
    assert card.details.text() == "Try again."
    assert not card.page_button.isVisible()
