"""Keeps texts of people, tools and models from being read as special tokens of a prompt."""

from __future__ import annotations

import re
from typing import Any

from tether_desktop.model.engine import Prompt, PromptPiece

SENTINELS = range(0x100000, 0x10FFFE)
SENTINEL = f"[{chr(SENTINELS.start)}-{chr(SENTINELS.stop - 1)}]"

_DEEPEST = 48
"""Nesting of a value that is written into a prompt; templates are not given anything deeper."""

_TOO_DEEP = "…"


class Sentinels:
    """Private-use characters that stand for texts which must not be read as special tokens.

    Each such text is put into the template as one character, and split off again afterwards, so that the template
    may trim and split the content as it likes.
    """

    def __init__(self, protected: re.Pattern[str]) -> None:
        """Prepare; ``protected`` matches special tokens and the private-use characters themselves."""
        self._protected = protected
        self._originals: dict[str, str] = {}
        self._characters: dict[str, str] = {}

    def put_into(self, content: str) -> str:
        """The text with its special tokens replaced."""
        return self._protected.sub(self._sentinel, content)

    def put_into_value(self, value: Any, depth: int = 0) -> Any:
        """A JSON value with all its texts and names replaced; what is nested absurdly deep is left out."""
        if isinstance(value, str):
            return self.put_into(value)
        if not isinstance(value, dict | list | tuple):
            return value
        if depth >= _DEEPEST:
            return _TOO_DEEP
        if isinstance(value, dict):
            return {self.put_into(str(key)): self.put_into_value(each, depth + 1) for key, each in value.items()}
        return [self.put_into_value(each, depth + 1) for each in value]

    def split(self, rendered: str) -> Prompt:
        """The pieces of a rendered prompt, those that were replaced as literal ones."""
        if not self._originals:
            return (PromptPiece(rendered),) if rendered else ()
        pieces = re.split(f"({SENTINEL}+)", rendered)
        return tuple(self._piece(text, sentinel=bool(place % 2)) for place, text in enumerate(pieces) if text)

    def _piece(self, text: str, *, sentinel: bool) -> PromptPiece:
        if not sentinel:
            return PromptPiece(text)
        return PromptPiece("".join(self._originals.get(character, character) for character in text), literal=True)

    def _sentinel(self, match: re.Match[str]) -> str:
        original = match.group()
        if original not in self._characters and len(self._characters) == len(SENTINELS):
            return "\ufffd"
        if original not in self._characters:
            character = chr(SENTINELS[len(self._characters)])
            self._characters[original] = character
            self._originals[character] = original
        return self._characters[original]
