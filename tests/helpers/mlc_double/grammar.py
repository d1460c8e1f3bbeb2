"""What the double holds a reply to: a schema, which it compiles when the request begins, as the real engine does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from tokenizers import Tokenizer

from tests.helpers.mlc_double.machine import Floats


class Grammar:
    """Follows one reply that is held to a schema."""

    def __init__(self, schema: dict[str, Any], tokenizer: Tokenizer, stop_tokens: Sequence[int]) -> None:
        """Compile it.

        Raises:
            RuntimeError: it cannot be compiled.
        """
        # Of any white space between two values, the double's machine would make a whole reply.
        grammar = LLMatcher.grammar_from_json_schema(schema, {"whitespace_flexible": False})
        vocabulary = LLTokenizer(tokenizer.to_str(), tokenizer.get_vocab_size(), list(stop_tokens))
        self._matcher = LLMatcher(vocabulary, grammar, log_level=0)
        self._check()

    def forbid(self, logits: Floats) -> None:
        """Take what cannot come next out of the logits."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._check()
        allowed = np.unpackbits(bits, count=len(logits), bitorder="little").astype(bool)
        logits[~allowed] = -np.inf

    def take(self, token: int) -> None:
        """Go on behind a token."""
        self._matcher.consume_token(token)

    def _check(self) -> None:
        if self._matcher.is_error():
            raise RuntimeError(self._matcher.get_error())


def grammar_of(form: dict[str, Any] | None, tokenizer: Tokenizer, stop_tokens: Sequence[int]) -> Grammar | None:
    """The grammar of a response format; None where it asks for nothing.

    Raises:
        ValueError, RuntimeError: it cannot be compiled.
    """
    if form is None or form["type"] == "text":
        return None
    return Grammar(json.loads(form.get("schema", "{}")), tokenizer, stop_tokens)
