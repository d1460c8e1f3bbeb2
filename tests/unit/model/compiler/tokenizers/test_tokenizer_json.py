"""A tokenizer.json from elsewhere is tried out before it is used."""

from __future__ import annotations

import json

import pytest
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.tokenizers.tokenizer_json import try_tokenizer_json, write_tokenizer_json


def byte_level(expression: str = r"\s+") -> Tokenizer:
    tokenizer = Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2, " ": 3, "a ": 4}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(expression), "isolated")
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def test_merges_are_written_as_one_text_each() -> None:
    data = write_tokenizer_json(byte_level(), [("a", "b")])
    assert json.loads(data)["model"]["merges"] == ["a b"]
    assert try_tokenizer_json("tokenizer.json", data).encode("ab").tokens == ["ab"]


def test_a_token_that_looks_like_the_list_of_merges_is_no_obstacle() -> None:
    odd = '"merges":[]'
    tokenizer = Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2, odd: 3}, []))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([odd])
    again = try_tokenizer_json("tokenizer.json", write_tokenizer_json(tokenizer, [("a", "b")]))
    assert again.encode("ab" + odd).ids == [2, 3]


def test_merges_of_tokens_with_spaces_are_written_as_pairs() -> None:
    data = write_tokenizer_json(byte_level("b"), [("a", " ")])
    assert try_tokenizer_json("tokenizer.json", data).encode("a ").tokens == ["a "]


@pytest.mark.parametrize("expression", ["(a+)+$", "(a|a)*$", r"(\s+)+$"])
def test_an_expression_that_searches_without_end_is_refused(expression: str) -> None:
    with pytest.raises(ModelBroken, match="fails to tokenize"):
        try_tokenizer_json("tokenizer.json", byte_level(expression).to_str().encode())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "EOF"),
        (b"\xff", "utf-8"),
        (b"{}", "Model missing"),
        (b'{"decoder":' + b'{"type":"Sequence","decoders":[' * 50_000, "recursion limit"),
        (b'{"added_tokens":[],"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}', "out of vocabulary"),
        (b'{"added_tokens":[],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}', "neither byte-level"),
    ],
)
def test_what_cannot_be_understood_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ModelBroken, match=reason):
        try_tokenizer_json("tokenizer.json", data)
