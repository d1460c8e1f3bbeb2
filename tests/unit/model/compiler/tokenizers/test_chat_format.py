"""A model without a chat template gets that of its family, or a plain dialogue, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.tiny_model import CHAT_TEMPLATE
from tests.helpers.tokenizer_sources import CONTROL, pieces_of, sentence_piece_fields, write_json, write_tokenizer_gguf
from tether_desktop.messages import text_message
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.tokenizers.chat_format import chatml_conversation, family_template
from tether_desktop.model.compiler.tokenizers.files import TokenizerFiles
from tether_desktop.model.compiler.tokenizers.gguf_tokenizer import read_gguf_tokenizer
from tether_desktop.protocol.prompt import PromptTemplate, load_prompt_template

CONVERSATION = (
    text_message("system", "S"),
    text_message("user", "Q"),
    text_message("assistant", "A"),
    text_message("user", "R"),
)


def prepare(folder: Path, *marks: str) -> tuple[TokenizerFiles, PromptTemplate]:
    """A model with these control tokens, and its prompts."""
    pieces = pieces_of(["the"], extra=[(mark, 0.0, CONTROL) for mark in marks])
    path = write_tokenizer_gguf(folder / "model.gguf", sentence_piece_fields(pieces))
    source = read_gguf_tokenizer(GgufFile(path))
    model = folder / "model"
    model.mkdir()
    for name, content in source.files().items():
        (model / name).write_bytes(content)
    write_json(model / "mlc-chat-config.json", {"conv_template": source.conv_template})
    return source, load_prompt_template(model)


def written(template: PromptTemplate) -> str:
    return "".join(piece.text for piece in template.render(CONVERSATION))


@pytest.mark.parametrize(
    ("name", "marks", "expected"),
    [
        (
            "ChatML",
            ["<|im_start|>", "<|im_end|>"],
            (
                "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
                "<|im_start|>user\nR<|im_end|>\n<|im_start|>assistant\n"
            ),
        ),
        (
            "Llama 3",
            ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
            (
                "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
                "<|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|>"
                "<|start_header_id|>assistant<|end_header_id|>\n\nA<|eot_id|>"
                "<|start_header_id|>user<|end_header_id|>\n\nR<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
            ),
        ),
        (
            "Gemma",
            ["<start_of_turn>", "<end_of_turn>"],
            (
                "<s><start_of_turn>user\nS\n\nQ<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n"
                "<start_of_turn>user\nR<end_of_turn>\n<start_of_turn>model\n"
            ),
        ),
        (
            "Phi 3",
            ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"],
            "<|system|>\nS<|end|>\n<|user|>\nQ<|end|>\n<|assistant|>\nA<|end|>\n<|user|>\nR<|end|>\n<|assistant|>\n",
        ),
        ("Mistral", ["[INST]", "[/INST]"], "<s>[INST] S\n\nQ[/INST] A</s>[INST] R[/INST]"),
        (
            "DeepSeek",
            ["<｜User｜>", "<｜Assistant｜>"],
            "<s>S<｜User｜>Q<｜Assistant｜>A</s><｜User｜>R<｜Assistant｜>",
        ),
    ],
)
def test_each_family_is_recognised_by_its_tokens(tmp_path: Path, name: str, marks: list[str], expected: str) -> None:
    source, template = prepare(tmp_path, *marks)
    assert written(template) == expected
    assert f"the {name} format" in source.notes[0]


def test_byte_level_mistral_has_no_spaces_around_marks() -> None:
    found = family_template({"[INST]", "[/INST]"}, marks_spaces=False)
    assert found is not None
    assert "SPACE" not in found[1]
    assert "'[INST]' + ''" in found[1]


def test_a_base_model_gets_a_plain_dialogue_that_ends_where_the_next_question_would_begin(tmp_path: Path) -> None:
    source, template = prepare(tmp_path)
    assert written(template) == "<s>S\n\nUser: Q\nAssistant: A\nUser: R\nAssistant:"
    assert template.stop == ("\nUser:", "\nAssistant:")
    assert "base model" in source.notes[0]
    assert "chat_template" not in json.loads(source.files()["tokenizer_config.json"])


@pytest.mark.parametrize("quote", ["\\n", "\n"])
def test_a_system_text_inside_a_chatml_template_is_told_to_mlc_too(quote: str) -> None:
    template = "{{ '<|im_start|>system" + quote + "You are kind.<|im_end|>\n' }}" + CHAT_TEMPLATE
    conversation = chatml_conversation(template, [2])
    assert (conversation["system_message"], conversation["stop_token_ids"]) == ("You are kind.", [2])


@pytest.mark.parametrize("template", [CHAT_TEMPLATE, "{{ '<|im_start|>system\n' + system + '<|im_end|>' }}"])
def test_other_templates_tell_mlc_nothing(template: str) -> None:
    nothing: dict[str, Any] = {}
    assert chatml_conversation(template, [2]) == nothing
