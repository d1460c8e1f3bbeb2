"""The first token of a reply where its first space is no text: what a grammar says of it without that space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tether_desktop.model.tvm.grammar_vocabulary import GrammarVocabulary

if TYPE_CHECKING:
    from llguidance import LLMatcher


class FirstSpace:
    """Tokens that begin with a space, and the tokens that spell the rest of them.

    SentencePiece writes a space before a text, which is taken off again from a reply. A grammar knows only the
    text, so " {" has to count as "{" where the reply begins.
    """

    def __init__(self, vocabulary: GrammarVocabulary) -> None:
        """Find them all; takes some hundredths of a second."""
        self._vocabulary = vocabulary
        special = set(vocabulary.special_token_ids)
        spaced = (i for i, data in enumerate(vocabulary.tokens) if data.startswith(b" ") and i not in special)
        self._rest = {token: vocabulary.spell(vocabulary.tokens[token][1:]) for token in spaced}
        self._impossible = {token for token, rest in self._rest.items() if not self._is_whole(token, rest)}

    def without(self, token: int) -> list[int]:
        """The tokens that the first token of a reply counts as; none for the space itself."""
        return self._rest.get(token, [token])

    def forced(self, tokens: list[int]) -> list[int]:
        """The tokens that must begin the reply, as the model itself would begin with their text."""
        data = b"".join(self._vocabulary.tokens[token] for token in tokens)
        try:
            encoded = self._vocabulary.encode(data.decode(), at_start=True)
        except UnicodeDecodeError:
            return tokens
        return encoded or tokens

    def allow(self, allowed: NDArray[np.bool_], matcher: LLMatcher) -> NDArray[np.bool_]:
        """Which tokens may begin the reply: of those with a space, the ones that may do so without it.

        Args:
            allowed: bool[tokens], those that the grammar has begin.
            matcher: at the beginning of the reply.
        """
        beginnings = {self._vocabulary.tokens[token][:1] for token in np.flatnonzero(allowed).tolist()}
        result = allowed.copy()
        for token, rest in self._rest.items():
            if len(rest) == 1:
                result[token] = allowed[rest[0]]
            elif self._vocabulary.tokens[token][1:2] in beginnings:
                result[token] = matcher.validate_tokens(rest) == len(rest)
            else:
                result[token] = not rest
        result[list(self._impossible)] = False
        return result

    def _is_whole(self, token: int, rest: list[int]) -> bool:
        """Whether the vocabulary can spell a token without its space."""
        return b"".join(self._vocabulary.tokens[each] for each in rest) == self._vocabulary.tokens[token][1:]
