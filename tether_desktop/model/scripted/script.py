r"""Scripts of the scripted engine: what it says, when, and how it fails; read from ``script.json``.

::

    {
      "tokens_per_second": 150,                     pace of the replies; absent or 0: as fast as possible
      "load":    [{"progress": 0.5}, {"delay": 1}], steps of loading
      "prefill": [{"progress": 0.5}],               steps of reading the prompt
      "replies": [
        "A whole reply, split into tokens.",
        {"match": "colou?rs", "steps": ["Red", ", ", {"delay": 0.5}, {"text": "green and blue."}]},
        {"after_tool": true, "match": "noon", "steps": ["It is noon."]}
      ]
    }

A reply with ``match`` (a regular expression) answers the questions it is found in; the others take turns. A reply
``after_tool`` answers what a tool has said in the same way: with ``match`` the results it is found in, else in turn.
Where no reply is for a result, the one to the question is played again, so that a script whose reply calls a tool
calls it for ever; and replies that take turns may be the rounds of one turn, one after the other.

A call is written as the model would write it, so that a reply of several rounds may be::

    {"match": "time", "steps": ["Let me look. ", {"text": "<<function_call>> {\"name\": …, \"arguments\": …}"}]},
    {"after_tool": true, "steps": ["It is noon."]}

A step is one of: a text (exactly one token), ``{"text": …}`` (split into tokens), ``{"delay": seconds}``,
``{"progress": 0..1}``, ``{"raise": {"code", "title", "message", "hint"}}`` (a TetherError),
``{"bug": message}`` (any other exception), ``{"die": exit_code}``, ``{"wait": true}`` (until cancelled) and
``{"hang": true}`` (deaf to everything).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tether_desktop.errors import ModelBroken, TetherError
from tether_desktop.model.hosting.wire import error_class

SCRIPT_NAME = "script.json"

_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")


@dataclass(frozen=True, slots=True)
class Say:
    """Stream this text as one token."""

    text: str


@dataclass(frozen=True, slots=True)
class Delay:
    """Let time pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Report progress, 0..1."""

    fraction: float


@dataclass(frozen=True, slots=True)
class Fail:
    """Raise an error a person is told about."""

    error: TetherError


@dataclass(frozen=True, slots=True)
class Bug:
    """Raise an error nobody expected."""

    message: str


@dataclass(frozen=True, slots=True)
class Die:
    """End the process at once."""

    exit_code: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until cancelled."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Block the whole process for good."""


Step = Say | Delay | Progress | Fail | Bug | Die | Wait | Hang


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; ``match`` None means it takes its turn, ``after_tool`` that it is to a tool's result."""

    steps: tuple[Step, ...]
    match: re.Pattern[str] | None = None
    after_tool: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """Everything a scripted engine does.

    Attributes:
        replies: at least one.
        load, prefill: steps of loading and of reading a prompt, without texts.
        tokens_per_second: pace of the replies; 0 is as fast as possible.
    """

    replies: tuple[Reply, ...]
    load: tuple[Step, ...] = ()
    prefill: tuple[Step, ...] = ()
    tokens_per_second: float = 0.0


def split_tokens(text: str) -> list[str]:
    """The scripted engine's tokens: words and marks, each with the space before it; they join to ``text``."""
    return _TOKEN.findall(text)


def read_script(folder: Path) -> Script:
    """The script of a model folder.

    Raises:
        ModelBroken: it is missing, unreadable or not a script.
    """
    path = folder / SCRIPT_NAME
    try:
        if not path.is_file():
            raise FileNotFoundError
        return parse_script(json.loads(path.read_text(encoding="utf-8")))
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        re.error,
    ) as error:
        raise ModelBroken(
            "The script cannot be played",
            f"{path.name} of {folder.name}: {_reason(error)}.",
            "Correct the file, or remove the folder.",
        ) from error


def parse_script(document: dict[str, Any]) -> Script:
    """A script from its JSON object.

    Raises:
        ValueError, TypeError, KeyError, AttributeError, re.error: it is not a script.
    """
    replies = tuple(_parse_reply(reply) for reply in document["replies"])
    if all(reply.after_tool for reply in replies):
        raise ValueError("there are no replies to questions")
    return Script(
        replies=replies,
        load=_parse_steps(document.get("load", [])),
        prefill=_parse_steps(document.get("prefill", [])),
        tokens_per_second=float(document.get("tokens_per_second", 0)),
    )


def _parse_reply(reply: str | dict[str, Any]) -> Reply:
    if isinstance(reply, str):
        return Reply(_parse_steps([{"text": reply}]))
    match, after_tool = reply.get("match"), reply.get("after_tool", False)
    if not isinstance(after_tool, bool):
        raise TypeError("after_tool is neither true nor false")
    return Reply(_parse_steps(reply["steps"]), re.compile(match, re.IGNORECASE) if match else None, after_tool)


def _parse_steps(steps: list[str | dict[str, Any]]) -> tuple[Step, ...]:
    return tuple(parsed for step in steps for parsed in _parse_step(step))


def _parse_step(step: str | dict[str, Any]) -> list[Step]:
    if isinstance(step, str):
        return [Say(step)]
    ((kind, value),) = step.items()
    if kind == "text":
        return [Say(token) for token in split_tokens(value)]
    if kind not in _STEPS:
        raise ValueError(f"there is no step {kind!r}")
    return [_STEPS[kind](value)]


def _parse_error(fields: dict[str, str]) -> Fail:
    error = error_class(fields.get("code", TetherError.code))
    return Fail(error(fields.get("title", "The script failed"), fields.get("message", ""), fields.get("hint", "")))


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)


_STEPS: dict[str, Callable[[Any], Step]] = {
    "delay": lambda seconds: Delay(float(seconds)),
    "progress": lambda fraction: Progress(float(fraction)),
    "raise": _parse_error,
    "bug": lambda message: Bug(str(message)),
    "die": lambda exit_code: Die(int(exit_code)),
    "wait": lambda _: Wait(),
    "hang": lambda _: Hang(),
}
