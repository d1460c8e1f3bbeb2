"""Asks a service of the internet that the program or the person has chosen, and reads its JSON."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import httpx2

from tether_desktop.errors import ToolError
from tether_desktop.stored_keys import Key
from tether_desktop.tools.builtin.http_faults import fault, proxied
from tether_desktop.tools.builtin.http_options import HEADERS, LOOPBACK

_SECONDS = 12.0
_LARGEST = 2 << 20


class WebService:
    """A service at a fixed address; no redirect is followed, so a key goes nowhere else."""

    def __init__(self, name: str, url: str, *, seconds: float = _SECONDS) -> None:
        """Prepare; nothing is connected.

        Args:
            name: for people.
            url: the beginning of all its addresses.
            seconds: for an answer as a whole.
        """
        self._title = f"{name} cannot be asked"
        self._name = name
        self._url = url.rstrip("/")
        self._seconds = seconds

    async def ask(
        self,
        path: str,
        query: dict[str, str] | None = None,
        *,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        key: Key | None = None,
    ) -> dict[str, Any]:
        """The JSON object that is answered: to a POST where there is a body, else to a GET.

        Args:
            path: what follows the address of the service.
            query: after the path.
            body: sent as JSON.
            headers: sent besides.
            key: kept out of every message.

        Raises:
            ToolError: there is none.
        """
        try:
            async with asyncio.timeout(self._seconds):
                status, answer = await self._exchange(path, query, body, headers or {})
        except TimeoutError:
            raise self._no(
                f"{self._name} did not answer within {self._seconds:g} seconds.", "Try again later."
            ) from None
        except httpx2.HTTPError as error:
            raise fault(self._title, self._name, error) from error
        except httpx2.InvalidURL:
            raise self._no(f"{self._url} is no address.", "Correct it in the settings.") from None
        if status != 200:
            raise self._refusal(status, answer, key or Key())
        return self._parsed(answer)

    async def _exchange(
        self, path: str, query: dict[str, str] | None, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        tls = await asyncio.to_thread(httpx2.create_ssl_context)
        with proxied(self._title):
            client = httpx2.AsyncClient(verify=tls, timeout=self._seconds, mounts=dict.fromkeys(LOOPBACK))
        method, sent = ("GET", None) if body is None else ("POST", body)
        more = {**HEADERS, "Accept": "application/json", **headers}
        request = client.stream(method, self._url + path, params=query, json=sent, headers=more)
        async with client, request as answer, aclosing(answer.aiter_bytes()) as pieces:
            read = bytearray()
            async for piece in pieces:
                read += piece
                if len(read) > _LARGEST:
                    raise self._no(f"{self._name} sends more than any answer has.", "")
        return answer.status_code, bytes(read)

    def _parsed(self, answer: bytes) -> dict[str, Any]:
        try:
            value = json.loads(answer)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise self._no(f"{self._name} answers nothing that can be understood.", "Check its address.")
        return value

    def _refusal(self, status: int, answer: bytes, key: Key) -> ToolError:
        said = " ".join(key.hide_in(answer[:2000].decode("utf-8", "replace")).split())[:300]
        hints = {
            401: "Check the key.",
            403: "Check the key, and what it is allowed to do.",
            402: "The account has nothing left.",
            429: "It was asked too often; wait a little.",
        }
        return self._no(f"{self._name} answers {status}: {said}", hints.get(status, "Try again later."))

    def _no(self, message: str, hint: str) -> ToolError:
        return ToolError(self._title, message, hint)
