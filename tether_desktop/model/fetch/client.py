"""The HTTP client of all downloads: the system's certificates and proxies, a plain name, nothing else told."""

from __future__ import annotations

from typing import Any

import httpx2

import tether_desktop
from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.faults import TITLE

USER_AGENT = f"Tether/{tether_desktop.__version__}"

_CONNECT_SECONDS = 20.0
_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")


def make_client(idle_seconds: float) -> httpx2.AsyncClient:
    """A client that follows no redirect by itself.

    Args:
        idle_seconds: after which a connection that brings nothing counts as dropped.

    Raises:
        InstallError: the proxy of the environment is of a kind that we cannot use.
    """
    try:
        return httpx2.AsyncClient(**client_options(idle_seconds))
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        # httpx2 says it this way where a proxy needs a package that is not there, or is no proxy at all.
        message = "The proxy that is set in the environment cannot be used; only HTTP proxies can."
        raise InstallError(TITLE, message, "Correct HTTPS_PROXY or ALL_PROXY.") from error


def client_options(idle_seconds: float) -> dict[str, Any]:
    """What every client of ours is made with; a compressed file could be neither resumed nor counted."""
    return {
        "headers": {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"},
        "timeout": httpx2.Timeout(idle_seconds, connect=min(idle_seconds, _CONNECT_SECONDS)),
        "follow_redirects": False,
        # What is on this computer is no business of a proxy.
        "mounts": dict.fromkeys(_LOOPBACK),
    }
