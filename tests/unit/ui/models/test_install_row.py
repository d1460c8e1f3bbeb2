"""The card of a model that is being added: what can be done at every moment of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.helpers.installations import BEGUN, DONE, DOWNLOADING, FAILED, PACKING
from tether_desktop.errors import NoConnection
from tether_desktop.ui.look import theme
from tether_desktop.ui.models.install_row import InstallRow
from tether_desktop.ui.models.installation import STARTER, Installation

QUEUED = replace(BEGUN, phase="queued")
PAUSED = replace(BEGUN, phase="paused", kept_bytes=1_200_000_000, total_bytes=4_900_000_000)


@pytest.fixture
def row(qtbot: QtBot) -> InstallRow:
    row = InstallRow(BEGUN.key)
    qtbot.addWidget(row)
    row.show_installation(BEGUN)
    row.show()
    return row


@pytest.mark.parametrize(
    ("installation", "go", "stop"),
    [
        (QUEUED, "", "Remove"),
        (BEGUN, "", "Cancel"),
        (DOWNLOADING, "Pause", "Cancel"),
        (replace(DOWNLOADING, what=STARTER), "", "Cancel"),
        (PACKING, "", "Cancel"),
        (PAUSED, "Resume", "Remove"),
        (FAILED, "Try again", "Remove"),
        (DONE, "OK", ""),
    ],
)
def test_every_moment_has_its_buttons(row: InstallRow, installation: Installation, go: str, stop: str) -> None:
    row.show_installation(installation)
    assert (row.go_button.text(), row.stop_button.text()) == (go, stop)
    assert (row.go_button.isVisible(), row.stop_button.isVisible()) == (bool(go), bool(stop))
    assert row.accessibleName() == installation.short_text


@pytest.mark.parametrize(
    ("installation", "signal"),
    [
        (DOWNLOADING, "pause_requested"),
        (PAUSED, "resume_requested"),
        (FAILED, "resume_requested"),
        (DONE, "forget_requested"),
    ],
)
def test_the_first_button_does_what_it_says(
    qtbot: QtBot, row: InstallRow, installation: Installation, signal: str
) -> None:
    row.show_installation(installation)
    with qtbot.waitSignal(getattr(row, signal)) as asked:
        qtbot.mouseClick(row.go_button, Qt.MouseButton.LeftButton)
    assert asked.args == [BEGUN.key]


def test_what_has_nothing_on_the_disk_is_cancelled_at_once(qtbot: QtBot, row: InstallRow) -> None:
    row.show_installation(QUEUED)
    with qtbot.waitSignal(row.cancel_requested):
        qtbot.mouseClick(row.stop_button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("installation", [DOWNLOADING, PAUSED, FAILED])
def test_what_was_downloaded_is_thrown_away_only_after_a_question(
    qtbot: QtBot, row: InstallRow, installation: Installation
) -> None:
    row.show_installation(installation)
    with qtbot.assertNotEmitted(row.cancel_requested):
        qtbot.mouseClick(row.stop_button, Qt.MouseButton.LeftButton)
    assert row.ask.isVisible()
    row.show_installation(installation)
    assert not row.stop_button.isVisible(), "news must not bring the buttons back"
    qtbot.keyClick(row.ask.no_button, Qt.Key.Key_Escape)
    assert row.stop_button.isVisible()
    qtbot.mouseClick(row.stop_button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(row.cancel_requested):
        qtbot.mouseClick(row.ask.yes_button, Qt.MouseButton.LeftButton)


def test_a_paused_one_shows_how_much_is_there(row: InstallRow) -> None:
    row.show_installation(PAUSED)
    assert row.view.stage_label.text() == "Paused. 1.2 GB of 4.9 GB are here already."
    assert row.view.bar.value() == pytest.approx(245, abs=1)


def test_being_offline_is_no_failure_and_another_one_is(row: InstallRow, look: theme.Appearance) -> None:
    row.show_installation(BEGUN.failed(NoConnection("No", "hub: it cannot be reached.", "Connect.")))
    assert (row.view.error_title.text(), row.view.error_frame.property("kind")) == ("You are offline", "notice")
    row.show_installation(FAILED)
    assert row.view.error_frame.property("kind") == "danger_card"
    look.choose("dark")
    assert not row.mark.pixmap().isNull()
