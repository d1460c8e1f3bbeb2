"""Which addresses may be fetched from: https, and plain http to this computer alone."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

import httpx2

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.faults import TITLE
from tether_desktop.model.fetch.file_names import portable_name

_LONGEST = 4096
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")


def check_address(text: str) -> httpx2.URL:
    """The address, when it may be fetched from.

    Raises:
        InstallError: it is no address, or its scheme is neither https nor, to this computer, http.
    """
    url = _parse(text)
    if url.scheme == "https" or (url.scheme == "http" and is_loopback(url)):
        return url
    if url.scheme == "http":
        message = f"http://{url.host} is not encrypted: anyone on the way could exchange the file."
        raise InstallError(TITLE, message, "Use the address that begins with https://.")
    raise InstallError(TITLE, "Only addresses that begin with https:// can be fetched.", "Check the address.")


def check_redirect(url: httpx2.URL, location: str) -> httpx2.URL:
    """Where a server sends us on to, when we may follow.

    Raises:
        InstallError: it is not an address to fetch from, or leaves encryption behind.
    """
    try:
        target = check_address(str(url.join(location)))
        unsafe = url.scheme == "https" and target.scheme != "https"
    except (httpx2.InvalidURL, ValueError, InstallError):
        unsafe = True
    if unsafe:
        message = f"{url.host} leads on to an address that is not safe to fetch from."
        raise InstallError(TITLE, message, "Check the address, or download the file in the browser and add it.")
    return target


def is_loopback(url: httpx2.URL) -> bool:
    """Whether the address is this very computer."""
    if url.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False


def same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Whether what is secret to one address may be told to the other."""
    return (one.scheme, one.host, _port(one)) == (other.scheme, other.host, _port(other))


def file_name(url: httpx2.URL) -> str:
    """What a file from there is called on the disk."""
    return portable_name(unquote(url.raw_path.decode("ascii").partition("?")[0]))


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _parse(text: str) -> httpx2.URL:
    try:
        if len(text) <= _LONGEST and _can_be_asked(url := httpx2.URL(text.strip())):
            return url
    except (httpx2.InvalidURL, ValueError):
        pass
    raise InstallError(TITLE, f"{text[:80]!a} is not an address on the web.", "Check the address.")


def _can_be_asked(url: httpx2.URL) -> bool:
    """Whether host and port are such that looking them up cannot fail in a way that nobody expects."""
    host = url.raw_host.decode("ascii")
    is_name = len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))
    return _port(url) < 1 << 16 and (is_name or ":" in host)
