"""The quiet line in the header: what is being added, in whatever room there is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.helpers.installations import DONE, DOWNLOADING, FAILED
from tether_desktop.ui.header import Header
from tether_desktop.ui.models.install_strip import InstallStrip
from tether_desktop.ui.models.installation import STARTER, Installation


@pytest.fixture
def header(qtbot: QtBot) -> Header:
    header = Header()
    qtbot.addWidget(header)
    header.resize(760, 53)
    header.show()
    return header


@pytest.mark.parametrize("installation", [DOWNLOADING, FAILED, DONE])
def test_it_tells_every_moment_and_asks_for_more_by_a_click(
    qtbot: QtBot, header: Header, installation: Installation
) -> None:
    strip = header.install_strip
    assert not strip.isVisible()
    strip.show_installation(installation)
    assert strip.isVisible()
    assert strip.accessibleName() == installation.short_text
    with qtbot.waitSignal(strip.clicked):
        qtbot.mouseClick(strip, Qt.MouseButton.LeftButton)
    strip.show_installation(None)
    assert not strip.isVisible()


def test_the_starter_model_is_told_on_its_own_card(header: Header) -> None:
    header.install_strip.show_installation(Installation(STARTER, "The starter model"))
    assert not header.install_strip.isVisible()


def test_long_words_are_cut_and_push_nothing_away(header: Header) -> None:
    before = header.minimumSizeHint().width()
    header.install_strip.show_installation(Installation("x", "A very long name of a model " * 9))
    assert header.minimumSizeHint().width() - before < 80
    assert header.picker.width() >= header.picker.minimumWidth()
    assert header.rect().contains(header.install_strip.geometry())


def test_it_is_as_wide_as_its_words_where_there_is_room(qtbot: QtBot) -> None:
    strip = InstallStrip()
    qtbot.addWidget(strip)
    strip.show_installation(DOWNLOADING)
    shorter = strip.sizeHint().width()
    strip.show_installation(FAILED)
    assert strip.sizeHint().width() != shorter
