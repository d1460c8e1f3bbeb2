"""What a reply is held to, in llguidance's words, and whether its size tells what becomes of it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tether_desktop.errors import ConstraintRefused
from tether_desktop.model.engine import Constraint, ConstraintKind
from tether_desktop.model.json_schemas import as_written, is_plain

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions

MOST_CHARACTERS = 512 << 10
MOST_LINES = 10_000

_LONGEST_REASON = 300

_STYLE: JsonCompileOptions = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False}
"""One form for all JSON, that of Python's ``json``, which models have seen most. Where any white space may come, small
models write nothing else for ever; and what stands between the values need not be asked of the model."""

_INLINE_SCHEMA = re.compile(r"%json\s*(?=\{)")
_MOST_INTERSECTED = 8
"""So many expressions that have to hold at once are compiled soon, or refused soon."""


@dataclass(frozen=True, slots=True)
class GrammarText:
    """A grammar that llguidance can read; what it says has not been checked.

    Attributes:
        text: the grammar.
        is_plain: compiling it takes time and memory in proportion to its length.
    """

    text: str
    is_plain: bool


def grammar_text(constraint: Constraint) -> GrammarText:
    """The grammar of a constraint.

    Raises:
        ConstraintRefused: it is too large, or it is no JSON schema.
    """
    text = constraint.text
    lines = text.count("\n") + 1
    if len(text) > MOST_CHARACTERS or lines > MOST_LINES:
        raise refusal(f"It is too large, with {len(text):,} characters in {lines:,} lines")
    try:
        text.encode()
        return _WRITERS[constraint.kind](text)
    except UnicodeEncodeError:
        raise refusal("It contains what is no text") from None
    except RecursionError:
        raise refusal("It is nested too deeply") from None


def refusal(reason: str) -> ConstraintRefused:
    """The error of a constraint that cannot be held.

    Args:
        reason: why, in our words or in a library's.
    """
    words = " ".join(reason.split()).removesuffix(".")
    shown = words if len(words) <= _LONGEST_REASON else f"{words[:_LONGEST_REASON]} …"
    return ConstraintRefused("The reply cannot be held to that", f"{shown}.", "Ask for a simpler form.")


def _of_schema(text: str) -> GrammarText:
    from llguidance import LLMatcher

    try:
        schema = json.loads(text)
        if isinstance(schema, bool):
            schema = {} if schema else {"enum": []}
        schema = as_written(schema)
        return GrammarText(LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults=_STYLE), is_plain(schema))
    except ValueError as error:
        raise refusal(f"It is no JSON schema: {error}") from error


def _of_regex(text: str) -> GrammarText:
    from llguidance import LLMatcher

    return GrammarText(LLMatcher.grammar_from_regex(text), is_plain=True)


def _of_lark(text: str) -> GrammarText:
    intersected = max((line.count("&") for line in text.split("\n") if "%json" not in line), default=0)
    return GrammarText(text, intersected <= _MOST_INTERSECTED and all(map(is_plain, _inline_schemas(text))))


def _inline_schemas(text: str) -> Iterator[object]:
    """The JSON schemas that stand in a grammar; what cannot be read is left to whoever compiles it."""
    decoder = json.JSONDecoder()
    for match in _INLINE_SCHEMA.finditer(text):
        with contextlib.suppress(ValueError):
            yield decoder.raw_decode(text, match.end())[0]


_WRITERS: dict[ConstraintKind, Callable[[str], GrammarText]] = {
    "json_schema": _of_schema,
    "regex": _of_regex,
    "lark": _of_lark,
}

KINDS: tuple[ConstraintKind, ...] = tuple(_WRITERS)
"""What a reply can be held to."""
