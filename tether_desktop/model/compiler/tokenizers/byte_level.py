"""Byte-level BPE tokenizers from their vocabulary, and merges as they are listed."""

from __future__ import annotations

from collections.abc import Container, Iterable

from tokenizers import AddedToken, Tokenizer, decoders, models

from tether_desktop.model.compiler.tokenizers.text_split import TextSplit
from tether_desktop.model.compiler.tokenizers.vocabulary import TokenKind, Vocabulary, refused


def build_byte_level(vocabulary: Vocabulary, split: TextSplit) -> Tokenizer:
    """Build the tokenizer, without its merges.

    Args:
        vocabulary: its tokens; a normal one stands for bytes, each written as a character of GPT-2's alphabet.
        split: how text is cut into words.
    """
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary.ids(), merges=[], ignore_merges=split.ignores_merges))
    if normalizer := split.normalizer():
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = split.pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    add_tokens(tokenizer, vocabulary)
    return tokenizer


def add_tokens(tokenizer: Tokenizer, vocabulary: Vocabulary, strips_after: Container[str] = ()) -> None:
    """Let control tokens and user-defined ones be recognised in text as a whole.

    Args:
        tokenizer: gets them.
        vocabulary: has them.
        strips_after: control tokens that take the white space behind them along.
    """
    special = vocabulary.of(TokenKind.CONTROL, TokenKind.UNKNOWN)
    tokenizer.add_special_tokens(
        [AddedToken(text, special=True, normalized=False, rstrip=text in strips_after) for text in special]
    )
    words = vocabulary.of(TokenKind.USER_DEFINED)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in words])


def read_merges(name: str, lines: Iterable[object], vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Merges written as "left right", the first one first.

    Raises:
        ModelBroken: one is not of the vocabulary.
    """
    known = set(vocabulary.tokens)
    return [_merge(name, line, known) for line in lines]


def _merge(name: str, line: object, known: set[str]) -> tuple[str, str]:
    text = str(line)
    # The left part is never empty, but it may be a space where the file did not write bytes as characters.
    cut = text.find(" ", 1)
    left, right = text[:cut], text[cut + 1 :]
    if cut < 0 or not {left, right, left + right} <= known:
        raise refused(name, f"its merge {text[:80]!r} is not of its vocabulary")
    return left, right
