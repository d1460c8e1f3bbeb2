"""JSON from strangers: bounded in size and depth, and no key given twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tether_desktop.errors import ModelBroken

MAX_BYTES = 5_000_000
"""Fifty thousand tensors need less; parsing more of a hostile file would take too long."""

_FETCH_AGAIN = "Fetch the model again."


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ModelBroken: the file cannot be read, is too long, or holds something else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise damaged(path, f"it cannot be read ({error})") from error
    return parse_object(content, path)


def parse_object(content: bytes, path: Path) -> dict[str, Any]:
    """The JSON object that these bytes of a file are.

    Raises:
        ModelBroken: they are too many, or something else.
    """
    if len(content) > MAX_BYTES:
        raise damaged(path, f"its description of the model has over {MAX_BYTES:,} bytes")
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_without_twins)
    except ValueError as error:
        raise damaged(path, f"it is not JSON as expected ({error})") from error
    except RecursionError as error:
        raise damaged(path, "its JSON is nested too deeply") from error
    if not isinstance(document, dict):
        raise damaged(path, "it does not hold a JSON object")
    return document


def damaged(path: Path, reason: str, hint: str = _FETCH_AGAIN) -> ModelBroken:
    """The error of a model's file, or folder, that cannot be used for that reason."""
    return ModelBroken("The model cannot be read", f"{path.name}: {reason}.", hint)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twin = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"{twin[:100]!r} is there twice")
    return members
