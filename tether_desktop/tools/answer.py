"""Makes a tool's result into text for the model: always text, always printable, never longer than a limit."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from tether_desktop.tools.tool import ToolOutput

LONGEST_ANSWER = 1 << 20
"""Characters that are kept of any result, whoever it is for."""

_MOST_ITEMS = 100_000
_UNFIT = re.compile(r"[\x00\ud800-\udfff]")
"""What neither a database nor UTF-8 takes."""


def answer_of(result: Any) -> ToolOutput:
    """What a tool gave back as its answer.

    Text stays as it is, bytes are described, everything else becomes JSON.
    """
    if isinstance(result, ToolOutput):
        return shortened(result, LONGEST_ANSWER)
    if isinstance(result, str):
        return shortened(ToolOutput(str.__str__(result)), LONGEST_ANSWER)
    if isinstance(result, bytes | bytearray | memoryview):
        return ToolOutput(f"(binary, {memoryview(result).nbytes:,} bytes)")
    if result is None:
        return ToolOutput("(no result)")
    return shortened(ToolOutput(_as_json(result)), LONGEST_ANSWER)


def shortened(output: ToolOutput, most_characters: int) -> ToolOutput:
    """The beginning of an answer; what is left out is counted, not told yet."""
    left_out = output.left_out + max(0, len(output.text) - most_characters)
    return ToolOutput(clean(output.text[:most_characters]), output.is_error, left_out)


def with_note(output: ToolOutput) -> ToolOutput:
    """The answer, with a line for the model where something was left out."""
    if not output.left_out:
        return output
    note = f"\n[The result was too long: {output.left_out:,} characters after these {len(output.text):,} are left out.]"
    return ToolOutput(output.text + note, output.is_error, output.left_out)


def clean(text: str) -> str:
    """The text without what cannot be stored or sent: half characters and NULs."""
    return _UNFIT.sub("\ufffd", text)


def _as_json(result: Any) -> str:
    value = list(itertools.islice(result, _MOST_ITEMS)) if isinstance(result, Iterator) else result
    try:
        return _json(value)
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        if "surrogates" not in str(error):
            raise TypeError(f"The result has no form as text: {error}") from error
    return _json(_whole(to_jsonable_python(value, bytes_mode="base64", fallback=_described)))


def _json(value: Any) -> str:
    return to_json(value, inf_nan_mode="strings", bytes_mode="base64", fallback=_described).decode()


def _whole(value: Any) -> Any:
    """A JSON value without half characters, which are no UTF-8."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(each) for name, each in value.items()}
    return value


def _described(value: Any) -> str:
    """An object that JSON has no form for, as its author would print it."""
    return str(value)
