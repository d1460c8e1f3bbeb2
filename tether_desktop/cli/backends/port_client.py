"""Requests to the local port of a running program, and its refusals as the errors they were."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2

from tether_desktop.errors import PortError, TetherError

_TIMEOUT = httpx2.Timeout(60.0, connect=5.0)
_NO_TIMEOUT = httpx2.Timeout(None, connect=5.0)
"""A model may take its time for the next word, and a tool for its answer."""


class PortClient:
    """Speaks to the port with the owner's own token.

    Attributes:
        url: where the port is, without a path.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        # Nothing that stands in the environment may lead the token elsewhere.
        self._http = httpx2.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT, trust_env=False
        )

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path; parameters that are None are left out."""
        return await self.call("GET", path, query=query)

    async def call(
        self, method: str, path: str, body: object = None, *, query: dict[str, Any] | None = None, patient: bool = False
    ) -> Any:
        """The JSON that answers a request.

        Args:
            method: of HTTP.
            path: below the port's address.
            body: what is sent as JSON; None sends nothing.
            query: parameters; those that are None are left out.
            patient: wait as long as it takes.

        Raises:
            PortError: the program cannot be reached, or answers what cannot be understood.
            TetherError: it refused.
        """
        with _faults(self.url):
            answer = await self._http.request(
                method,
                path,
                params=_given(query or {}),
                json=body if body is not None else None,
                timeout=_NO_TIMEOUT if patient else _TIMEOUT,
            )
        _check(answer.status_code, answer.content)
        return _parsed(answer.content)

    async def upload(self, path: str, content: AsyncIterator[bytes]) -> Any:
        """The JSON that answers a file."""
        with _faults(self.url):
            headers = {"Content-Type": "application/octet-stream"}
            answer = await self._http.post(path, content=content, headers=headers, timeout=_NO_TIMEOUT)
        _check(answer.status_code, answer.content)
        return _parsed(answer.content)

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, body: object = None, *, query: dict[str, Any] | None = None
    ) -> AsyncIterator[httpx2.Response]:
        """The answer to a request as it comes; transport errors within are the caller's.

        Raises:
            TetherError: the program refused.
            httpx2.TransportError: it cannot be reached, or is lost.
        """
        request = self._http.build_request(
            method, path, params=_given(query or {}), json=body if body is not None else None, timeout=_NO_TIMEOUT
        )
        answer = await self._http.send(request, stream=True)
        try:
            if answer.status_code >= 400:
                _check(answer.status_code, await answer.aread())
            yield answer
        finally:
            await answer.aclose()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def lost(url: str, error: Exception) -> PortError:
    """That the program cannot be reached any more."""
    reason = str(error) or type(error).__name__
    return PortError(
        "The running Tether cannot be reached",
        f"It had its port open at {url}, but does not answer: {reason}.",
        "What was said so far is kept. See whether it still runs, and try again.",
    )


def error_of(problem: dict[str, Any]) -> TetherError:
    """The error that a problem body or an error line tells of."""
    texts = (
        str(problem.get("title") or "The request failed"),
        str(problem.get("message") or problem.get("detail") or ""),
        str(problem.get("remedy") or problem.get("hint") or ""),
    )
    return _kind(str(problem.get("code", "")))(*texts)


@contextmanager
def _faults(url: str) -> Iterator[None]:
    try:
        yield
    except httpx2.TransportError as error:
        raise lost(url, error) from error


def _check(status: int, content: bytes) -> None:
    if status < 400:
        return
    try:
        problem = json.loads(content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"title": "The running Tether refused", "message": f"It answered with HTTP status {status}."}
    raise error_of(problem)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        hint = "Close it, and start this version of Tether."
        raise PortError("The running Tether is not understood", "Its answer is no JSON.", hint) from error


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _kind(code: str) -> type[TetherError]:
    """The error of that code; one of its own where this version knows none."""
    waiting: list[type[TetherError]] = [TetherError]
    while waiting:
        kind = waiting.pop()
        if kind.code == code:
            return kind
        waiting += kind.__subclasses__()
    return type("RemoteError", (TetherError,), {"code": code or TetherError.code})
