"""The tokenizer made of a GGUF file's metadata reads text as its model was trained to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from tests.helpers.tiny_model import CHAT_TEMPLATE
from tests.helpers.tokenizer_sources import (
    NORMAL,
    USER_DEFINED,
    byte_level_fields,
    pieces_of,
    sentence_piece_fields,
    write_tokenizer_gguf,
)
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.tokenizers.files import TokenizerFiles
from tether_desktop.model.compiler.tokenizers.gguf_tokenizer import read_gguf_tokenizer


def read(folder: Path, fields: dict[str, Any], architecture: str = "llama") -> TokenizerFiles:
    return read_gguf_tokenizer(GgufFile(write_tokenizer_gguf(folder / "model.gguf", fields, architecture)))


def tokenizer_of(source: TokenizerFiles) -> Tokenizer:
    return Tokenizer.from_str(source.files()["tokenizer.json"].decode())


def config_of(source: TokenizerFiles) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(source.files()["tokenizer_config.json"])
    return config


def kinds(**others: int) -> list[int]:
    """Kinds of 512 tokens, of which three are control tokens; ``t300=4`` makes another exception."""
    return [others.get(f"t{token}", 3 if token < 3 else 1) for token in range(512)]


def test_the_vocabulary_keeps_its_ids(tmp_path: Path) -> None:
    fields = byte_level_fields()
    tokenizer = tokenizer_of(read(tmp_path, fields))
    assert [tokenizer.id_to_token(number) for number in range(512)] == fields["tokenizer.ggml.tokens"]
    assert tokenizer.get_vocab_size() == 512


def test_words_are_merged_as_the_file_lists_it(tmp_path: Path) -> None:
    tokens = tokenizer_of(read(tmp_path, byte_level_fields())).encode("the 2024 there").tokens
    assert tokens == ["th", "e", "Ġ", "2", "0", "2", "4", "Ġthere"]


def test_control_tokens_are_special_and_user_defined_ones_are_words_of_their_own(tmp_path: Path) -> None:
    source = read(tmp_path, byte_level_fields(token_type=kinds(t300=USER_DEFINED)))
    added = tokenizer_of(source).get_added_tokens_decoder()
    assert {number: token.special for number, token in added.items()} == {0: True, 1: True, 2: True, 300: False}


def test_a_token_that_ends_replies_is_special_though_a_converter_took_it_for_a_word(tmp_path: Path) -> None:
    source = read(tmp_path, byte_level_fields(token_type=kinds(t0=NORMAL, t2=USER_DEFINED)))
    assert source.eos_token_ids == [2, 0]
    assert all(token.special for token in tokenizer_of(source).get_added_tokens_decoder().values())


def test_the_configuration_names_special_tokens_and_the_chat_template(tmp_path: Path) -> None:
    source = read(tmp_path, byte_level_fields(**{"tokenizer.chat_template": CHAT_TEMPLATE}))
    config = config_of(source)
    assert (config["bos_token"], config["eos_token"], config["pad_token"]) == ("<|im_start|>", "<|im_end|>", None)
    assert config["chat_template"] == CHAT_TEMPLATE
    assert (source.bos_token_id, source.eos_token_ids, source.notes) == (1, [2, 0], ())


@pytest.mark.parametrize(
    ("architecture", "field"), [("llama", {"tokens_0": "<|begin_of_text|>"}), ("qwen2", {}), ("qwen3", {})]
)
def test_files_from_before_splits_had_names_are_recognised(
    tmp_path: Path, architecture: str, field: dict[str, str]
) -> None:
    fields = byte_level_fields(None)
    if field:
        fields["tokenizer.ggml.tokens"] = [field["tokens_0"], *fields["tokenizer.ggml.tokens"][1:]]
    steps = json.loads(read(tmp_path, fields, architecture).files()["tokenizer.json"])["pre_tokenizer"]["pretokenizers"]
    assert "(?i:'s|'t|'re|'ve|'m|'ll|'d)" in steps[0]["pattern"]["Regex"]


def test_an_unknown_split_is_refused_by_its_name_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match="'kimi-k2'") as refusal:
        read(tmp_path, byte_level_fields("kimi-k2"))
    assert "Hugging Face folder" in refusal.value.hint


@pytest.mark.parametrize("kind", ["t5", "bert", "rwkv", "gemma4"])
def test_other_kinds_of_tokenizers_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ModelBroken, match=f"of the kind '{kind}'"):
        read(tmp_path, byte_level_fields(model=kind))


def test_a_sentence_piece_tokenizer_reads_and_writes_spaces(tmp_path: Path) -> None:
    source = read(tmp_path, sentence_piece_fields(pieces_of(["▁the", "▁hat"])))
    encoding = tokenizer_of(source).encode("the hat")
    assert encoding.tokens == ["▁the", "▁hat"]
    assert tokenizer_of(source).decode(encoding.ids) == "the hat"
    assert (source.bos_token_id, source.eos_token_ids) == (1, [2])


@pytest.mark.parametrize(("architecture", "newlines"), [("phi3", 0), ("llama", 1)])
def test_marks_of_phi_3_take_the_line_break_behind_them_along(tmp_path: Path, architecture: str, newlines: int) -> None:
    fields = sentence_piece_fields(pieces_of(["▁the"], extra=[("<|user|>", 0.0, 3)]))
    tokens = tokenizer_of(read(tmp_path, fields, architecture)).encode("<|user|>\nthe<s> the").tokens
    assert tokens.count("<0x0A>") == newlines
    assert tokens[-3:] == ["<s>", "▁", "▁the"]


def test_no_space_goes_before_text_where_the_file_says_so(tmp_path: Path) -> None:
    fields = sentence_piece_fields(pieces_of(["▁the", "the"]), add_space_prefix=False)
    assert tokenizer_of(read(tmp_path, fields)).encode("the the").tokens == ["the", "▁the"]


def test_a_tag_of_that_name_is_no_end_of_a_reply(tmp_path: Path) -> None:
    pieces = pieces_of(["the"], extra=[("<eos>", 0.0, 3)])
    pieces[2] = ("</s>", 0.0, USER_DEFINED)
    source = read(tmp_path, sentence_piece_fields(pieces, eos_token_id=len(pieces) - 1))
    assert source.eos_token_ids == [len(pieces) - 1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tokens": list(range(512))}, "does not consist of texts"),
        ({"tokens": ["a"] * 512}, "has 'a' twice"),
        ({"tokens": ["x" * 5000, *map(str, range(511))]}, "5,000 characters"),
        ({"token_type": [1]}, "1 kinds for 512 tokens"),
        ({"merges": ["a b c"]}, "merge 'a b c'"),
        ({"merges": ["ab"]}, "merge 'ab'"),
        ({"merges": [" "]}, "merge ' '"),
        ({"merges": [1]}, "merge '1'"),
        ({"merges": None}, "'tokenizer.ggml.merges'"),
        ({"tokens": None}, "'tokenizer.ggml.tokens'"),
        ({"eos_token_id": 512}, "eos token 512"),
        ({"eos_token_id": None, "tokens": ["a", "b", "ab"], "merges": ["a b"], "token_type": None}, "ends a reply"),
    ],
)
def test_contradictions_are_told(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ModelBroken, match=reason):
        read(tmp_path, byte_level_fields(**changes))


@pytest.mark.parametrize("scores", [[], [1.0], [float("nan")] * 300, None])
def test_pieces_without_scores_are_refused(tmp_path: Path, scores: list[float] | None) -> None:
    with pytest.raises(ModelBroken, match="score"):
        read(tmp_path, sentence_piece_fields(pieces_of(["the"]), scores=scores))


def test_an_empty_token_gets_a_name(tmp_path: Path) -> None:
    fields = byte_level_fields()
    fields["tokenizer.ggml.tokens"] = [*fields["tokenizer.ggml.tokens"][:511], ""]
    assert tokenizer_of(read(tmp_path, fields)).id_to_token(511) == "[EMPTY_511]"
