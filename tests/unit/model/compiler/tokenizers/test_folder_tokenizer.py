"""The tokenizer of a Hugging Face or MLC folder is taken over, or rebuilt from what older folders have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tests.helpers.tiny_model import CHAT_TEMPLATE, tiny_vocabulary
from tests.helpers.tokenizer_sources import (
    byte_level_fields,
    pieces_of,
    write_json,
    write_sentence_piece,
    write_tokenizer_gguf,
)
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.tokenizers.files import TokenizerFiles
from tether_desktop.model.compiler.tokenizers.folder_tokenizer import read_folder_tokenizer
from tether_desktop.model.compiler.tokenizers.gguf_tokenizer import read_gguf_tokenizer

PIECES = pieces_of(["▁the", "▁hat", "the"])


@pytest.fixture
def modern(tmp_path: Path) -> Path:
    """A folder with ``tokenizer.json`` and little else."""
    source = write_tokenizer_gguf(tmp_path / "model.gguf", byte_level_fields())
    folder = tmp_path / "model"
    folder.mkdir()
    content = read_gguf_tokenizer(GgufFile(source)).files()["tokenizer.json"]
    (folder / "tokenizer.json").write_bytes(content)
    write_json(folder / "tokenizer_config.json", {"bos_token": None, "eos_token": {"content": "<|im_end|>"}})
    return folder


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A folder with SentencePiece's file alone."""
    folder = tmp_path / "model"
    folder.mkdir()
    write_sentence_piece(folder / "tokenizer.model", PIECES)
    write_json(folder / "tokenizer_config.json", {"bos_token": "<s>", "eos_token": "</s>"})
    return folder


def update_config(folder: Path, **values: object) -> None:
    path = folder / "tokenizer_config.json"
    write_json(path, json.loads(path.read_text()) | values)


def tokens(source: TokenizerFiles, text: str) -> list[str]:
    found: list[str] = Tokenizer.from_str(source.files()["tokenizer.json"].decode()).encode(text).tokens
    return found


def config_of(source: TokenizerFiles) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(source.files()["tokenizer_config.json"])
    return config


def test_the_tokenizer_is_taken_over_byte_by_byte(modern: Path) -> None:
    source = read_folder_tokenizer(modern)
    assert source.files()["tokenizer.json"] == (modern / "tokenizer.json").read_bytes()
    assert (source.bos_token_id, source.eos_token_ids) == (None, [2, 0])


def test_ids_that_end_a_reply_come_from_every_file_that_names_them(modern: Path) -> None:
    write_json(modern / "generation_config.json", {"eos_token_id": [300, 2]})
    write_json(modern / "config.json", {"eos_token_id": 301, "bos_token_id": 1})
    mlc = {"eos_token_id": 302, "conv_template": {"stop_token_ids": [303, 9999, "x", True, -1]}}
    write_json(modern / "mlc-chat-config.json", mlc)
    source = read_folder_tokenizer(modern)
    assert source.eos_token_ids == [2, 302, 300, 301, 303, 0]
    assert source.files()["generation_config.json"] == (modern / "generation_config.json").read_bytes()


def test_the_token_that_begins_a_text_is_named_by_the_model_where_the_tokenizer_is_silent(modern: Path) -> None:
    write_json(modern / "tokenizer_config.json", {"eos_token": "<|im_end|>"})
    write_json(modern / "config.json", {"bos_token_id": 1})
    assert read_folder_tokenizer(modern).bos_token_id == 1


def test_special_tokens_are_found_in_the_file_that_older_folders_have_for_them(modern: Path) -> None:
    write_json(modern / "tokenizer_config.json", {})
    write_json(modern / "special_tokens_map.json", {"bos_token": {"content": "<|im_start|>"}, "eos_token": "Ġthe"})
    source = read_folder_tokenizer(modern)
    named = config_of(source)
    assert (source.bos_token_id, named["bos_token"], named["eos_token"]) == (1, {"content": "<|im_start|>"}, "Ġthe")


@pytest.mark.parametrize("place", ["tokenizer_config.json", "chat_template.jinja", "chat_template.json"])
def test_the_chat_template_is_found_wherever_it_is(modern: Path, place: str) -> None:
    if place == "tokenizer_config.json":
        update_config(modern, chat_template=CHAT_TEMPLATE)
    elif place == "chat_template.json":
        write_json(modern / place, {"chat_template": CHAT_TEMPLATE})
    else:
        update_config(modern, chat_template="an older one")
        (modern / place).write_text(CHAT_TEMPLATE)
    source = read_folder_tokenizer(modern)
    assert config_of(source)["chat_template"] == CHAT_TEMPLATE
    assert source.notes == ()


