"""Writing ``tokenizer.json``, and trying out one that came from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from tokenizers import Tokenizer

from tether_desktop.model.compiler.tokenizers.vocabulary import MOST_TOKENS, refused
from tether_desktop.model.tvm.detokenizer import token_decoder

_PROBES = (
    *("a" * 2000 + "!", " " * 2000 + "a", "\n" * 2000, "1" * 2000 + ".", "=" * 2000 + "\n"),
    *("aB'" * 700, "é漢🦙\u0301 " * 400, "a " * 1000, ".a1" * 700),
)
"""Texts on which an expression that goes back and forth without end gives up."""

_LARGEST_FILE = 64 << 20
_MOST_ADDED = 100_000
_MOST_GROWTH = 64
"""How much longer a text may get before it is cut into words, by all replacements together."""


def write_tokenizer_json(tokenizer: Tokenizer, merges: Sequence[tuple[str, str]]) -> bytes:
    """The file, with the merges that the tokenizer was built without.

    A merge is written as one text where that is clear, which is read faster than two, and by older readers too.
    """
    is_clear = not any(" " in left or " " in right for left, right in merges)
    listed = [f"{left} {right}" for left, right in merges] if is_clear else merges
    # Inside a text, quotes are escaped; so this is the list itself, and parsing megabytes for it would take a second.
    head, tail = tokenizer.to_str(pretty=False).rsplit('"merges":[]', 1)
    return f'{head}"merges":{json.dumps(listed, ensure_ascii=False, separators=(",", ":"))}{tail}'.encode()


def try_tokenizer_json(name: str, data: bytes) -> Tokenizer:
    """The tokenizer of such a file.

    Raises:
        ModelBroken: it cannot be understood, is absurd, of a family that cannot be run, or fails to tokenize.
    """
    added = data.count(b'"content"')
    if len(data) > _LARGEST_FILE or added > _MOST_ADDED:
        raise refused(name, f"it is absurd: it has {len(data):,} bytes and {added:,} added tokens")
    try:
        tokenizer = Tokenizer.from_str(data.decode())
    except BaseException as error:  # what the library does not understand may be a panic, which is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise refused(name, str(error)[:200]) from error
    if tokenizer.get_vocab_size() > MOST_TOKENS:
        raise refused(name, f"its vocabulary has {tokenizer.get_vocab_size():,} tokens")
    token_decoder(tokenizer)
    _check_growth(name, tokenizer)
    _try_out(name, tokenizer)
    return tokenizer


def _check_growth(name: str, tokenizer: Tokenizer) -> None:
    """Refuse a normalizer that makes a text so much longer that it fills the memory."""
    normalizer = tokenizer.normalizer
    growth = prod(_growths(json.loads(normalizer.__getstate__()))) if normalizer else 1
    if growth > _MOST_GROWTH:
        raise refused(name, "its normalizer makes texts longer beyond measure")


def _growths(step: Any) -> Iterator[int]:
    """How many times longer each step of a normalizer may make a text."""
    for inner in step.get("normalizers", ()):
        yield from _growths(inner)
    yield max(len(step.get("content", "")), len(step.get("prepend", "")), 1)


def _try_out(name: str, tokenizer: Tokenizer) -> None:
    # Neither is ever used; a length to fill up to could be any.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    try:
        for probe in _PROBES:
            tokenizer.encode(probe, add_special_tokens=False)
    except BaseException as error:  # a panic of the library, as over an endless search, is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise refused(name, f"it fails to tokenize: {str(error)[:200]}") from error
