"""How to sample, from what OpenAI's clients send, and from the settings where they say nothing."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, TypeVar

from tether_desktop.model.engine import SamplingParams
from tether_desktop.protocol.api.openai.errors import RequestRefused
from tether_desktop.protocol.api.openai.schemas import SamplingBody
from tether_desktop.protocol.planner import sampling_of
from tether_desktop.settings import Settings

_Number = TypeVar("_Number", int, float)

_LEAST_TOP_P = 1e-6
"""Keeps the likeliest token alone, as 0 does in OpenAI's API; other engines refuse 0."""

_MOST_TOKENS = 2**31 - 1
_TOKEN_NUMBERS = range(2**31)


def sampling_params(
    body: SamplingBody, settings: Settings, *, max_tokens: int | None, logprobs: int | None
) -> SamplingParams:
    """The parameters; what the client leaves out is as the settings say.

    Raises:
        RequestRefused: a bias is on what is no token.
    """
    default = sampling_of(settings)
    return SamplingParams(
        temperature=_or(body.temperature, default.temperature),
        top_p=max(_or(body.top_p, default.top_p), _LEAST_TOP_P),
        top_k=min(max(_or(body.top_k, default.top_k), 0), _MOST_TOKENS),
        min_p=_or(body.min_p, default.min_p),
        repetition_penalty=_or(body.repetition_penalty, default.repetition_penalty),
        presence_penalty=_or(body.presence_penalty, 0.0),
        frequency_penalty=_or(body.frequency_penalty, 0.0),
        seed=body.seed,
        max_tokens=min(max_tokens, _MOST_TOKENS) if max_tokens else default.max_tokens,
        stop=_stop(body.stop),
        logit_bias=_bias(body.logit_bias or {}),
        logprobs=logprobs,
    )


def check_offered(body: SamplingBody, not_offered: dict[str, str]) -> None:
    """Refuse what would be another reply than the one that can be made.

    Args:
        body: of the request.
        not_offered: parameters that have to be left out, and what to do instead.

    Raises:
        RequestRefused: there is such a parameter, or one that nobody knows.
    """
    for name in body.model_extra or {}:
        near = get_close_matches(name, type(body).model_fields, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise RequestRefused(f"Unrecognized request argument supplied: {name}.{hint}", name, code="unknown_parameter")
    for name, remedy in not_offered.items():
        if getattr(body, name) is not None:
            raise RequestRefused(f"{name} is not offered. {remedy}".strip(), name, code="unsupported_parameter")
    only(body, "n", 1)
    if body.stream_options is not None and not body.stream:
        raise RequestRefused("'stream_options' is only allowed when 'stream' is true.", "stream_options")


def only(body: SamplingBody, name: str, *offered: Any) -> None:
    """Refuse other values of a parameter than those offered; null says nothing."""
    if (value := getattr(body, name)) is not None and value not in offered:
        values = ", ".join(map(str, offered))
        message = f"Unsupported value: '{name}' can only be {values} here."
        raise RequestRefused(message, name, code="unsupported_value")


def _or(value: _Number | None, default: _Number) -> _Number:
    return default if value is None else value


def _stop(stop: str | list[str] | None) -> tuple[str, ...]:
    texts = [stop] if isinstance(stop, str) else stop or []
    return tuple(filter(None, texts))


def _bias(sent: dict[str, float]) -> tuple[tuple[int, float], ...]:
    return tuple((_token(number), bias) for number, bias in sent.items())


def _token(number: str) -> int:
    token = int(number) if number.isascii() and number.isdigit() and len(number) < 12 else -1
    if token not in _TOKEN_NUMBERS:
        raise RequestRefused(f"{number!r} is not the number of a token.", "logit_bias")
    return token
