"""Tokens to text and the search for stop texts, as the real engine does both; after its ``streamer.cc``."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

_REPLACEMENT = "\ufffd"


class TextStreamer:
    """Text of a reply; an incomplete character waits for the tokens that complete it, four at most."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._before: list[int] = []
        self._pending: list[int] = []

    def put(self, tokens: Sequence[int]) -> str:
        """The text that the tokens complete."""
        text = ""
        for token in tokens:
            self._pending.append(token)
            new = self._new_text()
            if not new.endswith(_REPLACEMENT) or len(self._pending) == 4:
                text += new
                self._before, self._pending = self._pending, []
        return text

    def finish(self) -> str:
        """What is left."""
        return self._new_text()

    def _new_text(self) -> str:
        return self._decode(self._before + self._pending).removeprefix(self._decode(self._before))

    def _decode(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=False)


class StopHandler:
    """Holds tokens back that may begin a stop text; the token in which one begins is dropped whole.

    Attributes:
        stopped: one was found.
    """

    def __init__(self, stops: Sequence[str], tokenizer: Tokenizer) -> None:
        if "" in stops:
            raise ValueError("Stop string cannot be empty.")
        self._stops = stops
        self._tokenizer = tokenizer
        self._pending: list[int] = []
        self.stopped = False

    def put(self, token: int) -> list[int]:
        """The tokens that surely belong to the reply."""
        self._pending.append(token)
        texts = [self._tokenizer.decode([each], skip_special_tokens=False) for each in self._pending]
        text = "".join(texts)
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        self.stopped = bool(found)
        cut = min(found) if found else len(text) - self._possible_start(text)
        free, length = 0, 0
        while free < len(texts) and length + len(texts[free]) <= cut:
            length += len(texts[free])
            free += 1
        released, self._pending = self._pending[:free], self._pending[free:]
        return released

    def finish(self) -> list[int]:
        """What is held back, when the reply ends for another reason."""
        held, self._pending = self._pending, []
        return held

    def _possible_start(self, text: str) -> int:
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        lengths = range(min(longest, len(text)), 0, -1)
        return next((n for n in lengths if any(stop.startswith(text[-n:]) for stop in self._stops)), 0)
