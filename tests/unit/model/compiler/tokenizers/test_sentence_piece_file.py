"""SentencePiece's file is read strictly: what it says, or why it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.tokenizer_sources import pieces_of, write_sentence_piece
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.tokenizers.sentence_piece_file import read_sentence_piece

PIECES = pieces_of(["▁the", "▁hat"])


def test_pieces_scores_and_kinds_are_what_was_written(tmp_path: Path) -> None:
    vocabulary = read_sentence_piece(write_sentence_piece(tmp_path / "tokenizer.model", PIECES)).vocabulary
    assert list(zip(vocabulary.tokens, vocabulary.scores, vocabulary.kinds, strict=True)) == PIECES


@pytest.mark.parametrize(("said", "meant"), [(None, True), (True, True), (False, False)])
def test_a_space_before_text_is_the_rule_unless_the_file_says_no(
    tmp_path: Path, said: bool | None, meant: bool
) -> None:
    path = write_sentence_piece(tmp_path / "tokenizer.model", PIECES, add_dummy_prefix=said)
    assert read_sentence_piece(path).adds_prefix is meant


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"kind": 1}, "another kind than BPE"),
        ({"charsmap": b"\1\2"}, "rewrites text"),
        ({"remove_extra_whitespaces": True}, "rewrites text"),
    ],
)
def test_what_cannot_be_rebuilt_exactly_is_refused(tmp_path: Path, options: dict[str, int], reason: str) -> None:
    path = write_sentence_piece(tmp_path / "tokenizer.model", PIECES, **options)  # type: ignore[arg-type]
    with pytest.raises(ModelBroken, match=reason) as refusal:
        read_sentence_piece(path)
    assert "tokenizer.json" in refusal.value.hint


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"IQ== 0\nIg== 1\n",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xff" * 11,
        b"\x0b\x0c",
        b"\x0a\x04\x0a\x02\xff\xfe",
        b"\x0a\x02\x15\x00",
        b"\x0a\x02\x08\x01",
    ],
)
def test_something_else_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(data)
    with pytest.raises(ModelBroken, match="damaged, or no SentencePiece tokenizer"):
        read_sentence_piece(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match=r"tokenizer\.model"):
        read_sentence_piece(tmp_path / "tokenizer.model")


@given(st.integers(0, 700), st.integers(0, 255), st.integers(0, 3))
@settings(
    deadline=None, derandomize=True, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_damage_ends_in_a_refusal_or_in_a_vocabulary(tmp_path: Path, at: int, value: int, cut: int) -> None:
    path = write_sentence_piece(tmp_path / "tokenizer.model", PIECES[:40])
    data = bytearray(path.read_bytes())
    data[at % len(data)] = value
    path.write_bytes(data[: len(data) - cut])
    try:
        vocabulary = read_sentence_piece(path).vocabulary
    except ModelBroken:
        return
    assert len(vocabulary.tokens) == len(vocabulary.kinds) == len(vocabulary.scores)
