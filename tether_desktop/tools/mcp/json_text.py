"""JSON as people and editors write it: with comments, commas at the end, and a byte order mark."""

from __future__ import annotations

import json
import re
from typing import Any

_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])')


def parse_json(data: bytes) -> dict[str, Any]:
    """The object in a file; an empty file is an empty object.

    Raises:
        ValueError: what is wrong, with the line.
    """
    text = data.decode("utf-8-sig")
    plain = _LAST_COMMA.sub(_blank_comma, _PIECES.sub(_blank_comment, text))
    try:
        document = json.loads(plain, object_pairs_hook=_no_name_twice) if plain.strip() else {}
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  (a file's content, not an argument)
    return document


def is_plain(data: bytes) -> bool:
    """Whether writing the file anew loses nothing that a person wrote into it."""
    try:
        json.loads(data)
    except ValueError:
        return not data.strip()
    return True


def _blank_comment(found: re.Match[str]) -> str:
    # Lines and columns stay, for the messages.
    return found[0] if found[0].startswith('"') else re.sub(r"[^\n]", " ", found[0])


def _blank_comma(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else " "


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has {twice[:80]!a} twice")
    return document
