"""SentencePiece's BPE tokenizers from their pieces and scores.

SentencePiece joins, again and again, the two neighbours whose union has the best score, the leftmost first. BPE joins
by a list of pairs, so each piece needs the pair it is joined from. There is only one: while a piece is formed, nothing
is joined across its ends, and what is inside is joined just as it would be alone. So a piece that is taken apart into
characters and joined again tells its last pair, and a piece that does not come together is never used.
"""

from __future__ import annotations

from collections.abc import Container
from itertools import pairwise
from math import inf
from typing import Literal

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from tether_desktop.model.compiler.tokenizers.byte_level import add_tokens
from tether_desktop.model.compiler.tokenizers.vocabulary import TokenKind, Vocabulary

SPACE = "▁"
_NEVER = -inf
Prefix = Literal["always", "first", "never"]
"""Where a space is put before text: after each special token as well, at the beginning of all, or nowhere."""


def build_sentence_piece(vocabulary: Vocabulary, prefix: Prefix, strips_after: Container[str] = ()) -> Tokenizer:
    """Build the tokenizer, without its merges.

    Args:
        vocabulary: has scores.
        prefix: where a space is put before text.
        strips_after: control tokens that take the white space behind them along.
    """
    unknown = next(vocabulary.of(TokenKind.UNKNOWN), None)
    has_bytes = sum(kind == TokenKind.BYTE for kind in vocabulary.kinds) == 256
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary.ids(), merges=[], unk_token=unknown, fuse_unk=True, byte_fallback=has_bytes)
    )
    _write_spaces(tokenizer, prefix)
    add_tokens(tokenizer, vocabulary, strips_after)
    return tokenizer


def derive_merges(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """The pair that each piece is joined from, the best piece first."""
    scores = {
        token: score
        for token, kind, score in zip(vocabulary.tokens, vocabulary.kinds, vocabulary.scores, strict=True)
        if kind == TokenKind.NORMAL
    }
    pieces = sorted((piece for piece in scores if len(piece) > 1), key=scores.__getitem__, reverse=True)
    pairs = (_last_pair(piece, scores) for piece in pieces)
    return [pair for pair in pairs if pair]


def _last_pair(piece: str, scores: dict[str, float]) -> tuple[str, str] | None:
    """The two parts that a piece is joined from; None when joining its characters does not lead to it."""
    cuts = [cut for cut in range(1, len(piece)) if piece[:cut] in scores and piece[cut:] in scores]
    if len(cuts) < 2:
        return (piece[: cuts[0]], piece[cuts[0] :]) if cuts else None
    parts = list(piece)
    while len(parts) > 2:
        unions = [left + right for left, right in pairwise(parts)]
        known = [scores.get(union, _NEVER) for union in unions]
        best = max(known)
        if best == _NEVER:
            return None
        at = known.index(best)
        parts[at : at + 2] = [unions[at]]
    return parts[0], parts[1]


def _write_spaces(tokenizer: Tokenizer, prefix: Prefix) -> None:
    unmark = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    if prefix == "first":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, prepend_scheme="first", split=False)
    else:
        marks = [normalizers.Prepend(SPACE)] if prefix == "always" else []
        tokenizer.normalizer = normalizers.Sequence([*marks, normalizers.Replace(" ", SPACE)])
    strip = [] if prefix == "never" else [decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence([*unmark, *strip])
