"""Who may ask for what: the right host, a page that is allowed, a token, and the scope of it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import parse_qsl

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tether_desktop.protocol.api.core import Core
from tether_desktop.protocol.api.cors import is_preflight, preflight, sharing
from tether_desktop.protocol.api.error_answers import Refusal, answer_to
from tether_desktop.protocol.api.gates.bounds import Bounds
from tether_desktop.protocol.api.gates.limits import Allowance
from tether_desktop.protocol.api.gates.origins import is_allowed_origin, is_ours, is_same_origin, parse_host
from tether_desktop.protocol.api.gates.tokens import Bearer, Tokens

logger = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/docs"})
OPEN_FOLDER = "/docs/"
"""What tells nothing of a person can be read without a token."""

_URL_TOKENS = frozenset({
    "token", "access_token", "auth_token", "api_key", "api-key", "apikey", "x-api-key", "authorization", "bearer",
})  # fmt: skip
_OTHER_HEADERS = ("x-api-key", "api-key", "proxy-authorization")
_TITLE = "The request is refused"

_scheme = HTTPBearer(auto_error=False, description="The token that `tether token` prints, or a further one.")


class Gate:
    """Lets requests in that may come in, and says who makes them: ``scope["state"]["bearer"]``."""

    def __init__(
        self, app: ASGIApp, *, core: Core, tokens: Tokens, bounds: Bounds, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Stand before an application; ``now`` tells seconds."""
        self._app = app
        self._core = core
        self._tokens = tokens
        self._failures_per_minute = bounds.failures_per_minute
        self._requests = Allowance(now)
        self._failures = Allowance(now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_host(scope, headers)
            origin = self._checked_origin(headers)
        except Refusal as refusal:
            await answer_to(scope["path"], refusal)(scope, receive, send)
            return
        await self._admit(scope, headers, receive, sharing(send, origin))

    async def _admit(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """The page may ask; now who does, and whether it has asked too often."""
        if is_preflight(scope["method"], headers):
            await preflight(headers)(scope, receive, send)
            return
        try:
            _check_url(scope)
            if _is_open(scope):
                self._recognise(scope, headers)
            else:
                self._authenticate(scope, headers)
        except Refusal as refusal:
            await answer_to(scope["path"], refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check_host(self, scope: Scope, headers: Headers) -> None:
        """Refuse what a browser was led here for by a name that somebody else gave this computer's address."""
        given = headers.getlist("host")
        host = parse_host(given[0]) if len(given) == 1 else None
        if host is None or not is_ours(host, scope["server"], self._core.settings.host_names):
            message = "The request asks for another host than this port."
            remedy = "Use the port's own address, or add the name to the setting `host_names` (TETHER_HOST_NAMES)."
            raise Refusal(421, "wrong_host", _TITLE, message, remedy)

    def _checked_origin(self, headers: Headers) -> str:
        """The web page that asks, if it is one of those that may be told the answer; empty for this port's own."""
        given = headers.getlist("origin")
        if not given:
            return ""
        settings = self._core.settings
        if len(given) == 1 and is_allowed_origin(given[0], settings.cors_origins):
            return given[0]
        host = parse_host(headers["host"])
        if len(given) == 1 and host and is_same_origin(given[0], host, settings.host_names):
            return ""
        message = "A web page that is not allowed to makes this request."
        remedy = "Add its origin to the setting `cors_origins` (TETHER_CORS_ORIGINS) if you trust the page."
        raise Refusal(403, "wrong_origin", _TITLE, message, remedy)

    def _recognise(self, scope: Scope, headers: Headers) -> None:
        """Where no token is needed, one that is known may still be told more."""
        token = _token_of(headers)
        if token and (bearer := self._tokens.bearer(token)):
            _introduce(scope, bearer)

    def _authenticate(self, scope: Scope, headers: Headers) -> None:
        token = _token_of(headers)
        bearer = self._tokens.bearer(token) if token else None
        if bearer is None:
            raise self._failure(scope, headers)
        seconds = self._wait_seconds(bearer)
        if seconds:
            message = "This token has made as many requests as it may in a minute."
            raise _too_many("rate_limit_exceeded", message, seconds)
        _introduce(scope, bearer)

    def _wait_seconds(self, bearer: Bearer) -> float:
        per_minute = self._core.settings.requests_per_minute
        return self._requests.wait_seconds(bearer.name, per_minute) if per_minute else 0.0

    def _failure(self, scope: Scope, headers: Headers) -> Refusal:
        """What is told of no token or a wrong one.

        A right one is let in however many wrong ones came before it: tokens cannot be guessed, and otherwise any
        program could lock the others out.
        """
        seconds = self._failures.wait_seconds(_neighbourhood(scope), self._failures_per_minute)
        if seconds:
            return _too_many("too_many_failures", "Too many requests came without a token that is known.", seconds)
        remedy = "Send `Authorization: Bearer …` with the token that `tether token` prints."
        message = "The token is not known: it is mistyped, was renewed, or was revoked."
        if "authorization" not in headers:
            others = [name for name in _OTHER_HEADERS if name in headers]
            message = f"A token is read from Authorization, not from {others[0]}." if others else "There is no token."
        return Refusal(401, "unauthorized", _TITLE, message, remedy, {"WWW-Authenticate": 'Bearer realm="Tether"'})


def bearer_of(request: Request) -> Bearer | None:
    """Who makes a request; None where none had to be told."""
    bearer: Bearer | None = getattr(request.state, "bearer", None)
    return bearer


async def _need_chat(request: Request, _declared: object = Security(_scheme)) -> None:
    if bearer_of(request) is None:
        raise Refusal(401, "unauthorized", _TITLE, "There is no token.", "Send `Authorization: Bearer …`.")


async def _need_manage(request: Request, _chat: None = Depends(_need_chat)) -> None:
    check_manages(request)


def check_manages(request: Request) -> None:
    """Refuse a request whose token may not do everything, where only some of a route needs that.

    Raises:
        Refusal: it may not.
    """
    bearer = bearer_of(request)
    if bearer is None or bearer.scope != "manage":
        message = "The token may chat, but this needs one that may manage."
        remedy = "Use your own token (`tether token`), or make one with `tether token add NAME --scope manage`."
        raise Refusal(403, "wrong_scope", _TITLE, message, remedy)


ChatScope = Depends(_need_chat)
"""Dependency of routes for every token: conversations, replies, lists."""
ManageScope = Depends(_need_manage)
"""Dependency of routes for tokens that may do everything."""


def _introduce(scope: Scope, bearer: Bearer) -> None:
    # The log of requests tells the scope.
    scope.setdefault("state", {}).update(bearer=bearer, token_scope=bearer.scope)


def _is_open(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] in {"GET", "HEAD"} and (path in OPEN_PATHS or path.startswith(OPEN_FOLDER))


def _token_of(headers: Headers) -> str:
    """The token, from the one place where it may be; empty where there is none, or more than one."""
    given = headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def _check_url(scope: Scope) -> None:
    query = scope["query_string"].decode("latin-1")
    names = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
    if names & _URL_TOKENS:
        message = "The address of the request has a token in it, and addresses end up in logs and histories."
        remedy = "Send `Authorization: Bearer …` instead, and renew the token: `tether token renew`."
        raise Refusal(400, "token_in_url", _TITLE, message, remedy)


def _neighbourhood(scope: Scope) -> str:
    """The address that failures are counted for: the socket's own, whatever headers say of it."""
    host = str((scope.get("client") or ("",))[0]).partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return host
    # Who has one address of IPv6 has a whole network of them.
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else host


def _too_many(code: str, message: str, seconds: float) -> Refusal:
    wait = math.ceil(seconds)
    return Refusal(429, code, _TITLE, message, f"Try again in {wait} s.", {"Retry-After": str(wait)})
