"""Replies held to a JSON schema, a regular expression or a grammar: compiled once, followed token by token."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from tether_desktop.model.engine import Constraint
from tether_desktop.model.tvm.first_space import FirstSpace
from tether_desktop.model.tvm.grammar_compiler import compile_grammar, refused_by
from tether_desktop.model.tvm.grammar_text import grammar_text
from tether_desktop.model.tvm.grammar_vocabulary import GrammarVocabulary
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

if TYPE_CHECKING:
    from llguidance import LLMatcher

_KEPT_GRAMMARS = 8
_KEPT_VOCABULARIES = 2

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Constraints:
    """Compiles what replies are held to, for one model; nothing is done before the first request for it."""

    def __init__(self, tokenizer: ModelTokenizer, vocab_size: int) -> None:
        """Prepare.

        Args:
            tokenizer: the model's.
            vocab_size: tokens that the model knows.
        """
        self._tokenizer = tokenizer
        self._vocab_size = vocab_size
        self._vocabularies: dict[frozenset[int], _Vocabulary] = {}
        self._grammars: dict[tuple[Constraint, frozenset[int]], LLMatcher] = {}

    async def begin(self, constraint: Constraint, markers: frozenset[int]) -> ReplyConstraint:
        """Prepare to hold a reply to something; others can use the loop meanwhile.

        Args:
            constraint: what.
            markers: special tokens that count as the text they spell.

        Raises:
            ConstraintRefused: it is not understood, no text can fulfil it, or it is too much.
        """
        key = constraint, markers
        grammar = grammar_text(constraint) if key not in self._grammars else None
        vocabulary = self._vocabularies.get(markers)
        if vocabulary is None:
            vocabulary = await asyncio.to_thread(_Vocabulary, self._tokenizer, self._vocab_size, markers)
        _keep(self._vocabularies, markers, vocabulary, _KEPT_VOCABULARIES)
        matcher = await compile_grammar(grammar, vocabulary.tokenizer) if grammar else self._grammars[key]
        _keep(self._grammars, key, matcher, _KEPT_GRAMMARS)
        return ReplyConstraint(matcher.deep_copy(), vocabulary)


class ReplyConstraint:
    """Holds one reply to what it has to be.

    Attributes:
        finished: the reply is complete, and nothing can follow.
    """

    def __init__(self, matcher: LLMatcher, vocabulary: _Vocabulary) -> None:
        self._matcher = matcher
        self._vocabulary = vocabulary
        self._first_space = vocabulary.first_space
        self.finished = matcher.is_stopped()

    def forced(self) -> list[int]:
        """The tokens that have to come next, where the text leaves no choice; often none."""
        tokens = self._matcher.compute_ff_tokens()
        return self._first_space.forced(tokens) if self._first_space and tokens else tokens

    def allowed(self) -> NDArray[np.bool_]:
        """bool[tokens]: what may come next, tokens that end the reply among it.

        Raises:
            ConstraintRefused: the limits are reached, or the vocabulary has nothing that could follow.
        """
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        if self._matcher.is_error():
            raise refused_by(self._matcher)
        allowed = np.unpackbits(bits, count=self._vocabulary.size, bitorder="little").view(np.bool_)
        return self._first_space.allow(allowed, self._matcher) if self._first_space else allowed

    def take(self, token: int) -> None:
        """Go on behind a token of the reply.

        Raises:
            ConstraintRefused: the limits are reached.
        """
        tokens = self._first_space.without(token) if self._first_space else [token]
        self._first_space = None
        if not self._matcher.consume_tokens(tokens):
            raise refused_by(self._matcher)
        self.finished = self._matcher.is_stopped()


class _Vocabulary:
    """The tokens as llguidance sorts them, which takes up to a second.

    Attributes:
        size: how many they are.
        tokenizer: what grammars are compiled for.
        first_space: how a reply begins; None where its first space is text as any other.
    """

    def __init__(self, tokenizer: ModelTokenizer, vocab_size: int, markers: frozenset[int]) -> None:
        # Imported where it is needed, so that loading a model does not wait for it.
        from llguidance import LLTokenizer

        tokens = GrammarVocabulary(tokenizer, vocab_size, markers)
        self.size = len(tokens.tokens)
        self.tokenizer = LLTokenizer(cast("Any", tokens), eos_token=tokens.eos_ids or None)
        self.first_space = FirstSpace(tokens) if tokenizer.strips_first_space else None


def _keep(kept: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    """Put the newest last, and let go of the oldest beyond the limit."""
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]
