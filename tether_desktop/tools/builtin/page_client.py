"""Fetches a page from the public internet: the address that was checked is the one that is connected to."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import httpx2

from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin.http_faults import fault, proxied
from tether_desktop.tools.builtin.http_options import HEADERS, LOOPBACK
from tether_desktop.tools.builtin.public_address import AddressRule, Resolve, is_public, resolve

_TITLE = "The page cannot be fetched"
_LONGEST = 2000
_HOST = re.compile(rb"[a-z0-9._:-]+")
_REDIRECTS = {301, 302, 303, 307, 308}
_ENCODINGS = {"", "identity", "gzip", "x-gzip", "deflate"}
_ACCEPT = {"Accept": "text/html, text/plain, application/json, application/xml;q=0.9, text/*;q=0.8"}


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Where fetching ends.

    Attributes:
        seconds: for everything, redirects included.
        connect_seconds: for one connection.
        body_bytes: after which the rest of a page is left.
        redirects: that are followed.
        addresses: of a host that are tried.
    """

    seconds: float = 12.0
    connect_seconds: float = 5.0
    body_bytes: int = 2 << 20
    redirects: int = 5
    addresses: int = 3


@dataclass(frozen=True, slots=True)
class Page:
    """What a server answered.

    Attributes:
        url: where it came from, after redirects.
        content_type: such as "text/html", in small letters; empty where the server does not say.
        charset: that the server says; empty where it does not.
        body: its beginning.
        whole: whether that is all of it.
    """

    url: str
    content_type: str
    charset: str
    body: bytes
    whole: bool


