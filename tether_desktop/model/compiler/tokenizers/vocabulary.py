"""The tokens of a model with their kinds and scores, checked before anything is built of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import isnan
from typing import Any

from tether_desktop.errors import ModelBroken

MOST_TOKENS = 1 << 20
_LONGEST_TOKEN = 1024
_MOST_CHARACTERS = 1 << 24


class TokenKind(IntEnum):
    """What a token is for; GGUF and SentencePiece number the kinds alike."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All tokens of a model by id.

    Attributes:
        tokens: their texts, each different.
        kinds: their kinds, as numbers of :class:`TokenKind`; others are treated as normal ones.
        scores: the higher, the earlier a token is merged; empty where merges are listed instead.
    """

    tokens: Sequence[str]
    kinds: Sequence[int]
    scores: Sequence[float] = ()

    def of(self, *kinds: TokenKind) -> Iterator[str]:
        """The tokens of some kinds, by id."""
        wanted = set(kinds)
        return (token for token, kind in zip(self.tokens, self.kinds, strict=True) if kind in wanted)

    def ids(self) -> dict[str, int]:
        """Ids by token."""
        return {token: number for number, token in enumerate(self.tokens)}


def check_vocabulary(name: str, tokens: list[Any], kinds: list[Any], scores: list[Any] | None = None) -> Vocabulary:
    """Take over what a file says; an empty token, which cannot be written, gets a name of its own.

    Args:
        name: of the file, for messages.
        tokens: texts by id.
        kinds: kinds by id; empty when all are normal.
        scores: scores by id; None when the file has none.

    Raises:
        ModelBroken: the lists do not belong together, or are absurd.
    """
    if not 0 < len(tokens) <= MOST_TOKENS:
        raise refused(name, f"its vocabulary has {len(tokens):,} tokens")
    if not all(type(token) is str for token in tokens):
        raise refused(name, "its vocabulary does not consist of texts")
    if max(map(len, tokens)) > _LONGEST_TOKEN or sum(map(len, tokens)) > _MOST_CHARACTERS:
        raise refused(name, f"its vocabulary is absurd: one token has {max(map(len, tokens)):,} characters")
    named = [token or f"[EMPTY_{number}]" for number, token in enumerate(tokens)]
    if len(set(named)) != len(named):
        raise refused(name, f"its vocabulary has {Counter(named).most_common(1)[0][0]!r} twice")
    kinds = kinds or [int(TokenKind.NORMAL)] * len(tokens)
    if len(kinds) != len(tokens) or not all(type(kind) is int for kind in kinds):
        raise refused(name, f"it has {len(kinds):,} kinds for {len(tokens):,} tokens")
    return Vocabulary(named, kinds, _checked_scores(name, scores, len(tokens)))


def refused(name: str, reason: str, hint: str = "Fetch the model again, or choose another one.") -> ModelBroken:
    """The error that says why a tokenizer cannot be used.

    Args:
        name: of the file or folder.
        reason: what is wrong with it, without a full stop.
        hint: what to do.
    """
    return ModelBroken("The model's tokenizer cannot be used", f"{name}: {reason}.", hint)


def _checked_scores(name: str, scores: list[Any] | None, count: int) -> Sequence[float]:
    if scores is None:
        return ()
    if len(scores) != count or not all(type(score) is float and not isnan(score) for score in scores):
        raise refused(name, f"it has no usable score for each of its {count:,} tokens")
    return scores