def test_the_chat_format_of_an_mlc_folder_is_kept(modern: Path) -> None:
    conversation = {"name": "own", "roles": {"user": "U", "assistant": "A"}, "seps": ["\n"]}
    write_json(modern / "mlc-chat-config.json", {"conv_template": conversation})
    source = read_folder_tokenizer(modern)
    assert source.conv_template == conversation
    assert "chat_template" not in config_of(source)


@pytest.mark.parametrize("conversation", ["llama-2", None, {}])
def test_a_chat_format_that_is_only_named_does_not_count(modern: Path, conversation: object) -> None:
    write_json(modern / "mlc-chat-config.json", {"conv_template": conversation})
    assert "ChatML" in read_folder_tokenizer(modern).notes[0]


@pytest.mark.parametrize(
    ("config", "after_special"), [({}, "▁the"), ({"legacy": True}, "▁the"), ({"legacy": False}, "the")]
)
def test_a_folder_with_sentence_pieces_alone_is_rebuilt(
    older: Path, config: dict[str, bool], after_special: str
) -> None:
    update_config(older, **config)
    assert tokens(read_folder_tokenizer(older), "the hat<s>the") == ["▁the", "▁hat", "<s>", after_special]


def test_no_space_goes_before_text_where_the_folder_says_so(older: Path) -> None:
    update_config(older, add_prefix_space=False)
    assert tokens(read_folder_tokenizer(older), "the hat") == ["the", "▁hat"]


def test_tokens_that_were_added_later_have_their_ids(older: Path) -> None:
    size = len(PIECES)
    write_json(older / "added_tokens.json", {"<|word|>": size + 1})
    update_config(older, added_tokens_decoder={str(size + 3): {"content": "<|end|>", "special": True}, "x": {}})
    source = read_folder_tokenizer(older)
    tokenizer = Tokenizer.from_str(source.files()["tokenizer.json"].decode())
    assert tokenizer.encode("the<|word|><|end|>").ids[1:] == [size + 1, size + 3]
    assert size + 3 in source.eos_token_ids
    assert tokenizer.id_to_token(size) == f"[UNUSED_{size}]"


def test_a_folder_with_vocabulary_and_merges_is_rebuilt_where_its_kind_is_known(modern: Path) -> None:
    vocabulary, merges = tiny_vocabulary(512)
    write_json(modern / "vocab.json", {token: number for number, token in enumerate(vocabulary)})
    (modern / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    expected = tokens(read_folder_tokenizer(modern), "the there")
    (modern / "tokenizer.json").unlink()
    update_config(modern, tokenizer_class="GPT2TokenizerFast")
    assert tokens(read_folder_tokenizer(modern), "the there") == expected
    update_config(modern, tokenizer_class="OwnTokenizer")
    with pytest.raises(ModelBroken, match="OwnTokenizer"):
        read_folder_tokenizer(modern)


@pytest.mark.parametrize("vocabulary", [{}, {"a": -1}, {"a": 0, "b": 0}, {"a": 1 << 40}, {"a": "x"}])
def test_a_vocabulary_with_impossible_ids_is_refused(modern: Path, vocabulary: dict[str, object]) -> None:
    (modern / "tokenizer.json").unlink()
    (modern / "merges.txt").write_text("")
    write_json(modern / "vocab.json", vocabulary)
    update_config(modern, tokenizer_class="GPT2Tokenizer")
    with pytest.raises(ModelBroken, match=r"vocab\.json"):
        read_folder_tokenizer(modern)


@pytest.mark.parametrize("name", ["tokenizer_config.json", "generation_config.json", "mlc-chat-config.json"])
@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_named(modern: Path, name: str, content: bytes) -> None:
    (modern / name).write_bytes(content)
    with pytest.raises(ModelBroken, match=name):
        read_folder_tokenizer(modern)


def test_a_folder_without_a_tokenizer_says_what_is_missing(tmp_path: Path) -> None:
    write_json(tmp_path / "tokenizer_config.json", {})
    with pytest.raises(ModelBroken, match=r"no tokenizer\.json"):
        read_folder_tokenizer(tmp_path)


def test_a_tokenizer_without_a_token_that_ends_replies_is_refused(older: Path) -> None:
    write_sentence_piece(older / "tokenizer.model", [piece for piece in PIECES if piece[0] != "</s>"])
    with pytest.raises(ModelBroken, match="no token that ends a reply"):
        read_folder_tokenizer(older)


@given(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=0, max_size=4)), min_size=1, max_size=3)
)
@settings(deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_ends_in_a_refusal_or_in_a_tokenizer(modern: Path, damage: list[tuple[float, bytes]]) -> None:
    original = (modern / "tokenizer.json").read_bytes()
    data = bytearray(original)
    for place, replacement in damage:
        at = int(place * len(data))
        data[at : at + 1] = replacement
    (modern / "tokenizer.json").write_bytes(data)
    try:
        assert read_folder_tokenizer(modern).eos_token_ids
    except ModelBroken:
        pass
    finally:
        (modern / "tokenizer.json").write_bytes(original)
