"""The tokenizer made of a GGUF file splits text as the model was trained to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tests.helpers.starter import StarterModel
from tests.helpers.tiny_model import CHAT_TEMPLATE, TinyConfig, write_tiny_gguf
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.tokenizer_files import GgufTokenizer


def gguf_tokenizer(folder: Path, **fields: object) -> GgufTokenizer:
    named = {f"tokenizer.{key}": value for key, value in fields.items()}
    write_tiny_gguf(folder / "tiny.gguf", TinyConfig(), fields=named)
    return GgufTokenizer(GgufFile(folder / "tiny.gguf"))


def with_types(**types: int) -> list[int]:
    """Token types in which the tokens of these ids (``t5=4``) are not ordinary."""
    return [types.get(f"t{token}", 3 if token < 3 else 1) for token in range(512)]


def test_every_digit_is_a_token_and_words_take_their_space_along(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_str(gguf_tokenizer(tmp_path).tokenizer_json())
    tokens = tokenizer.encode("the 2024 there").tokens
    assert [token for token in tokens if any(character.isdigit() for character in token)] == ["2", "0", "2", "4"]
    assert "Ġthere" in tokens


def test_the_vocabulary_keeps_its_ids(tmp_path: Path) -> None:
    source = gguf_tokenizer(tmp_path)
    tokenizer = Tokenizer.from_str(source.tokenizer_json())
    assert [tokenizer.id_to_token(number) for number in range(512)] == source.tokens
    assert tokenizer.get_vocab_size() == 512


def test_control_tokens_are_special_and_user_defined_ones_are_words_of_their_own(tmp_path: Path) -> None:
    source = gguf_tokenizer(tmp_path, **{"ggml.token_type": with_types(t300=4)})
    added = Tokenizer.from_str(source.tokenizer_json()).get_added_tokens_decoder()
    assert {number: token.special for number, token in added.items()} == {0: True, 1: True, 2: True, 300: False}


def test_the_configuration_names_special_tokens_and_the_chat_template(tmp_path: Path) -> None:
    config = gguf_tokenizer(tmp_path).config()
    assert (config["bos_token"], config["eos_token"], config["pad_token"]) == ("<|im_start|>", "<|im_end|>", None)
    assert config["chat_template"] == CHAT_TEMPLATE
    assert json.loads(json.dumps(config)) == config


def test_a_model_without_a_token_that_ends_a_reply_is_refused(tmp_path: Path) -> None:
    tokenizer = gguf_tokenizer(tmp_path, **{"ggml.token_type": [1] * 512})
    assert tokenizer.eos_token_ids() == [2]
    del tokenizer._file.fields["tokenizer.ggml.eos_token_id"]
    with pytest.raises(ModelBroken, match="no token that ends a reply"):
        tokenizer.eos_token_ids()


def test_the_starter_reads_text_as_its_model_was_trained_to(starter_model: StarterModel) -> None:
    tokenizer = Tokenizer.from_file(str(starter_model.path / "tokenizer.json"))
    text = "I'll pay 1314 €,\n\n  she's gone… naïve 漢"
    encoding = tokenizer.encode("<|im_start|>" + text)
    assert encoding.ids[0] == 1
    assert tokenizer.decode(encoding.ids) == text
    words = ["I", "'ll", "Ġpay", "Ġ", "1", "3", "1", "4", "ĠâĤ¬", ",", "ĊĊĠ", "Ġshe", "'s", "Ġgone"]
    assert encoding.tokens[1 : len(words) + 1] == words
