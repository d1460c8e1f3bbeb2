"""A model's tokens as llguidance wants them: the bytes of each, and how text that must come is cut into them."""

from __future__ import annotations

import re
from functools import cached_property

from tether_desktop.errors import ModelBroken
from tether_desktop.model.tvm.tokenizer import ModelTokenizer


class GrammarVocabulary:
    """The tokens that a grammar chooses from.

    Attributes:
        tokens: the bytes of each; of special tokens, their names.
        special_token_ids: tokens that no text of a grammar means.
        eos_ids: tokens that end a reply.
        eos_token_id: one of them; None where the model has none.
        bos_token_id: none, for replies begin without.
        is_tokenizer_wrapper: says to llguidance what this is.
    """

    is_tokenizer_wrapper = True
    bos_token_id: int | None = None

    def __init__(self, tokenizer: ModelTokenizer, size: int, markers: frozenset[int]) -> None:
        """Collect the tokens; a large vocabulary takes a quarter of a second.

        Args:
            tokenizer: the model's.
            size: tokens that the model knows; what the tokenizer has beyond can never come.
            markers: special tokens that count as the text they spell.
        """
        self._tokenizer = tokenizer
        ids = range(min(size, tokenizer.vocab_size))
        self.special_token_ids = sorted(tokenizer.special_ids.intersection(ids) - markers)
        self.tokens = [tokenizer.token_bytes(token, markers) for token in ids]
        for token in self.special_token_ids:
            self.tokens[token] = tokenizer.token_text(token).encode()
        self.eos_ids = sorted(tokenizer.eos_ids.intersection(ids))
        self.eos_token_id = self.eos_ids[0] if self.eos_ids else None
        self._markers = {self.tokens[token].decode(): token for token in sorted(markers.intersection(ids))}
        longest_first = sorted(self._markers, key=len, reverse=True)
        self._marker = re.compile(f"({'|'.join(map(re.escape, longest_first))})" if longest_first else r"(?!)")

    def __call__(self, text: str) -> list[int]:
        """The ids of text in the middle of a reply, as the model itself would write it; it never fails."""
        return self.encode(text, at_start=False)

    def encode(self, text: str, *, at_start: bool) -> list[int]:
        """The ids of text in a reply.

        Args:
            text: what they spell, to the byte.
            at_start: the reply begins with it; the ids may spell a first space that is no text.
        """
        ids: list[int] = []
        for piece in filter(None, self._marker.split(text)):
            marker = self._markers.get(piece)
            ids += self._encode_plain(piece, at_start=at_start and not ids) if marker is None else [marker]
        return ids

    def spell(self, data: bytes) -> list[int]:
        """Ids of tokens with these bytes, the longest that fits at each place; short where the vocabulary has none."""
        ids: list[int] = []
        while data:
            length = next((n for n in range(min(len(data), self._longest), 0, -1) if data[:n] in self._by_bytes), 0)
            if length == 0:
                break
            ids.append(self._by_bytes[data[:length]])
            data = data[length:]
        return ids

    def _encode_plain(self, text: str, *, at_start: bool) -> list[int]:
        try:
            ids = self._tokenizer.encode_inside(text, at_start=at_start)
        except ModelBroken:
            ids = None
        if ids is None or any(token >= len(self.tokens) for token in ids):
            return self.spell(text.encode())
        return ids

    @cached_property
    def _by_bytes(self) -> dict[bytes, int]:
        special = set(self.special_token_ids)
        return {data: token for token, data in enumerate(self.tokens) if data and token not in special}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._by_bytes), default=0)
