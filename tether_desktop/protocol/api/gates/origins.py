"""Whether a request is meant for this port, and which web page, if any, makes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

_HTTP_PORT = 80
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)

Host = tuple[str, int | None]
"""A name or address in lower case, without brackets; and the port, where one is written."""


def parse_host(text: str) -> Host | None:
    """What a Host header says; None where it is none."""
    match = _HOST.fullmatch(text.lower())
    if match is None:
        return None
    name, port = match["name"], match["port"]
    if name.startswith("["):
        name = _plain_address(name[1:-1])
    return (name, int(port) if port else None) if name else None


def is_ours(host: Host, local_address: tuple[str, int], host_names: str) -> bool:
    """Whether a request for ``host`` is meant for this port.

    Args:
        host: what it asks for.
        local_address: of the socket that it came in at: address and port.
        host_names: other names that are allowed, separated by commas, with a port where that is another.
    """
    name, port = host
    address, own_port = local_address
    if name in _LOOPBACK_NAMES or name == _plain_address(address):
        return (_HTTP_PORT if port is None else port) == own_port or host in _named(host_names)
    return any(
        name == each and port in ({None, own_port} if its is None else {its}) for each, its in _named(host_names)
    )


def is_allowed_origin(origin: str, cors_origins: str) -> bool:
    """Whether pages of an origin may use the port; ``cors_origins`` are separated by commas."""
    return origin in _origins(cors_origins)


def is_same_origin(origin: str, host: Host, host_names: str) -> bool:
    """Whether a page comes from this port itself; under a name of its own, also through a proxy with TLS."""
    try:
        address = urlsplit(origin)
        asked = parse_host(address.netloc)
    except ValueError:
        return False
    if asked is None or origin.lower() != f"{address.scheme}://{address.netloc}".lower():
        return False
    if address.scheme == "http":
        return (asked[0], asked[1] or _HTTP_PORT) == (host[0], host[1] or _HTTP_PORT)
    return address.scheme == "https" and asked == host and host[0] in {name for name, _ in _named(host_names)}


@lru_cache(maxsize=8)
def _named(host_names: str) -> frozenset[Host]:
    return frozenset(filter(None, map(parse_host, _listed(host_names))))


@lru_cache(maxsize=8)
def _origins(cors_origins: str) -> frozenset[str]:
    # `*` and `null` stand for pages that nobody knows.
    return frozenset(each.lower().rstrip("/") for each in _listed(cors_origins) if "://" in each)


def _listed(text: str) -> Iterable[str]:
    return filter(None, (each.strip() for each in text.split(",")))


def _plain_address(text: str) -> str:
    """An address in its shortest form; empty where it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(address)
