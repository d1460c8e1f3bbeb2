"""Calls that a reply is nothing but: JSON that begins as the call of a known tool."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from tether_desktop.protocol.dialects.dialect import BadCall, CallForm
from tether_desktop.protocol.dialects.json_calls import dumps, json_values

_LONGEST_HEAD = 400
_SPACE = re.compile(r"\s+")
_CALL_KEYS = {"name", "type", "id"}
_ARGUMENT_KEYS = {"arguments", "parameters"}


class BareCall:
    """Tells such calls from other JSON that a person may have asked for.

    Attributes:
        form: how the calls are written.
    """

    def __init__(self, form: CallForm, names: Sequence[str]) -> None:
        self.form = form
        quoted = [dumps(name) for name in names]
        self._heads = tuple(f'{before}"name":{name}' for before in ("{", '{"type":"function",') for name in quoted)

    def begins(self, text: str) -> Literal["yes", "no", "maybe"]:
        """Whether ``text``, the reply so far, begins such a call."""
        head = _SPACE.sub("", text[:_LONGEST_HEAD])
        if head.startswith(self._heads):
            return "yes"
        may = len(text) < _LONGEST_HEAD and any(known.startswith(head) for known in self._heads)
        return "maybe" if may else "no"

    def is_other(self, payload: str) -> bool:
        """Whether it is JSON that only has a tool's name in it, and is no call."""
        try:
            values = json_values(payload)
        except BadCall:
            return False
        return any(
            isinstance(value, dict) and value.keys() - _CALL_KEYS and not value.keys() & _ARGUMENT_KEYS
            for value in values
        )
