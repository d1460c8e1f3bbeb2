"""What a reply is held to, in llguidance's words, once it is known not to be too much."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tether_desktop.errors import ConstraintRefused
from tether_desktop.model.engine import Constraint, ConstraintKind
from tether_desktop.model.json_schemas import unfolds_too_far, without_annotations

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions

MOST_CHARACTERS = 512 << 10
MOST_LINES = 10_000

_STYLE: JsonCompileOptions = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False}
"""One form for all JSON, that of Python's ``json``, which models have seen most. Where any white space may come, small
models write nothing else for ever; and what stands between the values need not be asked of the model."""

_INLINE_SCHEMA = re.compile(r"%json\s*(?=\{)")


def grammar_text(constraint: Constraint) -> str:
    """The grammar of a constraint; what it says is checked by whoever compiles it.

    Raises:
        ConstraintRefused: it is too large, or it is no JSON schema.
    """
    text = constraint.text
    lines = text.count("\n") + 1
    if len(text) > MOST_CHARACTERS or lines > MOST_LINES:
        raise refusal(f"It is too large, with {len(text):,} characters in {lines:,} lines.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise refusal("It contains what is no text.") from None
    return _WRITERS[constraint.kind](text)


def refusal(reason: str) -> ConstraintRefused:
    """The error of a constraint that cannot be held, and why."""
    return ConstraintRefused("The reply cannot be held to that", reason, "Ask for a simpler form.")


def _of_schema(text: str) -> str:
    from llguidance import LLMatcher

    try:
        schema = json.loads(text)
        if isinstance(schema, bool):
            schema = {} if schema else {"enum": []}
        _check(schema)
        return LLMatcher.grammar_from_json_schema(json.dumps(without_annotations(schema)), defaults=_STYLE)
    except RecursionError:
        raise refusal("The JSON schema is nested too deeply.") from None
    except ValueError as error:
        raise refusal(f"It is no JSON schema: {error}.") from error


def _of_regex(text: str) -> str:
    from llguidance import LLMatcher

    return LLMatcher.grammar_from_regex(text)


def _of_lark(text: str) -> str:
    for schema in _inline_schemas(text):
        _check(schema)
    return text


def _check(schema: object) -> None:
    if unfolds_too_far(schema):
        raise refusal("It combines so many alternatives that nothing could follow them all.")


def _inline_schemas(text: str) -> Iterator[object]:
    """The JSON schemas that stand in a grammar; what cannot be read is left to whoever compiles it."""
    decoder = json.JSONDecoder()
    for match in _INLINE_SCHEMA.finditer(text):
        with contextlib.suppress(ValueError, RecursionError):
            yield decoder.raw_decode(text, match.end())[0]


_WRITERS: dict[ConstraintKind, Callable[[str], str]] = {
    "json_schema": _of_schema,
    "regex": _of_regex,
    "lark": _of_lark,
}

KINDS: tuple[ConstraintKind, ...] = tuple(_WRITERS)
"""What a reply can be held to."""
