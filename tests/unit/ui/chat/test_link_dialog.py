"""The question before an address that a model wrote is opened."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from tether_desktop.ui.chat.link_dialog import LinkDialog, allowed_url


@pytest.mark.parametrize(
    ("address", "warning"),
    [
        ("https://example.org/a?b=c", ""),
        ("mailto:a@example.org", ""),
        ("https://bank.com@evil.example/", "before the @"),
        ("https://аpple.com/", "other alphabets"),
        ("https://192.168.0.1/x", "a number"),
        ("https://[::1]/x", "a number"),
        ("http://example.org", "not encrypted"),
    ],
)
def test_addresses_that_are_meant_to_deceive_are_named(qtbot: QtBot, address: str, warning: str) -> None:
    url = allowed_url(address)
    assert url is not None
    dialog = LinkDialog(url)
    qtbot.addWidget(dialog)
    assert warning in dialog.warning.text()
    assert dialog.warning.isVisibleTo(dialog) == bool(warning)


def test_an_address_is_copied_as_it_is_seen_and_not_opened(qtbot: QtBot) -> None:
    url = allowed_url("https://example.org/ä")
    assert url is not None
    dialog = LinkDialog(url)
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.rejected):
        dialog.copy_button.click()
    assert QGuiApplication.clipboard().text() == dialog.address.text() == "https://example.org/%C3%A4"
