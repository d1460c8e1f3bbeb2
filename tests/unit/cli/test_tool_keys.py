"""`tether tools key`: the keys to who searches the web."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest
import typer

from tests.helpers.memory_keyring import MemoryKeyring
from tests.helpers.web_site import WebSite, web_site
from tether_desktop.cli.tools import call_tool, set_key
from tether_desktop.errors import SettingsError, ToolError
from tether_desktop.stored_keys import Key, read_key
from tether_desktop.tools.builtin.search_providers import BRAVE_KEY


@pytest.fixture(autouse=True)
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.helpers.memory_keyring.MemoryKeyring")
    yield
    MemoryKeyring.kept.clear()


@pytest.fixture
def site() -> Iterator[WebSite]:
    with web_site() as site:
        yield site


def test_a_key_is_put_into_the_keyring_and_forgotten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("key-123\n"))
    set_key("brave")
    assert read_key(BRAVE_KEY) == Key("key-123")
    set_key("brave", forget=True)
    with pytest.raises(SettingsError, match="tether tools key brave"):
        read_key(BRAVE_KEY)
    captured = capsys.readouterr()
    assert "key-123" not in captured.out + captured.err


def test_what_has_no_key_is_told() -> None:
    with pytest.raises(ToolError, match="brave and tavily"):
        set_key("searxng")


def test_an_address_given_by_hand_counts_as_typed(
    site: WebSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TETHER_INTERNET_TOOLS", "on")
    with pytest.raises(typer.Exit):
        call_tool("fetch_page", f'{{"url": "{site.url("/")}"}}')
    assert "is not on the public internet" in capsys.readouterr().err
    assert site.asked == []
