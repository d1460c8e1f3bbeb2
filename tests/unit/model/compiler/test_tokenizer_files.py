"""The tokenizer of any source is opened by its path."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tests.helpers.starter import StarterModel
from tests.helpers.tokenizer_sources import byte_level_fields, write_tokenizer_gguf
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.tokenizer_files import open_tokenizer


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return write_tokenizer_gguf(tmp_path / "model" / "model-q4_0.gguf", byte_level_fields())


def test_a_gguf_file_and_its_folder_are_the_same_source(gguf: Path) -> None:
    assert open_tokenizer(gguf) == open_tokenizer(gguf.parent)


def test_the_first_part_of_a_split_file_has_the_tokenizer(gguf: Path) -> None:
    gguf.rename(gguf.with_name("model-00001-of-00002.gguf"))
    gguf.with_name("model-00002-of-00002.gguf").write_bytes(b"GGUF")
    assert open_tokenizer(gguf.parent).eos_token_ids == [2, 0]


def test_files_of_a_tokenizer_come_before_a_gguf_file_beside_them(gguf: Path) -> None:
    for name, content in open_tokenizer(gguf).files().items():
        (gguf.parent / name).write_bytes(content)
    gguf.write_bytes(b"")
    assert open_tokenizer(gguf.parent).eos_token_ids == [2, 0]


def test_a_folder_with_several_models_is_refused(gguf: Path) -> None:
    gguf.with_name("other.gguf").write_bytes(gguf.read_bytes())
    with pytest.raises(ModelBroken, match="several models"):
        open_tokenizer(gguf.parent)


def test_a_folder_with_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match="neither a GGUF file"):
        open_tokenizer(tmp_path)


def test_the_starter_reads_text_as_its_model_was_trained_to(starter_model: StarterModel) -> None:
    tokenizer = Tokenizer.from_file(str(starter_model.path / "tokenizer.json"))
    text = "I'll pay 1314 €,\n\n  she's gone… naïve 漢"
    encoding = tokenizer.encode("<|im_start|>" + text)
    assert encoding.ids[0] == 1
    assert tokenizer.decode(encoding.ids) == text
    words = ["I", "'ll", "Ġpay", "Ġ", "1", "3", "1", "4", "ĠâĤ¬", ",", "ĊĊĠ", "Ġshe", "'s", "Ġgone"]
    assert encoding.tokens[1 : len(words) + 1] == words
