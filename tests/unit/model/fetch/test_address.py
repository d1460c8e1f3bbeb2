"""Which addresses may be fetched from, and where a server may send us on to."""

from __future__ import annotations

import ssl

import httpx2
import pytest

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.address import check_address, check_redirect, file_name, same_origin
from tether_desktop.model.fetch.faults import Interrupted
from tether_desktop.model.fetch.transfer import interruption


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a",
        " https://example.org/a\n",
        "http://127.0.0.1:80/a",
        "http://[::1]/",
        "http://localhost/",
    ],
)
def test_https_and_this_computer_are_good(text: str) -> None:
    assert str(check_address(text)).startswith(text.strip()[:12])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://example.org/a", "not encrypted"),
        ("http://192.168.0.5/a", "not encrypted"),
        ("http://127.0.0.1.example.org/a", "not encrypted"),
        ("http://localhost.example.org/a", "not encrypted"),
        ("ftp://example.org/a", "begin with https"),
        ("gopher://example.org/a", "begin with https"),
        ("file:///etc/passwd", "not an address"),
        ("file://host/etc/passwd", "begin with https"),
        ("data:text/plain,x", "not an address"),
        ("tiny.gguf", "not an address"),
        ("", "not an address"),
        ("https://", "not an address"),
        ("https://[", "not an address"),
        ("https://exa\x00mple.org", "not an address"),
        ("https://example.org:99999/", "not an address"),
        ("https://a..b/", "not an address"),
        (f"https://{'a' * 64}.org/", "not an address"),
        (f"https://{'a.' * 200}org/", "not an address"),
        ("https://example.org/" + "a" * 5000, "not an address"),
    ],
)
def test_other_addresses_are_told(text: str, words: str) -> None:
    with pytest.raises(InstallError, match=words):
        check_address(text)


@pytest.mark.parametrize(
    ("start", "location", "end"),
    [
        ("https://a.org/x/y", "z", "https://a.org/x/z"),
        ("https://a.org/x", "//b.org/y", "https://b.org/y"),
        ("http://127.0.0.1/x", "https://b.org/y", "https://b.org/y"),
        ("http://127.0.0.1/x", "http://localhost:8080/y", "http://localhost:8080/y"),
    ],
)
def test_a_redirect_may_lead_to_another_safe_place(start: str, location: str, end: str) -> None:
    assert str(check_redirect(httpx2.URL(start), location)) == end


@pytest.mark.parametrize(
    "location", ["http://a.org/x", "http://127.0.0.1/x", "http://localhost/x", "file:///x", "ftp://a.org/x", "//["]
)
def test_a_redirect_never_leaves_encryption_behind(location: str) -> None:
    with pytest.raises(InstallError, match=r"a\.org leads on"):
        check_redirect(httpx2.URL("https://a.org/x"), location)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("https://a.org/y", True),
        ("https://a.org:443/y", True),
        ("https://a.org:444/y", False),
        ("https://b.a.org/y", False),
        ("http://a.org:443/y", False),
    ],
)
def test_secrets_stay_with_scheme_host_and_port(other: str, *, same: bool) -> None:
    assert same_origin(httpx2.URL("https://a.org/x"), httpx2.URL(other)) is same


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://a.org/x/tiny.gguf?download=true#top", "tiny.gguf"),
        ("https://a.org/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "passwd"),
        ("https://a.org/..%5c..%5cboot.ini", "boot.ini"),
        ("https://a.org/caf%C3%A9.gguf", "café.gguf"),
        ("https://a.org/%00%ff.gguf", "\N{REPLACEMENT CHARACTER}.gguf"),
        ("https://a.org/con", "_con"),
        ("https://a.org/", "download"),
        ("https://a.org", "download"),
    ],
)
def test_a_file_is_named_after_the_end_of_its_address(address: str, name: str) -> None:
    assert file_name(httpx2.URL(address)) == name


def test_a_certificate_that_is_not_trusted_is_no_reason_to_try_again() -> None:
    error = httpx2.ConnectError("no")
    error.__cause__ = OSError()
    error.__cause__.__context__ = ssl.SSLCertVerificationError("self-signed")
    told = interruption(error)
    assert isinstance(told, InstallError)
    assert "certificate is not trusted" in told.message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectTimeout("x"), "does not answer"),
        (httpx2.ConnectError("x"), "cannot be reached"),
        (httpx2.ProxyError("x"), "proxy"),
        (httpx2.RemoteProtocolError("x"), "ended the connection early"),
        (httpx2.ReadError("x"), "connection broke"),
    ],
)
def test_a_failed_connection_is_told_in_plain_words(error: httpx2.HTTPError, words: str) -> None:
    told = interruption(error)
    assert isinstance(told, Interrupted)
    assert words in told.reason
