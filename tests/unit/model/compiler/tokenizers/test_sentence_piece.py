"""A tokenizer rebuilt from pieces and scores joins what SentencePiece would join."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tests.helpers.tokenizer_sources import BYTE, CONTROL, NORMAL, UNUSED, USER_DEFINED, Piece, pieces_of
from tether_desktop.model.compiler.tokenizers.sentence_piece import Prefix, build_sentence_piece, derive_merges
from tether_desktop.model.compiler.tokenizers.tokenizer_json import write_tokenizer_json
from tether_desktop.model.compiler.tokenizers.vocabulary import Vocabulary


def vocabulary(pieces: list[Piece]) -> Vocabulary:
    tokens, scores, kinds = zip(*pieces, strict=True)
    return Vocabulary(tokens, kinds, scores)


def build(pieces: list[Piece], prefix: Prefix = "never") -> Tokenizer:
    known = vocabulary(pieces)
    return Tokenizer.from_str(write_tokenizer_json(build_sentence_piece(known, prefix), derive_merges(known)).decode())


def greedy(text: str, scores: dict[str, float]) -> list[str]:
    """What SentencePiece does, plainly: join the best pair, of equal ones the leftmost, while there is any."""
    parts = list(text)
    while True:
        candidates = [(scores[a + b], -place) for place, (a, b) in enumerate(pairwise(parts)) if a + b in scores]
        if not candidates:
            return parts
        place = -max(candidates)[1]
        parts[place : place + 2] = [parts[place] + parts[place + 1]]


@st.composite
def piece_scores(draw: st.DrawFn) -> dict[str, float]:
    """Pieces over a small alphabet, so that they overlap in every way, each with a score of its own."""
    longer = draw(st.lists(st.text("ab▁", min_size=2, max_size=7), unique=True, max_size=24))
    ranks = draw(st.permutations(range(len(longer))))
    characters = {character: -1000.0 - number for number, character in enumerate("ab▁")}
    return characters | {piece: -float(rank) for piece, rank in zip(longer, ranks, strict=True)}


@given(piece_scores(), st.lists(st.text("ab▁", max_size=30), min_size=3, max_size=8))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_any_text_is_cut_as_by_joining_the_best_pair_again_and_again(
    scores: dict[str, float], texts: list[str]
) -> None:
    tokenizer = build([(piece, score, NORMAL) for piece, score in scores.items()])
    for text in texts:
        assert tokenizer.encode(text).tokens == greedy(text, scores)


def test_a_piece_has_one_pair_and_one_that_never_comes_together_has_none() -> None:
    pieces = [("ab", -1.0, NORMAL), ("bc", -2.0, NORMAL), ("abc", -3.0, NORMAL), ("cba", -4.0, NORMAL)]
    merges = derive_merges(vocabulary([*pieces, *((letter, -9.0, NORMAL) for letter in "abc")]))
    assert merges == [("a", "b"), ("b", "c"), ("ab", "c")]


@pytest.mark.parametrize("kind", [CONTROL, USER_DEFINED, UNUSED, BYTE])
def test_only_normal_pieces_are_joined(kind: int) -> None:
    pieces = [("a", -2.0, NORMAL), ("b", -3.0, NORMAL), ("ab", -1.0, kind)]
    assert derive_merges(vocabulary(pieces)) == []


@pytest.mark.parametrize(
    ("prefix", "tokens"),
    [
        ("always", ["▁the", "▁hat", "<s>", "▁the"]),
        ("first", ["▁the", "▁hat", "<s>", "the"]),
        ("never", ["the", "▁hat", "<s>", "the"]),
    ],
)
def test_a_space_goes_before_text_where_the_model_wants_it(prefix: Prefix, tokens: list[str]) -> None:
    tokenizer = build(pieces_of(["▁the", "▁hat", "the"]), prefix)
    encoding = tokenizer.encode("the hat<s>the")
    assert encoding.tokens == tokens
    assert tokenizer.decode(encoding.ids) == "the hat" + (" the" if prefix == "always" else "the")


def test_characters_outside_the_vocabulary_become_bytes() -> None:
    tokenizer = build(pieces_of(["the"]))
    encoding = tokenizer.encode("the é\n")
    assert encoding.tokens == ["the", "▁", "<0xC3>", "<0xA9>", "<0x0A>"]
    assert tokenizer.decode(encoding.ids) == "the é\n"


def test_without_all_bytes_they_become_the_unknown_token() -> None:
    pieces = [piece for piece in pieces_of(["the"]) if piece[0] != "<0xC3>"]
    assert build(pieces).encode("theéé").tokens == ["the", "<unk>"]


def test_user_defined_pieces_are_words_of_their_own_and_the_longest_counts() -> None:
    runs: list[Piece] = [("\n" * count, 0.0, USER_DEFINED) for count in (1, 2, 3)]
    tokenizer = build(pieces_of(["the"], extra=[*runs, ("  ", 0.0, USER_DEFINED), ("<b>", 0.0, USER_DEFINED)]))
    assert tokenizer.encode("the<b>\n\n\n\n  t").tokens == ["the", "<b>", "\n\n\n", "\n", "  ", "t"]
    assert not any(token.special for token in tokenizer.get_added_tokens_decoder().values() if token.content == "<b>")
