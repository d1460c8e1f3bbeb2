"""The page of the local port: what is shown of each state, and what the person's choices ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from tether_desktop.errors import PortError, SettingsError
from tether_desktop.settings import Settings
from tether_desktop.ui.port import token_field
from tether_desktop.ui.port.port_page import PortPage
from tether_desktop.ui.port.port_sign import PortSign
from tether_desktop.ui.port.port_state import PortState, is_local

OPEN = PortState("open", "http://127.0.0.1:8090")
TAKEN = PortError("The local port cannot be opened", "Port 8090 is taken.", "Port 8091 is free.", free_port=8091)


@pytest.fixture
def page(qtbot: QtBot) -> Iterator[PortPage]:
    made = PortPage(Settings())
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def test_the_switches_show_what_holds(page: PortPage) -> None:
    assert not page.serve.isChecked()
    page.show_settings(Settings(serve="on", lan_access="on", host="0.0.0.0"))  # noqa: S104
    assert page.serve.isChecked()
    assert page.network.isChecked()
    page.show_settings(Settings(serve="on", lan_access="on"))
    assert not page.network.isChecked(), "it listens at this computer's own address only"


def test_the_switches_ask_for_settings_that_belong_together(qtbot: QtBot, page: PortPage) -> None:
    asked: list[dict[str, str]] = []
    page.settings_chosen.connect(asked.append)
    page.serve.click()
    page.network.click()
    page.network.click()
    assert asked == [
        {"serve": "on"},
        {"lan_access": "on", "host": "0.0.0.0"},  # noqa: S104
        {"lan_access": "off", "host": "127.0.0.1"},
    ]


def test_a_closed_port_says_so_and_has_nothing_to_copy(page: PortPage) -> None:
    assert page.card.title.text() == "Closed"
    assert not page.card.copy_button.isVisible()
    assert not page.card.retry_button.isVisible()


def test_an_open_port_shows_its_address_everywhere_and_copies_it(page: PortPage) -> None:
    page.show_port(PortState("open", "http://127.0.0.1:9999"))
    assert page.card.title.text() == "Open at http://127.0.0.1:9999"
    page.card.copy_button.click()
    assert QGuiApplication.clipboard().text() == "http://127.0.0.1:9999"
    page.base_url.copy_button.click()
    assert QGuiApplication.clipboard().text() == "http://127.0.0.1:9999/v1"
    assert "http://127.0.0.1:9999/sessions" in page.curl.label.text()
    assert page.reference.label.text() == "http://127.0.0.1:9999/docs"


def test_no_example_has_the_token(page: PortPage) -> None:
    page.show_port(OPEN)
    page.token.show_button.click()
    page.token.take_token("tether_secret")
    assert not any("tether_secret" in line.label.text() for line in (page.curl, page.base_url, page.reference))
    assert "$(tether token)" in page.curl.label.text()


def test_a_port_that_others_reach_says_that_nothing_is_encrypted(page: PortPage) -> None:
    page.show_port(PortState("open", "http://127.0.0.1:8090", exposed=True))
    assert "not encrypted" in page.card.text.text()
    assert page.card.text.property("kind") == "warning"
    page.show_port(OPEN)
    assert page.card.text.property("kind") == "small"


def test_a_taken_port_says_by_what_and_another_one_can_be_taken(qtbot: QtBot, page: PortPage) -> None:
    page.show_port(PortState("failed", error=TAKEN))
    assert (page.card.title.text(), page.card.text.text()) == (TAKEN.title, TAKEN.message)
    assert page.card.property("kind") == "danger_card"
    with qtbot.waitSignal(page.settings_chosen) as chosen:
        page.card.other_button.click()
    assert chosen.args == [{"port": "8091"}]
    with qtbot.waitSignal(page.retry_requested):
        page.card.retry_button.click()


def test_a_failure_without_another_port_to_take_shows_its_remedy(page: PortPage) -> None:
    page.show_port(PortState("failed", error=PortError("No", "There is no such address.", "Take 127.0.0.1.")))
    assert page.card.text.text() == "There is no such address. Take 127.0.0.1."
    assert not page.card.other_button.isVisible()


def test_the_token_is_hidden_until_it_is_asked_for_and_hidden_again(qtbot: QtBot, page: PortPage) -> None:
    field = page.token
    assert field.line.text() == token_field.HIDDEN
    with qtbot.waitSignal(field.token_requested):
        field.show_button.click()
    field.take_token("tether_secret")
    assert field.line.text() == "tether_secret"
    with qtbot.assertNotEmitted(field.token_requested):
        field.show_button.click()
    assert field.line.text() == token_field.HIDDEN
    with qtbot.waitSignal(field.token_requested):
        field.copy_button.click()
    field.take_token("tether_secret")
    assert QGuiApplication.clipboard().text() == "tether_secret"
    assert field.line.text() == token_field.HIDDEN, "what is copied need not be seen"


def test_renewing_the_token_asks_first_and_says_what_follows(qtbot: QtBot, page: PortPage) -> None:
    field = page.token
    with qtbot.assertNotEmitted(field.renew_requested):
        field.renew_button.click()
    assert field.renew_button.text() == "Really renew"
    assert "stop working until they get the new one" in field.note.text()
    with qtbot.waitSignal(field.renew_requested):
        field.renew_button.click()
    field.take_token("tether_new")
    assert "There is a new token" in field.note.text()
    assert field.renew_button.text() == "Renew"
    assert field.line.text() == token_field.HIDDEN


def test_a_token_that_cannot_be_read_is_told_and_nothing_is_shown(page: PortPage) -> None:
    page.token.show_button.click()
    page.show_error(SettingsError("The tokens cannot be used", "The disk is full.", "Make room."))
    assert page.banner.isVisible()
    assert page.token.show_button.text() == "Show"
    page.token.take_token("tether_late")
    assert page.token.line.text() == token_field.HIDDEN


def test_what_the_environment_says_cannot_be_changed(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_SERVE", "on")
    monkeypatch.setenv("MLC_PORT", "8090")
    page = PortPage(Settings())
    qtbot.addWidget(page)
    assert not page.serve.isEnabled()
    assert "TETHER_SERVE" in page.serve.toolTip()
    assert page.network.isEnabled()
    page.show_port(PortState("failed", error=TAKEN))
    assert page.card.other_button.isHidden()
    assert TAKEN.hint in page.card.text.text()


def test_the_sign_is_there_while_the_port_is_open_and_when_it_could_not_be_opened(qtbot: QtBot) -> None:
    sign = PortSign()
    qtbot.addWidget(sign)
    assert sign.isHidden()
    sign.show_state(OPEN)
    assert not sign.isHidden()
    assert sign.toolTip() == "Programs can reach this window at 127.0.0.1:8090"
    sign.show_state(PortState("failed", error=TAKEN))
    assert "Port 8090 is taken." in sign.accessibleName()
    sign.show_state(PortState())
    assert sign.isHidden()


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("my-computer", False)],  # noqa: S104
)
def test_an_address_is_local_when_no_other_computer_reaches_it(host: str, local: bool) -> None:
    assert is_local(host) is local
