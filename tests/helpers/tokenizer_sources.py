"""Tokenizers as they come: in a GGUF file without weights, in a Hugging Face folder, in SentencePiece's own file."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import gguf

from tests.helpers.gguf_writer import add_field
from tests.helpers.tiny_model import tiny_vocabulary

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

Piece = tuple[str, float, int]

_SPECIAL_PIECES: list[Piece] = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
_BYTE_PIECES: list[Piece] = [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]


def byte_level_fields(pre: str | None = "smollm", **fields: object) -> dict[str, Any]:
    """GGUF metadata of a byte-level tokenizer of 512 tokens; ``fields`` replace some, None takes one out."""
    tokens, merges = tiny_vocabulary(512)
    own = {
        "model": "gpt2",
        "pre": pre,
        "tokens": list(tokens),
        "token_type": [CONTROL if number < 3 else NORMAL for number in range(512)],
        "merges": merges,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    return _ggml(own | fields)


def sentence_piece_fields(pieces: Iterable[Piece], **fields: object) -> dict[str, Any]:
    """GGUF metadata of a SentencePiece tokenizer; ``fields`` replace some, None takes one out."""
    tokens, scores, kinds = (list(column) for column in zip(*pieces, strict=True))
    own = {"model": "llama", "tokens": tokens, "scores": scores, "token_type": kinds}
    return _ggml(own | fields)


def write_tokenizer_gguf(path: Path, fields: Mapping[str, Any], architecture: str = "llama") -> Path:
    """A GGUF file that has metadata and no tensors."""
    writer = gguf.GGUFWriter(path, arch=architecture)
    for key, value in fields.items():
        add_field(writer, key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def pieces_of(words: Iterable[str], *, extra: Iterable[Piece] = ()) -> list[Piece]:
    """The usual special pieces and bytes, the words' characters, the words and their beginnings; earlier ones first."""
    ranked: dict[str, None] = {}
    for word in words:
        ranked |= dict.fromkeys(word[:end] for end in range(2, len(word) + 1))
    characters = dict.fromkeys("".join(ranked) + "▁abcdefghijklmnopqrstuvwxyz")
    normal = [*ranked, *characters]
    return [
        *_SPECIAL_PIECES,
        *_BYTE_PIECES,
        *((text, -float(rank), NORMAL) for rank, text in enumerate(normal)),
        *extra,
    ]


def write_sentence_piece(
    path: Path,
    pieces: Iterable[Piece],
    *,
    kind: int = 2,
    add_dummy_prefix: bool | None = None,
    remove_extra_whitespaces: bool = False,
    charsmap: bytes = b"",
) -> Path:
    """SentencePiece's protocol buffer."""
    prefix = b"" if add_dummy_prefix is None else _number(3, int(add_dummy_prefix))
    normalizer = _bytes(1, b"identity") + (_bytes(2, charsmap) if charsmap else b"") + prefix
    path.write_bytes(
        b"".join(_bytes(1, _piece(*piece)) for piece in pieces)
        + _bytes(2, _number(3, kind) + _number(35, 1))
        + _bytes(3, normalizer + _number(4, int(remove_extra_whitespaces)))
    )
    return path


def write_json(path: Path, document: object) -> Path:
    """A JSON file."""
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _ggml(fields: Mapping[str, object]) -> dict[str, Any]:
    return {
        key if key.startswith("tokenizer.") else f"tokenizer.ggml.{key}": value
        for key, value in fields.items()
        if value is not None
    }


def _piece(text: str, score: float, kind: int) -> bytes:
    return _bytes(1, text.encode()) + bytes([2 << 3 | 5]) + struct.pack("<f", score) + _number(3, kind)


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])
