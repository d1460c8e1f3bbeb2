"""What can go wrong with a server, in words for the person who waits for it."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass

import httpx2

from tether_desktop.errors import PromptTooLong, ServerError
from tether_desktop.model.remote.keys import Key
from tether_desktop.model.remote.servers import Server

_UNREACHABLE = "The server cannot be reached"
_LONGEST_QUOTE = 300
_PASSING_STATUSES = frozenset((429, 502, 503, 504))
"""What a server answers that will be able to answer later."""

_TOO_LONG_CODES = frozenset(("context_length_exceeded", "exceed_context_size_error"))
_TOO_LONG = re.compile(
    r"context[ _-]?(?:length|window|size)|maximum model length|max_model_len|n_ctx"
    r"|(?:prompt|input|request|message)s?\b.{0,40}\btoo (?:long|large)\b",
    re.IGNORECASE,
)


class Passing(Exception):
    """The server may be able to answer later; never leaves the package.

    Attributes:
        error: what to tell when it cannot.
        wait: seconds it asks to wait before the next try.
    """

    def __init__(self, error: ServerError, wait: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait = wait


class EmptyStream(Passing):
    """The server has streamed nothing at all; asked for the whole reply at once, it may say why."""


class ForbiddenCalls(Exception):
    """The reply calls tools that it must not call, and says nothing else; never leaves the package."""


class Refusal(Exception):
    """The server answers, and does not do what it was asked for; never leaves the package.

    Attributes:
        status: of its answer; 200 where it changed its mind in the middle of a reply.
        said: what it says about it, fit to be shown.
        code: a word of the server for it; empty where it has none.
        body: all that it answered, for what is to be found in there.
        wait: seconds it asks to wait before the next try.
    """

    def __init__(self, status: int, said: str, code: str = "", body: str = "", wait: float = 0.0) -> None:
        super().__init__(f"HTTP {status}: {said}")
        self.status = status
        self.said = said
        self.code = code
        self.body = body
        self.wait = wait

    @property
    def too_long(self) -> bool:
        """Whether the conversation was too long for it."""
        if self.code in _TOO_LONG_CODES:
            return True
        return self.status in {200, 400, 413, 422} and bool(_TOO_LONG.search(self.said))


@dataclass(frozen=True, slots=True)
class Faults:
    """Says what went wrong with one server."""

    server: Server
    key: Key

    def quote(self, text: object) -> str:
        """Words of the server, fit to be shown: short, without control characters and without the key."""
        words = "".join(character if character.isprintable() else " " for character in str(text)[: 1 << 16])
        words = " ".join(self.key.hide_in(words).split())
        return words if len(words) <= _LONGEST_QUOTE else words[: _LONGEST_QUOTE - 1] + "…"

    def of_refusal(self, refusal: Refusal, model: str) -> Passing | ServerError | PromptTooLong:
        """What a refusal means to us."""
        name, said = self.server.name, f" It says: {refusal.said}" if refusal.said else ""
        if refusal.too_long:
            return self.too_long(refusal.said)
        if refusal.status in {401, 403}:
            return self._key_refused(refusal.status, said)
        if refusal.status == 404:
            return self._not_found(model, said)
        if refusal.status in _PASSING_STATUSES and refusal.code != "insufficient_quota":
            message = f"{name} is too busy or not ready (HTTP {refusal.status}).{said}"
            return Passing(ServerError("The server cannot answer now", message, "Try again later."), refusal.wait)
        status = f" (HTTP {refusal.status})" if refusal.status != 200 else ""
        title = "The server refuses" if 400 <= refusal.status < 500 else "The server failed"
        return ServerError(title, f"{name} did not answer{status}.{said}", "Try again, or ask who runs the server.")

    def of_http(self, error: httpx2.HTTPError) -> Passing | ServerError:
        """What an error of the HTTP library means to us."""
        if isinstance(error, httpx2.ConnectError):
            return self._unconnected(error)
        if isinstance(error, httpx2.TimeoutException):
            return self.silent()
        if isinstance(error, httpx2.ProxyError):
            message = f"The proxy does not let us through to {self.server.host}."
            return ServerError(_UNREACHABLE, message, "Check HTTPS_PROXY, or set NO_PROXY.")
        if isinstance(error, (httpx2.NetworkError, httpx2.RemoteProtocolError)):
            return Passing(self.broke_off())
        return self.nonsense("What it sends is no proper HTTP")

    def silent(self) -> ServerError:
        """Nothing comes."""
        message = f"Nothing has come from {self.server.name} ({self.server.host}) for too long."
        return ServerError("The server does not answer", message, "Try again, or ask who runs the server.")

    def broke_off(self) -> ServerError:
        """The connection ended too early."""
        message = f"{self.server.name} ended the connection before the reply was complete."
        return ServerError("The server broke off", message, "Try again. If it happens again, look at the server.")

    def ended(self, how: str) -> ServerError:
        """The server ended the reply where the model did not."""
        message = f"The reply was {how} ({self.server.name})."
        return ServerError("The server ended the reply", message, "Try again, or ask in another way.")

    def cut_off(self, reason: str) -> ServerError:
        """The reply ended in the middle, and what was said of it is kept."""
        return ServerError("The reply was cut off", reason, "What has come is kept. Ask again for the whole reply.")

    def nonsense(self, what: str) -> ServerError:
        """It answers with something that is not of this API."""
        message = f"{self.server.url} does not answer as the API of OpenAI does. {what}."
        return ServerError("The server is not understood", message, f"Check the address. {self._test()}")

    def redirected(self, location: str) -> ServerError:
        """It wants us to go elsewhere, where the key has no business."""
        message = f"{self.server.host} sends us on to {self.quote(location)[:200] or 'another place'}."
        hint = "If that is right, give its address there with `tether servers add`."
        return ServerError("The server is somewhere else", message, hint)

    def too_long(self, said: str) -> PromptTooLong:
        """The conversation does not fit, whatever we have counted."""
        message = f"It is longer than {self.server.name} takes.{f' It says: {said}' if said else ''}"
        hint = "Ask again, and more of the beginning is left out; or shorten the message."
        return PromptTooLong("The conversation is too long for the server", message, hint)

    def no_tools(self, said: str) -> ServerError:
        """It was to call a tool, and cannot."""
        message = f"{self.server.name} does not call tools with this model.{f' It says: {said}' if said else ''}"
        hint = "Choose a model that calls tools, or start the server so that it does: vLLM with "
        hint += "--enable-auto-tool-choice and --tool-call-parser, llama.cpp with --jinja."
        return ServerError("The server calls no tools", message, hint)

    def unknown_model(self, model: str, there: list[str]) -> ServerError:
        """The list of the server does not have it."""
        listed = self.quote(", ".join(there)) or "none at all"
        message = f"{self.server.name} has no model {model!r}. It has: {listed}."
        return ServerError("The server does not have the model", message, "Choose one of these.")

    def _unconnected(self, error: httpx2.ConnectError) -> Passing | ServerError:
        host = self.server.host
        if _cause(error, ssl.SSLCertVerificationError):
            message = f"{host} cannot prove that it is the server it should be: its certificate is not trusted."
            hint = "Check the address and the date of this computer, or have the system trust the certificate."
            return ServerError("The server is not trusted", message, hint)
        if _cause(error, ssl.SSLError):
            message = f"{host} does not speak TLS as https needs it."
            return ServerError(_UNREACHABLE, message, "Check the address and its port.")
        if _cause(error, socket.gaierror):
            message = f"There is no address for {host}: its name is wrong, or there is no network."
            return ServerError(_UNREACHABLE, message, "Check the name and the network.")
        hint = "Start the server, or check its address."
        return Passing(ServerError(_UNREACHABLE, f"Nothing answers at {host}.", hint))

    def _not_found(self, model: str, said: str) -> ServerError:
        if not model:
            return self.nonsense(f"There is nothing at this address (HTTP 404).{said}")
        message = f"{self.server.name} knows no model {model!r}, or {self.server.url} is not its address.{said}"
        return ServerError("The server does not have the model", message, self._test())

    def _key_refused(self, status: int, said: str) -> ServerError:
        name = self.server.name
        again = f"`tether servers add {name} {self.server.url} --key` or as {self.server.key_variable}"
        if not self.key.value:
            message = f"{name} wants a key (HTTP {status}).{said}"
            return ServerError("The server wants a key", message, f"Give it with {again}.")
        message = f"{name} does not take the key (HTTP {status}).{said}"
        return ServerError("The server does not take the key", message, f"Give another one with {again}.")

    def _test(self) -> str:
        return f"`tether servers test {self.server.name}` shows what it has."


def _cause(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether an error comes from one of that kind."""
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
