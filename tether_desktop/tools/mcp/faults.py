"""Why a server cannot be used, in words, from whatever the SDK or the system says of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import httpx2
from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT
from pydantic import ValidationError

from tether_desktop.errors import TetherError, showable
from tether_desktop.tools.mcp.metering import Flood
from tether_desktop.tools.mcp.spec import Program, ServerSpec
from tether_desktop.tools.mcp.states import McpFault

logger = logging.getLogger(__name__)

_NEWER = "Look for a newer version of it."
_LOG = "Its log may say why."
_RUNNERS = {"npx": "Node.js", "npm": "Node.js", "node": "Node.js", "uvx": "uv", "uv": "uv", "docker": "Docker"}


def explain(error: Exception, spec: ServerSpec, limit: float, status: int) -> McpFault:
    """Why a connection could not be made, or broke.

    Args:
        error: what was raised; of several the first that says something.
        spec: the server's entry.
        limit: seconds that it had to start.
        status: of HTTP, where that was refused; otherwise 0.
    """
    error = _first(error)
    kinds: tuple[tuple[Any, Callable[[Any], McpFault]], ...] = (
        (TetherError, lambda each: McpFault(each.message, each.hint, final=True)),
        (Flood, lambda _: McpFault("It sent messages without end and was cut off.", _LOG, final=True)),
        (TimeoutError, lambda _: McpFault(f"It did not say what it can do within {limit:.0f} seconds.", _LOG)),
        (MCPError, lambda each: _protocol_fault(each, status)),
        ((httpx2.HTTPError, httpx2.StreamError), _network_fault),
        (OSError, lambda each: _system_fault(each, spec)),
        ((ValidationError, RuntimeError), _language_fault),
    )
    return next((told(error) for kind, told in kinds if isinstance(error, kind)), None) or _unknown_fault(error)


def is_closed(error: MCPError) -> bool:
    """Whether there is no connection any more; servers use the code of that for errors of their own."""
    return error.code == CONNECTION_CLOSED and error.message == "Connection closed"


def refusal(error: MCPError, status: int = 0) -> str:
    """What a server said instead of an answer, as a sentence."""
    if is_closed(error):
        return "It ended, or closed the connection, before it answered."
    if error.code == REQUEST_TIMEOUT:
        return "It did not answer in time."
    if status and error.message == "Server returned an error response":
        return f"It refuses with HTTP {status}."
    return f"It says: {showable(error.message).rstrip('.')}."


def _network_fault(error: Exception) -> McpFault:
    return McpFault(f"It cannot be reached: {_told(error)}.", "Check its address, and that it runs.")


def _language_fault(error: Exception) -> McpFault:
    if isinstance(error, ValidationError):
        return McpFault("What it says of itself is not as the protocol wants it.", _NEWER, final=True)
    if "protocol version" in str(error):
        return McpFault("It speaks no version of the protocol that Tether knows.", _NEWER, final=True)
    return _unknown_fault(error)


def _unknown_fault(error: Exception) -> McpFault:
    logger.error("An MCP server failed in an unknown way", exc_info=error)
    return McpFault(f"It failed: {_told(error)}.", _LOG)


def _protocol_fault(error: MCPError, status: int) -> McpFault:
    if status in {401, 403}:
        return McpFault(
            f"It wants to know who asks (HTTP {status}).", 'Give its token under "headers" in mcp.json.', final=True
        )
    if status in {404, 405} and not is_closed(error):
        return McpFault(f"There is no MCP server at this address (HTTP {status}).", "Correct its address.", final=True)
    return McpFault(refusal(error, status), _LOG)


def _system_fault(error: OSError, spec: ServerSpec) -> McpFault:
    reason = error.strerror or str(error)
    hint = "Correct its entry in mcp.json, or install the program."
    if isinstance(error, FileNotFoundError) and isinstance(spec.launch, Program):
        needed = _RUNNERS.get(PurePath(spec.launch.command).stem.lower())
        hint = f"Install {needed}, which it is started with." if needed else hint
    return McpFault(f"It cannot be started: {reason}.", hint, final=True)


def _first(error: BaseException) -> Exception:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Exception) else RuntimeError("it was interrupted")


def _told(error: Exception) -> str:
    return showable(str(error).rstrip(".") or type(error).__name__)
