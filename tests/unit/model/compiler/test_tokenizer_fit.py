"""No token is beyond the embedding."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.tokenizer_fit import fit_tokenizer


def files(vocab: object, added: tuple[int, ...] = (), **config: Any) -> dict[str, bytes]:
    tokens = [{"id": number, "content": f"<{number}>", "special": True} for number in added]
    document = {"added_tokens": tokens, "model": {"type": "BPE", "vocab": vocab}}
    return {
        "tokenizer.json": json.dumps(document).encode(),
        "tokenizer_config.json": json.dumps(config).encode(),
        "special_tokens_map.json": b"{}",
    }


def test_a_tokenizer_of_as_many_or_fewer_tokens_stays_as_it_is() -> None:
    for rows in (2, 16):
        given = files({"a": 0, "b": 1}, added=(1,))
        assert fit_tokenizer(given, rows) is given


def test_added_tokens_beyond_the_embedding_are_left_out() -> None:
    given = files({"a": 0, "b": 1}, added=(0, 2), added_tokens_decoder={"0": {}, "2": {}}, unk="a")
    fitted = fit_tokenizer(given, 2)
    tokenizer = json.loads(fitted["tokenizer.json"])
    assert [token["id"] for token in tokenizer["added_tokens"]] == [0]
    assert json.loads(fitted["tokenizer_config.json"]) == {"added_tokens_decoder": {"0": {}}, "unk": "a"}
    assert fitted.keys() == given.keys()


@pytest.mark.parametrize("vocab", [{"a": 0, "b": 1, "<2>": 2}, [["a", 0.0], ["b", -1.0], ["<2>", -2.0]]])
def test_added_tokens_are_left_out_of_the_vocabulary_as_well(vocab: object) -> None:
    tokenizer = json.loads(fit_tokenizer(files(vocab, added=(2,)), 2)["tokenizer.json"])
    assert len(tokenizer["model"]["vocab"]) == 2


@pytest.mark.parametrize("vocab", [{"a": 0, "b": 2}, [["a", 0.0], ["x", 0.0], ["b", -1.0]]])
def test_a_vocabulary_beyond_the_embedding_is_refused(vocab: object) -> None:
    with pytest.raises(ModelBroken, match="beyond the 2 rows of the embedding, as 'b'"):
        fit_tokenizer(files(vocab), 2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"model": []}',
        b'{"model": {"vocab": 7}}',
        b'{"model": {"vocab": {"a": "b"}}}',
        b'{"model": {"vocab": [7]}}',
        b'{"model": {"vocab": {}}, "added_tokens": [{"id": 9}]}',
        b'{"model": {"vocab": {}}, "added_tokens": [{"content": "a"}]}',
        b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_tokenizer_is_refused(content: bytes) -> None:
    with pytest.raises(ModelBroken, match=r"tokenizer does not fit: its tokenizer\.json"):
        fit_tokenizer({"tokenizer.json": content}, 4)


def test_an_added_token_without_a_configuration_to_leave_it_out_of_is_refused() -> None:
    given = files({"a": 0}, added=(7,))
    given["tokenizer_config.json"] = b"no JSON"
    with pytest.raises(ModelBroken, match=r"its tokenizer_config\.json cannot be read"):
        fit_tokenizer(given, 2)
