"""Talks HTTP with one server: its key on every request and on no other, no redirect followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import httpx2

from tether_desktop.errors import ServerError
from tether_desktop.model.fetch.client import client_options
from tether_desktop.model.remote.address import check_url
from tether_desktop.model.remote.answers import parse_json, read_refusal
from tether_desktop.model.remote.faults import Faults, Passing, Refusal
from tether_desktop.model.remote.keys import Key
from tether_desktop.model.remote.limits import Limits
from tether_desktop.model.remote.servers import Server

_LARGEST_ANSWER = 16 << 20
_LARGEST_ERROR = 64 << 10

_R = TypeVar("_R")


class ServerClient:
    """Connections to one server, and what it answers.

    Attributes:
        faults: says what goes wrong with it.
        limits: how long to wait for it.
    """

    def __init__(self, server: Server, key: Key, limits: Limits) -> None:
        """Prepare; nothing is connected yet.

        Raises:
            SettingsError: the address may not be used.
            ServerError: the proxy of the environment cannot be used.
        """
        self.faults = Faults(server, key)
        self.limits = limits
        self._url = check_url(server.url, insecure_http=server.insecure_http)
        timeout = httpx2.Timeout(limits.first_byte, connect=limits.connect)
        try:
            self._http = httpx2.AsyncClient(**{**client_options(limits.first_byte), "timeout": timeout})
        except (ImportError, ValueError, httpx2.InvalidURL) as error:
            # httpx2 says it this way where a proxy needs a package that is not there, or is no proxy at all.
            message = "The proxy that is set in the environment cannot be used; only HTTP proxies can."
            hint = "Correct HTTPS_PROXY or ALL_PROXY."
            raise ServerError("The server cannot be reached", message, hint) from error

    async def close(self) -> None:
        """Close all connections; idempotent."""
        await self._http.aclose()

    async def ask(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON that the server answers to one request.

        Raises:
            Passing, Refusal, ServerError: there is none.
        """
        try:
            async with asyncio.timeout(self.limits.answer), self.stream(method, url, body) as response:
                answer = await self.read_all(response, _LARGEST_ANSWER)
        except TimeoutError:
            raise self.faults.silent() from None
        try:
            return parse_json(answer)
        except ValueError:
            raise self.faults.nonsense(f"{url} gives no JSON") from None

    @asynccontextmanager
    async def stream(self, method: str, url: str, body: dict[str, Any] | None = None) -> AsyncIterator[httpx2.Response]:
        """The answer to one request, its body still on its way; leaving closes the connection.

        Raises:
            Passing, Refusal, ServerError: the server cannot be asked, or says no.
        """
        headers = self.faults.key.headers()
        try:
            async with self._http.stream(method, url, json=body, headers=headers) as response:
                await self._check(response)
                yield response
        except httpx2.HTTPError as error:
            raise self.faults.of_http(error) from error
        except httpx2.InvalidURL as error:
            raise self.faults.nonsense("Its address cannot be asked") from error

    def endpoint(self, path: str) -> str:
        """The address of an endpoint of the API."""
        return self._url + path

    async def pieces(self, response: httpx2.Response) -> AsyncGenerator[bytes, None]:
        """The body as it comes.

        Raises:
            ServerError: nothing comes for too long.
        """
        limit = self.limits.first_byte
        async with aclosing(response.aiter_bytes()) as pieces:
            while True:
                try:
                    async with asyncio.timeout(limit):
                        piece = await anext(pieces, b"")
                except TimeoutError:
                    raise self.faults.silent() from None
                if not piece:
                    return
                yield piece
                limit = self.limits.idle

    async def read_all(self, response: httpx2.Response, largest: int, *, cut: bool = False) -> bytes:
        """The whole body; of one that is larger, the beginning (``cut``) or nothing.

        Raises:
            ServerError: it is larger.
        """
        body = bytearray()
        async with aclosing(response.aiter_bytes()) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > largest and cut:
                    break
                if len(body) > largest:
                    raise self.faults.nonsense("It sends more than any answer has")
        return bytes(body[:largest])

    async def _check(self, response: httpx2.Response) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise self.faults.redirected(response.headers.get("Location", ""))
        raise await self._refusal(response)

    async def _refusal(self, response: httpx2.Response) -> Refusal:
        try:
            async with asyncio.timeout(self.limits.answer):
                body = await self.read_all(response, _LARGEST_ERROR, cut=True)
        except (TimeoutError, httpx2.HTTPError):
            body = b""
        text = body.decode("utf-8", "replace")
        try:
            value = parse_json(text)
        except ValueError:
            value = None
        return read_refusal(response.status_code, value, text, self.faults, _asked_wait(response))


class Tries:
    """Counts how often a server was asked the same, and waits in between."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._done = 0

    async def again(self, fault: Passing) -> None:
        """Wait before the next try.

        Raises:
            ServerError: all tries are used up, or the server wants to be left alone for longer.
        """
        self._done += 1
        wait = max(fault.wait, self._limits.first_wait * 2.0 ** (self._done - 1))
        if self._done >= self._limits.tries or wait > self._limits.longest_wait:
            raise fault.error from fault
        await self._limits.sleep(wait)


async def persist(ask: Callable[[], Awaitable[_R]], client: ServerClient, model: str = "") -> _R:
    """Ask until the server answers, or will not.

    Raises:
        ServerError, PromptTooLong: it does not answer, or says no.
    """
    tries = Tries(client.limits)
    while True:
        try:
            return await ask()
        except Refusal as refusal:
            fault = client.faults.of_refusal(refusal, model)
        except Passing as passing:
            fault = passing
        if not isinstance(fault, Passing):
            raise fault
        await tries.again(fault)


def _asked_wait(response: httpx2.Response) -> float:
    """Seconds that the server asks to wait; 0 where it says nothing, or a date."""
    wait = response.headers.get("Retry-After", "").strip()
    return float(wait) if wait.isdecimal() and len(wait) < 7 else 0.0
