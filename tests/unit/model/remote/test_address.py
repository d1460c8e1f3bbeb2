"""Conversations and keys go over encrypted ways, but where nobody else can listen."""

from __future__ import annotations

import pytest

from tether_desktop.errors import SettingsError
from tether_desktop.model.remote.address import check_url, host_of, origin_of, reach_of, root_of


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://gpu.example.org", "https://gpu.example.org/v1"),
        ("https://GPU.example.org/", "https://gpu.example.org/v1"),
        (" https://gpu.example.org/v1/ ", "https://gpu.example.org/v1"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("https://gpu.example.org/v1/chat/completions", "https://gpu.example.org/v1"),
        ("https://gpu.example.org/v1/models", "https://gpu.example.org/v1"),
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
        ("http://192.168.1.7:11434", "http://192.168.1.7:11434/v1"),
        ("http://10.0.0.1", "http://10.0.0.1/v1"),
    ],
)
def test_an_address_is_that_of_the_api(typed: str, url: str) -> None:
    assert check_url(typed) == url
    assert check_url(url) == url


@pytest.mark.parametrize(
    "typed",
    [
        "http://example.org",
        "http://8.8.8.8",
        "http://gpu",
        "http://gpu.local",
        "http://0.0.0.0:8000",
        "http://127.0.0.1.evil.org",
    ],
)
def test_plain_http_beyond_private_addresses_has_to_be_allowed(typed: str) -> None:
    with pytest.raises(SettingsError, match="not encrypted"):
        check_url(typed)
    assert check_url(typed, insecure_http=True).startswith("http://")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "gpu.example.org",
        "ftp://gpu.example.org",
        "file:///etc/passwd",
        "https://",
        "https://:80",
        "https://gpu.example.org:99999",
        "https://gpu.example.org:x",
        "https://[::1",
        "https://a..b",
        "https://gpu example.org",
        "https://gpu.example.org/\nHost: other",
        "https://" + "x" * 3000,
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(SettingsError, match="is not the address of a server"):
        check_url(typed, insecure_http=True)


@pytest.mark.parametrize("typed", ["https://u:p@a.org", "https://u@a.org", "https://a.org?key=x", "https://a.org#x"])
def test_an_address_holds_no_secret(typed: str) -> None:
    with pytest.raises(SettingsError, match="stored readable"):
        check_url(typed)


def test_how_far_an_address_goes_is_told_by_its_host() -> None:
    assert reach_of("http://api.localhost:1/v1") == "this computer"
    assert reach_of("http://127.9.9.9/v1") == "this computer"
    assert reach_of("http://[fd00::1]/v1") == "a private network"
    assert reach_of("http://[::]/v1") == "the internet"


def test_the_parts_of_an_address() -> None:
    url = "https://gpu.example.org:8443/v1"
    assert (host_of(url), origin_of(url)) == ("gpu.example.org:8443", "https://gpu.example.org:8443")
    assert root_of(url) == "https://gpu.example.org:8443"
    assert root_of("https://gpu.example.org/api") == "https://gpu.example.org/api"
