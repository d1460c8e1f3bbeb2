"""Where a server may be: https anywhere, plain http on this computer and in private networks."""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import SplitResult, urlsplit, urlunsplit

from tether_desktop.errors import SettingsError

Reach = Literal["this computer", "a private network", "the internet"]

_TITLE = "The server cannot be used"
_EXAMPLE = "Give it like https://gpu.example.org/v1 or http://127.0.0.1:8000."
_LONGEST = 2000
_API = "/v1"
_ENDPOINTS = ("/chat/completions", "/completions", "/models")


def check_url(text: str, *, insecure_http: bool = False) -> str:
    """The address of the API behind what a person typed: "http://localhost:8000" becomes "http://localhost:8000/v1".

    Args:
        text: the address of the server, of its API, or of one of its endpoints.
        insecure_http: whether plain http may go to places that others can listen in on.

    Raises:
        SettingsError: it is no address of a server, holds a secret, or is not encrypted on its way.
    """
    parts = _split(text.strip())
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        message = "The address has a user, a password, a query or a fragment in it, which would be stored readable."
        raise SettingsError(_TITLE, message, "Give the address alone, and the key with --key.")
    if parts.scheme == "http" and reach_of(text) == "the internet" and not insecure_http:
        message = f"http://{parts.hostname} is not encrypted: anyone on the way could read what is said, and the key."
        hint = "Use https://. Where the network itself is trusted, --insecure-http allows it."
        raise SettingsError(_TITLE, message, hint)
    return urlunsplit((parts.scheme, parts.netloc.lower(), _api_path(parts.path), "", ""))


def reach_of(url: str) -> Reach:
    """How far away the host of an address is, as its name alone tells: what a name server says of it may change."""
    host = urlsplit(url.strip()).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return "this computer"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "the internet"
    if address.is_loopback:
        return "this computer"
    return "a private network" if address.is_private and not address.is_unspecified else "the internet"


def host_of(url: str) -> str:
    """The host of a checked address, with its port where it has one."""
    return urlsplit(url).netloc


def origin_of(url: str) -> str:
    """What a key of a server is for: scheme, host and port of a checked address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def root_of(url: str) -> str:
    """Where the server's own endpoints are, beside those that OpenAI has as well."""
    return url.removesuffix(_API)


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and _is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        valid = False
    if not valid or len(text) > _LONGEST or not text.isprintable() or " " in text:
        raise SettingsError(_TITLE, f"{text[:80]!a} is not the address of a server.", _EXAMPLE)
    return parts


def _is_host(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return ":" in host or (len(host) <= 253 and all(0 < len(label) <= 63 for label in labels))


def _api_path(path: str) -> str:
    path = path.rstrip("/")
    for endpoint in _ENDPOINTS:
        path = path.removesuffix(endpoint)
    return path or _API
