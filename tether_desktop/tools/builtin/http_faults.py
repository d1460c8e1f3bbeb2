"""Says in words what goes wrong on the way to a server; never with a key, which is in no message of these."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from tether_desktop.errors import ToolError


def fault(title: str, host: str, error: httpx2.HTTPError) -> ToolError:
    """What to say of a request that failed."""
    if _is_certificate(error):
        message = f"The certificate of {host} is not trusted, so it may be somebody else."
        return ToolError(title, message, "")
    if isinstance(error, httpx2.TimeoutException):
        return ToolError(title, f"{host} takes too long to answer.", "Try again later.")
    if isinstance(error, httpx2.ProxyError):
        return ToolError(title, f"The proxy does not connect to {host}.", "Check HTTPS_PROXY.")
    if isinstance(error, httpx2.ConnectError):
        return ToolError(title, f"{host} cannot be connected to.", "Check the internet connection.")
    return ToolError(title, f"The connection to {host} broke off.", "Try again later.")


@contextmanager
def proxied(title: str) -> Iterator[None]:
    """Turn a proxy of the environment that cannot be used into an error for people."""
    try:
        yield
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        # httpx2 says it this way where a proxy needs a package that is not there, or is no proxy at all.
        message = "The proxy that is set in the environment cannot be used; only HTTP proxies can."
        raise ToolError(title, message, "Correct HTTPS_PROXY or ALL_PROXY.") from error


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
