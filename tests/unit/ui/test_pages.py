"""Welcome page, notice page, banner, undo bar, header, dialogs: what they say and what they ask for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from tether_desktop.errors import AlreadyRunning, InstallError, StoreBusy
from tether_desktop.model.install.progress import InstallProgress
from tether_desktop.ui.banner import Banner
from tether_desktop.ui.chat.empty_chat import EmptyChat
from tether_desktop.ui.chat.link_dialog import LinkDialog, allowed_url
from tether_desktop.ui.header import Header, status_text
from tether_desktop.ui.models.installation import STARTER, Installation
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.models.welcome_page import StarterCard, WelcomePage
from tether_desktop.ui.notice_page import NoticePage
from tether_desktop.ui.sessions.undo_bar import UndoBar

LOADED = ModelStatus("Tiny", "Tiny", state="ready", memory_bytes=118_000_000, context_window=2048, device="CPU")


def test_the_welcome_page_offers_the_starter_model_with_one_click(qtbot: QtBot) -> None:
    page = WelcomePage()
    qtbot.addWidget(page)
    card = page.card
    assert not card.add_button.isHidden()
    assert card.cancel_button.isHidden()
    with qtbot.waitSignal(card.add_requested):
        qtbot.mouseClick(card.add_button, Qt.MouseButton.LeftButton)


STARTER_ADDED = Installation(STARTER, "The starter model")


def test_adding_the_starter_model_shows_its_stages_and_can_be_cancelled(qtbot: QtBot) -> None:
    card = StarterCard()
    qtbot.addWidget(card)
    card.show_installation(STARTER_ADDED)
    assert card.view.stage_label.text() == "Starting…"
    begun = STARTER_ADDED.at(InstallProgress("downloading", 0.5, "47 of 95 MB"))
    card.show_installation(begun.at(InstallProgress("packing", 0.25, "layer 7")))
    assert card.view.stage_label.text() == "Step 2 of 4: Packing the weights"
    assert card.view.percent_label.text() == "25 %"
    assert card.view.detail_label.text() == "layer 7"
    assert card.view.bar.value() / card.view.bar.maximum() == 0.25
    card.show_installation(begun.at(InstallProgress("compiling")))
    assert card.view.bar.maximum() == 0, "unknown progress moves to and fro"
    assert card.add_button.isHidden()
    with qtbot.waitSignal(card.cancel_requested):
        qtbot.mouseClick(card.cancel_button, Qt.MouseButton.LeftButton)


def test_a_failed_addition_says_why_and_can_be_tried_again(qtbot: QtBot) -> None:
    card = StarterCard()
    qtbot.addWidget(card)
    error = InstallError("No network", "The index does not answer.", "Connect first.")
    card.show_installation(STARTER_ADDED.failed(error))
    assert card.view.error_title.text() == "No network"
    assert "Connect first." in card.view.error_text.text()
    assert card.add_button.text() == "Try again"
    assert not card.view.error_frame.isHidden()
    card.show_installation(STARTER_ADDED)
    assert card.view.error_frame.isHidden()


def test_the_starter_model_waits_while_another_one_is_added(qtbot: QtBot) -> None:
    card = StarterCard()
    qtbot.addWidget(card)
    card.show_installation(None, busy=True)
    assert not card.add_button.isHidden()
    assert not card.add_button.isEnabled()
    card.show_installation(None)
    assert card.add_button.isEnabled()
    assert card.add_button.text() == "Add the starter model"


def test_the_welcome_page_offers_to_add_any_other_model(qtbot: QtBot) -> None:
    page = WelcomePage()
    qtbot.addWidget(page)
    with qtbot.waitSignal(page.add_requested):
        qtbot.mouseClick(page.add_button, Qt.MouseButton.LeftButton)


def test_models_that_cannot_be_used_are_listed_with_the_remedy(qtbot: QtBot) -> None:
    page = WelcomePage()
    qtbot.addWidget(page)
    page.show_models([replace(LOADED, usable=False, reason="No library.", remedy="Compile it.")])
    assert "Tiny: No library. Compile it." in page.broken_label.text()
    page.show_models([LOADED])
    assert page.broken_label.isHidden()


def test_the_notice_page_tells_and_asks_to_retry_or_quit(qtbot: QtBot) -> None:
    page = NoticePage()
    qtbot.addWidget(page)
    page.show_error(AlreadyRunning("Tether is already running", "Another one runs.", "Use that one."))
    assert (page.title.text(), page.message.text()) == ("Tether is already running", "Another one runs.")
    assert page.hint.text() == "Use that one."
    with qtbot.waitSignal(page.retry_requested):
        qtbot.mouseClick(page.retry_button, Qt.MouseButton.LeftButton)
    page.set_busy("Trying…")
    assert not page.retry_button.isEnabled()
    with qtbot.waitSignal(page.quit_requested):
        qtbot.mouseClick(page.quit_button, Qt.MouseButton.LeftButton)


def test_the_banner_shows_an_error_until_it_is_dismissed(qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_error(StoreBusy("In use", "Somebody holds it.", "Close that."))
    assert banner.label.text() == "In use\nSomebody holds it. Close that."
    assert "Close that." in banner.accessibleName()
    qtbot.mouseClick(banner.close_button, Qt.MouseButton.LeftButton)
    assert banner.isHidden()


def test_the_undo_bar_gives_back_what_it_was_shown_for(qtbot: QtBot) -> None:
    bar = UndoBar()
    qtbot.addWidget(bar)
    bar.offer("Deleted “Trip”.", "s1")
    assert bar.timer.isActive()
    assert bar.timer.interval() == 8_000
    with qtbot.waitSignal(bar.undo_requested) as undone:
        qtbot.mouseClick(bar.undo_button, Qt.MouseButton.LeftButton)
    assert undone.args == ["s1"]
    assert bar.isHidden()
    assert not bar.timer.isActive()


def test_the_undo_bar_goes_when_its_time_is_over(qtbot: QtBot) -> None:
    bar = UndoBar()
    qtbot.addWidget(bar)
    bar.offer("Deleted “Trip”.", "s1")
    with qtbot.assertNotEmitted(bar.undo_requested):
        bar.timer.timeout.emit()
    assert bar.isHidden()


@pytest.mark.parametrize(
    ("model", "tokens", "rate", "text"),
    [
        (None, None, None, ""),
        (LOADED, 12, None, "up to 118 MB · 12 / 2,048 tokens"),
        (LOADED, None, 87.3, "up to 118 MB · 0 / 2,048 tokens · 87 tok/s"),
        (replace(LOADED, state="unloaded"), 5, 3.14, "5 / 2,048 tokens · 3.1 tok/s"),
    ],
)
def test_the_status_tells_what_is_known(
    model: ModelStatus | None, tokens: int | None, rate: float | None, text: str
) -> None:
    assert status_text(model, tokens, rate) == text


def test_the_meter_warns_when_the_window_is_nearly_full(qtbot: QtBot) -> None:
    header = Header()
    qtbot.addWidget(header)
    header.show_status(LOADED, 1000, None)
    assert header.status_label.property("kind") == "small"
    header.show_status(LOADED, 2000, None)
    assert header.status_label.property("kind") == "warning"
    assert "left out" in header.status_label.toolTip()


def test_changing_figures_can_be_read(qtbot: QtBot) -> None:
    header = Header()
    qtbot.addWidget(header)
    header.show_status(LOADED, 1, 10.0)
    header.show_status(LOADED, 2, 20.0, calmly=True)
    assert "10 tok/s" in header.status_label.text(), "too soon for another figure"
    header.show_status(LOADED, 3, 30.0)
    assert "30 tok/s" in header.status_label.text()


def test_a_narrow_header_keeps_what_can_be_pressed(qtbot: QtBot) -> None:
    header = Header()
    qtbot.addWidget(header)
    header.show_chat("A chat with quite a long title", stored=True, temporary=False)
    header.show_status(LOADED, 100, 20.0)
    header.resize(1_200, 53)
    header.show()
    assert header.title_label.isVisible()
    assert header.status_label.isVisible()
    header.resize(430, 53)
    assert not header.title_label.isVisible()
    assert not header.status_label.isVisible()
    for button in (header.sidebar_button, header.temporary_button, header.menu_button):
        assert button.isVisible()
        assert button.accessibleName()
        assert header.rect().contains(button.geometry())


def test_the_header_offers_the_menu_of_stored_chats_alone(qtbot: QtBot) -> None:
    header = Header()
    qtbot.addWidget(header)
    header.show_chat("", stored=False, temporary=True)
    assert header.menu_button.isHidden()
    assert header.temporary_button.isChecked()
    assert header.title_label.text() == "Temporary chat"
    with qtbot.waitSignal(header.temporary_requested):
        qtbot.mouseClick(header.temporary_button, Qt.MouseButton.LeftButton)


def test_a_low_greeting_leaves_its_examples_out(qtbot: QtBot) -> None:
    empty = EmptyChat()
    qtbot.addWidget(empty)
    empty.resize(700, 600)
    empty.show()
    assert empty.buttons[0].isVisible()
    empty.resize(480, 200)
    assert not empty.buttons[0].isVisible()
    empty.show_temporary(temporary=True)
    assert "never stored" in empty.subtitle.text()


def test_an_example_goes_into_the_composer(qtbot: QtBot) -> None:
    empty = EmptyChat()
    qtbot.addWidget(empty)
    with qtbot.waitSignal(empty.example_chosen) as chosen:
        qtbot.mouseClick(empty.buttons[0], Qt.MouseButton.LeftButton)
    assert chosen.args == [empty.buttons[0].toolTip()]


@pytest.mark.parametrize(
    "address", ["https://example.com/a?b=c", "http://example.com", "mailto:me@example.com", "HTTPS://EXAMPLE.com"]
)
def test_web_and_mail_addresses_may_be_opened(address: str) -> None:
    assert allowed_url(address) is not None


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//host/share",
        "/etc/passwd",
        "ftp://example.com",
        "https://",
        "data:text/html,x",
        "smb://host/x",
        "",
    ],
)
def test_other_addresses_are_never_opened(address: str) -> None:
    assert allowed_url(address) is None


def test_a_link_is_opened_only_after_its_whole_address_was_seen(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    url = allowed_url("https://ex\u0430mple.com/long?q=1")
    assert url is not None
    dialog = LinkDialog(url)
    qtbot.addWidget(dialog)
    assert "xn--" in dialog.address.text(), "a look-alike letter is seen"
    qtbot.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    assert opened == []
    qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    assert len(opened) == 1


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_first_frame_has_its_icons_in_the_colours_of_its_theme(choice: str) -> None:
    code = f"""
import os
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtWidgets import QApplication
from tether_desktop.ui.look import theme
from tether_desktop.ui.sessions.session_list import SessionList
app = QApplication([])
sidebar = SessionList()
theme.install(app, {choice!r})
sidebar.show()
picture = sidebar.new_button.icon().pixmap(23, 18).toImage()
assert theme.active().name == {choice!r}
pixels = [picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())]
line = max(pixels, key=lambda pixel: pixel.alpha())
assert line.alpha() > 100
assert (line.lightness() > 128) == ({choice!r} == "dark")
"""
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
