"""Which hosts are this port, and which pages may use it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.protocol.api.gates.origins import is_allowed_origin, is_ours, is_same_origin, parse_host

LOOPBACK = ("127.0.0.1", 8090)
LAN = ("192.168.1.20", 8090)


def asks_for_us(host: str, local_address: tuple[str, int] = LOOPBACK, host_names: str = "") -> bool:
    parsed = parse_host(host)
    return parsed is not None and is_ours(parsed, local_address, host_names)


@pytest.mark.parametrize("host", ["localhost:8090", "LOCALHOST:8090", "127.0.0.1:8090", "[::1]:8090", "[0:0::1]:8090"])
def test_this_computers_own_names_are_the_port(host: str) -> None:
    assert asks_for_us(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8090",
        "localhost.evil.example:8090",
        "127.0.0.1.evil.example:8090",
        "localhost:8091",
        "localhost",
        "127.0.0.1",
        "localhost.:8090",
        "127.1:8090",
        "2130706433:8090",
        "0x7f.0.0.1:8090",
        "0.0.0.0:8090",
        "127.0.0.2:8090",
        "192.168.1.20:8090",
        "::1:8090",
        "[::1",
        "[::1]8090",
        "[fe80::1%25eth0]:8090",
        "localhost:",
        "localhost:080090",
        "localhost:8090:8090",
        "localhost:-1",
        "user@localhost:8090",
        "localhost:8090/",
        "http://localhost:8090",
        "localhost,evil.example:8090",
        "localhost:8090 ",
        " localhost:8090",
        "local host:8090",
        "localhost\t:8090",
        "ｌocalhost:8090",
        "localhost:８０９０",
        "",
        ":8090",
    ],
)
def test_no_other_name_is_the_port(host: str) -> None:
    assert not asks_for_us(host)


def test_without_a_number_it_is_port_80() -> None:
    assert asks_for_us("localhost", ("127.0.0.1", 80))
    assert asks_for_us("localhost:80", ("127.0.0.1", 80))


def test_the_address_that_a_request_came_in_at_is_the_port() -> None:
    assert asks_for_us("192.168.1.20:8090", LAN)
    assert asks_for_us("[2001:db8:0::5]:8090", ("2001:db8::5", 8090))
    assert not asks_for_us("192.168.1.21:8090", LAN)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("tether.home", True),
        ("Tether.Home:8090", True),
        ("tether.home:8091", False),
        ("proxy.example:8443", True),
        ("proxy.example", False),
        ("localhost:9000", True),
        ("evil.example", False),
        ("sub.tether.home", False),
    ],
)
def test_names_of_the_settings_are_the_port_exactly(host: str, expected: bool) -> None:
    assert asks_for_us(host, LAN, " tether.home, proxy.example:8443,localhost:9000,, *, :80 ") is expected


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("localhst127.0[]:@/%é \t8090"), max_size=30))
def test_only_what_is_written_like_one_of_its_names_is_the_port(host: str) -> None:
    allowed = {"localhost:8090", "127.0.0.1:8090"}
    assert asks_for_us(host) <= (host.lower() in allowed or (host.startswith("[") and host.endswith("]:8090")))


def test_pages_are_allowed_exactly_as_they_are_listed() -> None:
    listed = "http://localhost:3000, https://app.example/, *, null"
    assert is_allowed_origin("http://localhost:3000", listed)
    assert is_allowed_origin("https://app.example", listed)
    for origin in (
        "http://localhost:3001",
        "https://localhost:3000",
        "http://evil.example",
        "https://app.example.evil",
    ):
        assert not is_allowed_origin(origin, listed)
    assert not is_allowed_origin("http://localhost:3000", "")


@pytest.mark.parametrize("origin", ["null", "*"])
def test_pages_without_an_origin_of_their_own_cannot_be_listed(origin: str) -> None:
    assert not is_allowed_origin(origin, "null, *")


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:8090", True),
        ("HTTP://LOCALHOST:8090", True),
        ("http://localhost:8091", False),
        ("http://localhost", False),
        ("https://localhost:8090", False),
        ("http://127.0.0.1:8090", False),
        ("http://localhost:8090/", False),
        ("http://localhost:8090/path", False),
        ("http://user@localhost:8090", False),
        ("file://localhost:8090", False),
        ("null", False),
        ("", False),
        ("http://", False),
        ("http://[::1", False),
    ],
)
def test_a_page_of_the_port_itself_is_of_the_same_host_and_number(origin: str, expected: bool) -> None:
    assert is_same_origin(origin, ("localhost", 8090), "") is expected


def test_a_page_behind_a_proxy_with_tls_is_the_ports_own_under_a_name_of_the_settings() -> None:
    host = ("tether.example", None)
    assert is_same_origin("https://tether.example", host, "tether.example")
    assert not is_same_origin("https://tether.example:444", host, "tether.example")
    assert not is_same_origin("https://tether.example", host, "")
