"""Reading ``tokenizer.model``, the protocol buffer in which SentencePiece keeps a tokenizer.

Only what a tokenizer needs is read, and every length is checked against what is left before it is used. Format:
https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tether_desktop.model.compiler.tokenizers.vocabulary import (
    MOST_TOKENS,
    TokenKind,
    Vocabulary,
    check_vocabulary,
    refused,
)
from tether_desktop.model.compiler.weight_file import file_in

_LARGEST_FILE = 64 << 20
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_PIECE, _TRAINER, _NORMALIZER = 1, 2, 3
_BPE = 2
_DAMAGED = "it is damaged, or no SentencePiece tokenizer"
_HINT = "Take the model's Hugging Face folder with a tokenizer.json, or a GGUF file of it."

Fields = Iterator[tuple[int, int | bytes]]


@dataclass(frozen=True, slots=True)
class SentencePieceModel:
    """What such a file says.

    Attributes:
        vocabulary: its pieces.
        adds_prefix: whether a space is put before text.
    """

    vocabulary: Vocabulary
    adds_prefix: bool


def read_sentence_piece(path: Path) -> SentencePieceModel:
    """Read a file.

    Raises:
        ModelBroken: it is missing, damaged, or of a kind that cannot be rebuilt exactly.
    """
    pieces: list[tuple[str, float, int]] = []
    kind, adds_prefix = 1, True
    try:
        for number, value in _fields(_read(path)):
            if number == _PIECE and isinstance(value, bytes):
                pieces.append(_piece(value))
            elif number == _TRAINER and isinstance(value, bytes):
                kind = _number(dict(_fields(value)).get(3), 1)
            elif number == _NORMALIZER and isinstance(value, bytes):
                adds_prefix = _adds_prefix(path, dict(_fields(value)))
            if len(pieces) > MOST_TOKENS:
                raise refused(path.name, f"its vocabulary has more than {MOST_TOKENS:,} tokens")
    except (ValueError, struct.error) as error:
        raise refused(path.name, _DAMAGED, _HINT) from error
    if not pieces:
        raise refused(path.name, _DAMAGED, _HINT)
    if kind != _BPE:
        raise refused(path.name, "it is a SentencePiece tokenizer of another kind than BPE", _HINT)
    texts, scores, kinds = (list(column) for column in zip(*pieces, strict=True))
    return SentencePieceModel(check_vocabulary(path.name, texts, kinds, scores), adds_prefix)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise refused(path.name, "it is too large for a tokenizer")
        return file_in(path.parent, path.name).read_bytes()
    except OSError as error:
        raise refused(path.name, f"it cannot be read: {error.strerror or error}") from error


def _piece(data: bytes) -> tuple[str, float, int]:
    fields = dict(_fields(data))
    text, score = fields.get(1, b""), fields.get(2, b"\0\0\0\0")
    if not isinstance(text, bytes) or not isinstance(score, bytes):
        raise ValueError("a piece has no text or no score")  # noqa: TRY004 — damage is a ValueError everywhere here
    return text.decode(), struct.unpack("<f", score)[0], _number(fields.get(3), TokenKind.NORMAL)


def _adds_prefix(path: Path, fields: dict[int, int | bytes]) -> bool:
    if fields.get(2) or _number(fields.get(4), 1):
        raise refused(path.name, "it rewrites text beforehand, in a way that cannot be rebuilt exactly", _HINT)
    return bool(_number(fields.get(3), 1))


def _number(value: int | bytes | None, default: int) -> int:
    if value is None:
        return default
    if not isinstance(value, int):
        raise ValueError("a number is none")  # noqa: TRY004 — as above
    return value


def _fields(data: bytes) -> Fields:
    """Numbers and values of the fields of one message."""
    offset = 0
    while offset < len(data):
        key, offset = _varint(data, offset)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, offset = _varint(data, offset)
            yield number, value
            continue
        if wire == _BYTES:
            length, offset = _varint(data, offset)
        elif wire in {_FIXED32, _FIXED64}:
            length = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"unknown wire type {wire}")
        if length > len(data) - offset:
            raise ValueError("a field is longer than its message")
        yield number, data[offset : offset + length]
        offset += length


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if offset >= len(data):
            break
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
    raise ValueError("a number does not end")