class PageClient:
    """Fetches one page after the other; nothing is kept from one to the next, no cookie and no connection.

    A proxy of the environment is used, and is told the checked address instead of the name.
    """

    def __init__(
        self,
        *,
        allowed: AddressRule = is_public,
        resolver: Resolve = resolve,
        limits: PageLimits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare.

        Args:
            allowed: which numeric addresses may be connected to.
            resolver: finds those of a host.
            limits: where fetching ends.
            tls: which certificates are believed; the system's by default.
        """
        self._allowed = allowed
        self._resolve = resolver
        self._limits = limits or PageLimits()
        self._tls = tls

    async def _trusted(self) -> ssl.SSLContext:
        if self._tls is None:
            # Reading the system's certificates takes a while.
            self._tls = await asyncio.to_thread(httpx2.create_ssl_context)
        return self._tls

    async def get(self, url: httpx2.URL) -> Page:
        """Fetch a page that :func:`parse_url` gave.

        Raises:
            ToolError: it may not be fetched, cannot be, or is no text.
        """
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._follow(url)
        except TimeoutError:
            message = f"{url.host} did not answer within {self._limits.seconds:g} seconds."
            raise ToolError(_TITLE, message, "Try again later, or another page.") from None

    async def _follow(self, url: httpx2.URL) -> Page:
        for _ in range(self._limits.redirects + 1):
            async with self._answer(url) as answer:
                if answer.status_code not in _REDIRECTS or "Location" not in answer.headers:
                    return await self._page(url, answer)
                url = _next_url(url, answer.headers["Location"])
        raise ToolError(_TITLE, f"{url.host} sends on from one address to the next.", "Try another page.")

    @asynccontextmanager
    async def _answer(self, url: httpx2.URL) -> AsyncIterator[httpx2.Response]:
        """The answer of the first address of a host that can be connected to."""
        addresses = await self._addresses(url)
        for address in addresses:
            try:
                async with self._connected(url, address) as answer:
                    yield answer
                    return
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if address == addresses[-1]:
                    raise fault(_TITLE, url.host, error) from error
            except httpx2.HTTPError as error:
                raise fault(_TITLE, url.host, error) from error

    async def _addresses(self, url: httpx2.URL) -> list[str]:
        """The numeric addresses of a host, all of which may be connected to.

        One that may not be refuses the host: a name that means the internet and this network at once is a trap.
        """
        host = url.raw_host.decode("ascii").removesuffix(".")
        try:
            found = list(await self._resolve(host, _port(url)))
        except (OSError, UnicodeError) as error:
            message = f"No address is known for {url.host}: there is no such site, or no internet connection."
            raise ToolError(_TITLE, message, "Check the spelling.") from error
        if not found or not all(map(self._allowed, found)):
            message = f"{url.host} is not on the public internet, but on this computer or in a network around it."
            raise ToolError(_TITLE, message, "Only pages of the public internet can be fetched.")
        return found[: self._limits.addresses]

    @asynccontextmanager
    async def _connected(self, url: httpx2.URL, address: str) -> AsyncIterator[httpx2.Response]:
        # The address stands in the place of the name, so nothing looks the name up again; the server still hears the
        # name, and its certificate has to be for it.
        pinned = url.copy_with(host=address, fragment=None)
        headers = {**HEADERS, **_ACCEPT, "Host": url.netloc.decode("ascii")}
        name = {"sni_hostname": url.raw_host.decode("ascii").removesuffix(".")}
        timeout = httpx2.Timeout(self._limits.seconds, connect=self._limits.connect_seconds)
        tls = await self._trusted()
        with proxied(_TITLE):
            client = httpx2.AsyncClient(verify=tls, timeout=timeout, mounts=dict.fromkeys(LOOPBACK))
        async with client, client.stream("GET", pinned, headers=headers, extensions=name) as answer:
            yield answer

    async def _page(self, url: httpx2.URL, answer: httpx2.Response) -> Page:
        if not answer.is_success:
            message = f"{url.host} answers {answer.status_code} {answer.reason_phrase}".rstrip() + "."
            raise ToolError(_TITLE, message, "")
        kind, charset = _content_type(answer.headers.get("Content-Type", ""))
        if not _is_text(kind):
            raise ToolError(_TITLE, f"It is no text but {kind[:80]}.", "Only pages and other texts can be fetched.")
        if answer.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
            raise ToolError(_TITLE, f"{url.host} sends it packed in a way that was not asked for.", "")
        body, whole = await self._body(answer)
        return Page(str(url), kind, charset, body, whole)

    async def _body(self, answer: httpx2.Response) -> tuple[bytes, bool]:
        body, most = bytearray(), self._limits.body_bytes
        async with aclosing(answer.aiter_bytes()) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > most:
                    break
        return bytes(body[:most]), len(body) <= most


def parse_url(text: str) -> httpx2.URL:
    """The address of a page.

    Raises:
        ToolError: it is none, or has a password in it.
    """
    text = text.strip().strip("<>\"'")
    try:
        url = httpx2.URL(text if "://" in text[:_LONGEST] else f"https://{text}")
        valid = len(text) <= _LONGEST and url.scheme in {"http", "https"} and bool(_HOST.fullmatch(url.raw_host))
    except (httpx2.InvalidURL, ValueError):
        valid = False
    if not valid or url.userinfo:
        message = f"{text[:200]!r} is not the address of a page."
        raise ToolError(_TITLE, message, "Give it like https://www.example.org/page.")
    return url


def _next_url(url: httpx2.URL, location: str) -> httpx2.URL:
    try:
        return parse_url(str(url.join(location)))
    except (httpx2.InvalidURL, ValueError):
        raise ToolError(_TITLE, f"{url.host} sends on to what is no address.", "Try another page.") from None


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _content_type(text: str) -> tuple[str, str]:
    kind, *parameters = (part.strip() for part in text.split(";"))
    given = dict(part.lower().split("=", 1) for part in parameters if "=" in part)
    return kind.lower(), given.get("charset", "").strip("\"' ")


def _is_text(kind: str) -> bool:
    known = {"", "application/json", "application/xml", "application/xhtml+xml", "application/rss+xml"}
    return kind.startswith("text/") or kind in known or kind.endswith(("+json", "+xml"))
