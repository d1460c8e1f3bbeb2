"""Schemas that MLC-LLM can be given: of what its compiler fails on its engine dies, without a word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tether_desktop.errors import ConstraintRefused

_LONGEST = 64 << 10
_DEEPEST = 40


def usable_schema(text: str) -> str:
    """A schema, as the engine reads it.

    Raises:
        ConstraintRefused: it is none, or nothing that the engine's compiler takes.
    """
    if len(text) > _LONGEST:
        raise _unusable(f"it has {len(text):,} characters, and {_LONGEST:,} are possible")
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unusable(str(error)) from error
    if not isinstance(schema, dict):
        raise _unusable("it is no object")
    problem = next(_problems(schema, schema, 0), "") or _against_the_standard(schema)
    if problem:
        raise _unusable(problem)
    return json.dumps(schema)


def _problems(schema: Any, root: dict[str, Any], depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        yield "it is nested too deeply"
    elif isinstance(schema, dict):
        reference, pattern = schema.get("$ref"), schema.get("pattern")
        if isinstance(reference, str) and not _resolves(reference, root):
            yield f"it refers to {reference[:80]!a}, which is not in it"
        if isinstance(pattern, str) and not _compiles(pattern):
            yield f"{pattern[:80]!a} is no regular expression"
        for each in schema.values():
            yield from _problems(each, root, depth + 1)
    elif isinstance(schema, list):
        for each in schema:
            yield from _problems(each, root, depth + 1)


def _resolves(reference: str, root: dict[str, Any]) -> bool:
    """Whether a reference is to a place in the schema itself, the only ones that the compiler follows."""
    if not reference.startswith("#"):
        return False
    place: Any = root
    for step in reference[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(place, dict) or key not in place:
            return False
        place = place[key]
    return reference[1:2] in {"", "/"}


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _against_the_standard(schema: dict[str, Any]) -> str:
    """What makes it no schema; empty when it is one."""
    # Imported here, since most replies are held to nothing.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{error.json_path}: {error.message[:200]}"
    return ""


def _unusable(reason: str) -> ConstraintRefused:
    message = f"The JSON schema that the reply shall keep to cannot be used: {reason.rstrip('.')}."
    return ConstraintRefused("The reply cannot be held to that", message, "Correct the schema, or ask without it.")
