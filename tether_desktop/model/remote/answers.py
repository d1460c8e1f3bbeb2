"""Reads what a server answers: pieces of a reply, whole replies and errors; believes nothing about their shape."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from tether_desktop.messages import FinishReason, Usage
from tether_desktop.model.engine import TokenLogprob
from tether_desktop.model.remote.call_pieces import CallPiece, read_calls
from tether_desktop.model.remote.faults import Faults, Refusal

_FINISH_REASONS: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
"""Those that mean something else than an end that the model has chosen."""

_BREAKS = {"content_filter": "withheld by the server's filter", "abort": "stopped by the server", "error": "failed"}
_THOUGHT_KEYS = ("reasoning_content", "reasoning")
_MOST_TOKENS = 1 << 40


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply.

    Attributes:
        text: visible text.
        thought: of the model's reasoning, where the server tells it apart.
        finish_reason: how the reply ended; None as long as it goes on.
        broken: why the server ended it where the model did not; empty else.
        usage: token counts of the whole, where this piece has them.
        logprobs: of its tokens.
        calls: of tools, or pieces of them.
    """

    text: str = ""
    thought: str = ""
    finish_reason: FinishReason | None = None
    broken: str = ""
    usage: Usage | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    calls: tuple[CallPiece, ...] = ()


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none, or nested without an end.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_delta(value: object, faults: Faults) -> Delta:
    """A piece of a streamed reply, or a whole reply of a server that does not stream.

    Raises:
        Refusal: it is an error.
        ValueError: it is neither.
    """
    if not isinstance(value, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  (what a server sends, not an argument)
    if is_error(value):
        raise read_refusal(200, value, "", faults)
    usage = _usage(value.get("usage"))
    choice = _first_choice(value.get("choices"))
    delta = _dict(choice.get("delta"))
    message = delta or _dict(choice.get("message"))
    ended = choice.get("finish_reason")
    return Delta(
        text=_text(message.get("content")),
        thought=next((text for key in _THOUGHT_KEYS if (text := _text(message.get(key)))), ""),
        finish_reason=_FINISH_REASONS.get(ended, "stop") if isinstance(ended, str) and ended else None,
        broken=_BREAKS.get(ended, "") if isinstance(ended, str) else "",
        usage=usage,
        logprobs=_logprobs(choice.get("logprobs")),
        calls=read_calls(message, at_once=not delta),
    )


def is_error(value: dict[str, Any]) -> bool:
    """Whether an object of a stream is an error: servers put these in different places."""
    plain = "choices" not in value and isinstance(value.get("message"), str)
    return bool(value.get("error")) or value.get("object") == "error" or plain


def read_refusal(status: int, value: object, text: str, faults: Faults, wait: float = 0.0) -> Refusal:
    """An error, from its JSON where it is that, else from its text."""
    fields = _dict(value)
    inner = fields.get("error")
    error = _dict(inner) or fields
    said = inner if isinstance(inner, str) else error.get("message") or fields.get("detail") or ""
    said = said if isinstance(said, str) else json.dumps(said)
    words = next((word for key in ("code", "type") if isinstance(word := error.get(key), str)), "")
    body = json.dumps(value) if fields else text
    return Refusal(status, faults.quote(said if fields else _plain(text)), words[:100], body, wait)


def _plain(text: str) -> str:
    """What an answer without JSON says; nothing where it is a page for a browser."""
    return "" if "<" in text[:100] else text


def _first_choice(choices: object) -> dict[str, Any]:
    """The only choice we have asked for; empty where a piece has none."""
    listed = choices if isinstance(choices, list) else []
    return next((each for each in listed if isinstance(each, dict) and each.get("index", 0) in (0, None)), {})


def _text(value: object) -> str:
    """A text; or the texts of a list of parts, which some servers send instead."""
    if isinstance(value, list):
        return "".join(_text(_dict(part).get("text")) for part in value)
    return value if isinstance(value, str) else ""


def _usage(value: object) -> Usage | None:
    fields = _dict(value)
    if not fields:
        return None
    cached = _dict(fields.get("prompt_tokens_details")).get("cached_tokens")
    return Usage(_count(fields.get("prompt_tokens")), _count(cached), _count(fields.get("completion_tokens")))


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value < _MOST_TOKENS else 0


def _logprobs(value: object) -> tuple[TokenLogprob, ...]:
    listed = _dict(value).get("content")
    return tuple(
        TokenLogprob(token, logprob, _alternatives(each.get("top_logprobs")))
        for each in (listed if isinstance(listed, list) else ())
        for token, logprob in _token(each)
    )


def _alternatives(value: object) -> tuple[tuple[str, float], ...]:
    return tuple(found for each in (value if isinstance(value, list) else ()) for found in _token(each))


def _token(value: object) -> list[tuple[str, float]]:
    """A token and its logprob; nothing where these are not what they should be."""
    fields = _dict(value)
    token, logprob = fields.get("token"), fields.get("logprob")
    if not isinstance(token, str) or type(logprob) not in (int, float) or not math.isfinite(logprob or 0):
        return []
    return [(token.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), float(logprob or 0))]


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
