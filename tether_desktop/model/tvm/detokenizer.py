"""Tokens to text while they come: whole characters only, each token looked at once."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tokenizers import Tokenizer

from tether_desktop.errors import ModelBroken

_SPACE_MARK = "▁"
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class TokenDecoder:
    """What a tokenizer's ``decoder`` says about the bytes behind a token's spelling.

    Two families are known: byte-level BPE, whose every character stands for a byte, and SentencePiece, which
    marks spaces by ``▁`` and spells stray bytes as ``<0xE2>``.

    Attributes:
        is_byte_level: of the first family.
        strips_first_space: a reply's first space belongs to the format and not to the text.
    """

    def __init__(self, decoder: dict[str, Any] | None) -> None:
        """Read the ``decoder`` object of ``tokenizer.json``.

        Raises:
            ModelBroken: it is of another family.
        """
        steps = {step["type"]: step for step in _steps(decoder)}
        self.is_byte_level = steps.keys() == {"ByteLevel"}
        self._byte_fallback = "ByteFallback" in steps
        sentence_piece = {"Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"}
        if not self.is_byte_level and not (steps and steps.keys() <= sentence_piece):
            raise ModelBroken(
                "The model's tokenizer is not known",
                f"tokenizer.json: the decoder {sorted(steps) or 'null'} is neither byte-level nor SentencePiece.",
                "Choose another model.",
            )
        metaspace = steps.get("Metaspace", {"prepend_scheme": "never"})
        self.strips_first_space = "Strip" in steps or metaspace.get("prepend_scheme", "always") != "never"

    def token_bytes(self, spelling: str) -> bytes:
        """The UTF-8 bytes that a token adds to the text."""
        if self.is_byte_level:
            try:
                return bytes(_BYTE_LEVEL[character] for character in spelling)
            except KeyError:
                return spelling.encode()
        if self._byte_fallback and (match := _BYTE_TOKEN.fullmatch(spelling)):
            return bytes([int(match[1], 16)])
        return spelling.replace(_SPACE_MARK, " ").encode()

    def word_bytes(self, text: str) -> bytes:
        """The UTF-8 bytes of a token that was added to the vocabulary as a word of its own."""
        return text.encode() if self.is_byte_level else self.token_bytes(text)


def token_decoder(tokenizer: Tokenizer) -> TokenDecoder:
    """The decoder of a tokenizer.

    Raises:
        ModelBroken: it is of an unknown family.
    """
    # Its state is its JSON object; parsing the whole file for it would double the time to load.
    decoder = tokenizer.decoder
    return TokenDecoder(json.loads(decoder.__getstate__()) if decoder else None)


class IncrementalDetokenizer:
    """Text of one reply; an incomplete character is held back until the token that completes it."""

    def __init__(self, token_bytes: Callable[[int], bytes], decoder: TokenDecoder) -> None:
        """Prepare for the first token.

        Args:
            token_bytes: the bytes that a token adds; none for tokens that are not shown.
            decoder: says whether the first space is text.
        """
        self._token_bytes = token_bytes
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._strip = decoder.strips_first_space

    def add(self, token: int) -> str:
        """The text that ``token`` completes, possibly none."""
        data = self._token_bytes(token)
        if data and self._strip:
            data, self._strip = data.removeprefix(b" "), False
        return self._utf8.decode(data)

    def finish(self) -> str:
        """What is held back, with U+FFFD in place of a character that never got complete."""
        return self._utf8.decode(b"", final=True)


def _steps(decoder: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    if decoder is None:
        return
    if decoder["type"] != "Sequence":
        yield decoder
        return
    for step in decoder["decoders"]:
        yield from _steps(step)


def _byte_level_alphabet() -> dict[str, int]:
    """GPT-2's characters for the 256 bytes: printable Latin-1 stands for itself, the rest is moved above it."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


_BYTE_LEVEL = _byte_level_alphabet()
