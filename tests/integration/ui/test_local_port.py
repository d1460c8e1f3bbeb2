"""The local port and its page in the settings: opened at the start and from the page, taken, moved, closed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from tests.helpers.gui import elsewhere, in_gui_loop, open_window, until
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.port.port_page import PortPage
from tether_desktop.ui.port.token_field import HIDDEN

pytestmark = pytest.mark.usefixtures("scripted")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program has: this test."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


@pytest.fixture
def any_port(nothing_of_the_developers: Path) -> None:
    """Settings by which the port may have any number, as a person would have saved them."""
    save(nothing_of_the_developers, port=0)


def save(folder: Path, **settings: object) -> None:
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def saved(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    return found


def page_of(window: MainWindow) -> PortPage:
    window.open_port_settings()
    dialog = window.settings.dialog
    assert dialog is not None
    assert dialog.port.isVisible()
    return dialog.port


def close_settings(window: MainWindow) -> None:
    assert window.settings.dialog is not None
    window.settings.dialog.accept()


async def status(url: str, token: str) -> int:
    """What the port answers to somebody with that token."""
    headers = {"Authorization": f"Bearer {token}"}

    def ask() -> int:
        with httpx2.Client(trust_env=False, timeout=30) as client:
            return int(client.get(f"{url}/sessions", headers=headers).status_code)

    return await elsewhere(ask)


async def is_reached(url: str) -> bool:
    try:
        await status(url, "none")
    except httpx2.ConnectError:
        return False
    return True


@pytest.mark.usefixtures("any_port")
@in_gui_loop
async def test_the_switch_opens_and_closes_the_port_and_the_sign_says_so(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        assert not window.sidebar.port_sign.isVisible()
        page = page_of(window)
        assert page.card.title.text() == "Closed"
        page.serve.click()
        await until(lambda: window.port.state.phase == "open")
        url = window.port.state.url
        assert page.card.title.text() == f"Open at {url}"
        assert window.sidebar.port_sign.isVisibleTo(window)
        assert url.removeprefix("http://") in window.sidebar.port_sign.toolTip()
        assert saved(nothing_of_the_developers)["serve"] == "on"
        assert await status(url, "none") == 401
        page.serve.click()
        await until(lambda: window.port.state.phase == "closed")
        assert page.card.title.text() == "Closed"
        assert not window.sidebar.port_sign.isVisibleTo(window)
        assert not await is_reached(url)
        close_settings(window)


@in_gui_loop
async def test_a_port_that_is_switched_on_is_open_after_the_start_and_closed_with_the_window(
    nothing_of_the_developers: Path,
) -> None:
    save(nothing_of_the_developers, port=0, serve="on")
    async with open_window() as window:
        await until(lambda: window.port.state.phase == "open")
        url = window.port.state.url
        assert await is_reached(url)
        QTest.mouseClick(window.sidebar.port_sign, Qt.MouseButton.LeftButton)
        assert window.settings.dialog is not None
        assert window.settings.dialog.port.isVisible()
        assert window.settings.dialog.port.serve.isChecked()
        close_settings(window)
    assert not await is_reached(url)


@in_gui_loop
async def test_a_port_that_is_taken_is_told_calmly_at_the_start_and_another_one_is_one_click_away(
    nothing_of_the_developers: Path, taken: int
) -> None:
    save(nothing_of_the_developers, port=taken, serve="on")
    async with open_window() as window:
        await until(lambda: window.port.state.phase == "failed")
        assert window.pane.banner.isVisible()
        assert window.pane.banner.property("kind") == "notice"
        assert f"Port {taken} is taken by" in window.pane.banner.label.text()
        assert window.pane.composer.reason == "", "the window works"
        page = page_of(window)
        assert page.card.title.text() == "The local port cannot be opened"
        assert f"Port {taken} is taken by" in page.card.text.text()
        free = window.port.state.free_port
        assert page.card.other_button.text() == f"Use {free} instead"
        page.card.other_button.click()
        await until(lambda: window.port.state.phase != "failed")
        await until(lambda: window.port.state.phase in {"open", "failed"})
        assert window.port.state.url == f"http://127.0.0.1:{free}"
        assert saved(nothing_of_the_developers)["port"] == free
        assert not window.pane.banner.isVisibleTo(window), "it holds no more"
        close_settings(window)


@pytest.mark.usefixtures("any_port")
@in_gui_loop
async def test_the_requests_that_were_seen_stay_when_the_next_port_is_taken(taken: int) -> None:
    async with open_window() as window:
        page = page_of(window)
        page.serve.click()
        await until(lambda: window.port.state.phase == "open")
        assert await is_reached(window.port.state.url)
        await until(lambda: page.log.model.rows)
        seen = page.log.model.rows
        window.settings.save("port", str(taken))
        await until(lambda: window.port.state.phase == "failed")
        assert f"Port {taken} is taken by" in page.card.text.text()
        assert page.card.retry_button.isVisible()
        assert page.log.model.rows == seen
        close_settings(window)


@in_gui_loop
async def test_a_taken_port_can_be_tried_again_once_it_is_free(nothing_of_the_developers: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        number = listener.getsockname()[1]
        save(nothing_of_the_developers, port=number)
        async with open_window() as window:
            page = page_of(window)
            page.serve.click()
            await until(lambda: window.port.state.phase == "failed")
            assert not window.pane.banner.isVisible(), "the page tells it"
            listener.close()
            page.card.retry_button.click()
            await until(lambda: window.port.state.phase == "open")
            assert window.port.state.url == f"http://127.0.0.1:{number}"
            close_settings(window)


@pytest.mark.usefixtures("any_port")
@in_gui_loop
async def test_an_address_that_others_reach_needs_the_switch_and_the_port_moves_at_once() -> None:
    async with open_window() as window:
        page = page_of(window)
        page.serve.click()
        await until(lambda: window.port.state.phase == "open")
        page.network.click()
        await until(lambda: window.port.state.exposed)
        assert "not encrypted" in page.card.text.text()
        page.network.click()
        await until(lambda: window.port.state.phase == "open" and not window.port.state.exposed)
        page.fields["host"].changed.emit("host", "0.0.0.0")  # noqa: S104
        await until(lambda: window.port.state.phase == "failed")
        assert "access from the network is off" in page.card.text.text()
        page.fields["host"].changed.emit("host", "127.0.0.1")
        await until(lambda: window.port.state.phase == "open")
        close_settings(window)


@pytest.mark.usefixtures("any_port")
@in_gui_loop
async def test_a_renewed_token_opens_the_port_and_the_old_one_no_longer_does() -> None:
    async with open_window() as window:
        page = page_of(window)
        page.serve.click()
        await until(lambda: window.port.state.phase == "open")
        url, line = window.port.state.url, page.token.line
        page.token.show_button.click()
        await until(lambda: line.text() != HIDDEN)
        old = line.text()
        assert await status(url, old) == 200
        page.token.renew_button.click()
        page.token.renew_button.click()
        await until(lambda: line.text() != old)
        assert await status(url, old) == 401
        assert await status(url, line.text()) == 200
        page.token.copy_button.click()
        await until(lambda: QGuiApplication.clipboard().text() == line.text())
        close_settings(window)


@pytest.mark.usefixtures("any_port")
@in_gui_loop
async def test_switching_to_and_fro_ends_as_the_last_click_wants_it() -> None:
    async with open_window() as window:
        page = page_of(window)
        for _ in range(5):
            page.serve.click()
        await until(lambda: not window.tasks._running)
        assert window.port.state.phase == "open"
        assert page.serve.isChecked()
        assert await is_reached(window.port.state.url)
        close_settings(window)
