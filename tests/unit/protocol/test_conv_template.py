"""MLC's own chat templates."""

from __future__ import annotations

from typing import Any

import pytest

from tether_desktop.protocol.conv_template import ConvTemplateError, parse_conv_template

LLAMA_2 = {
    "name": "llama-2",
    "system_template": "[INST] <<SYS>>\n{system_message}\n<</SYS>>\n\n",
    "system_message": "You are a helpful, respectful and honest assistant.",
    "roles": {"user": "<s>[INST]", "assistant": "[/INST]", "tool": "[INST]"},
    "seps": [" ", " </s>"],
    "role_content_sep": " ",
    "role_empty_sep": " ",
    "stop_str": ["[INST]"],
    "stop_token_ids": [2],
    "system_prefix_token_ids": [1],
    "add_role_after_system_message": False,
}
CHATML = {
    "system_template": "<|im_start|>system\n{system_message}<|im_end|>\n",
    "roles": {"user": "<|im_start|>user", "assistant": "<|im_start|>assistant"},
    "role_templates": {"user": "{user_message}", "assistant": "{assistant_message}"},
    "seps": ["<|im_end|>\n"],
    "role_content_sep": "\n",
    "role_empty_sep": "\n",
}


def messages(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in pairs]


def render(template: dict[str, Any], *pairs: tuple[str, str], open_reply: bool = True) -> str:
    parsed = parse_conv_template(template, {1: "<s>"})
    return parsed.render(messages(*pairs), add_generation_prompt=open_reply)


def test_chatml_is_written_with_one_separator() -> None:
    text = render(CHATML, ("system", "S"), ("user", "Q"), ("assistant", "A"), ("user", "R"))
    assert text == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
        "<|im_start|>user\nR<|im_end|>\n<|im_start|>assistant\n"
    )


def test_llama_2_has_two_separators_and_no_first_role_after_the_system_text() -> None:
    text = render(LLAMA_2, ("system", "S"), ("user", "Q"), ("assistant", "A"), ("user", "R"))
    assert text == "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nQ [/INST] A </s><s>[INST] R [/INST] "


def test_without_a_system_text_there_is_no_system_block() -> None:
    assert render(LLAMA_2, ("user", "Q")) == "<s><s>[INST] Q [/INST] "
    assert render(CHATML, ("user", "Q")).startswith("<|im_start|>user\nQ")


def test_a_fixed_system_block_is_always_there() -> None:
    assert render({**CHATML, "system_template": "[gMASK]"}, ("user", "Q")).startswith("[gMASK]<|im_start|>user")


def test_role_templates_wrap_the_content_and_functions_are_left_out() -> None:
    template = {**CHATML, "role_templates": {"user": "{function_string}Q: {user_message}!"}}
    assert "<|im_start|>user\nQ: hi!<|im_end|>" in render(template, ("user", "hi"))


def test_placeholders_that_a_person_wrote_are_left_alone() -> None:
    assert "user\n{assistant_message}{system_message}<|im_end|>" in render(
        CHATML, ("system", "S"), ("user", "{assistant_message}{system_message}")
    )


def test_the_reply_is_opened_only_when_asked_for() -> None:
    assert render(CHATML, ("user", "Q"), open_reply=False) == "<|im_start|>user\nQ<|im_end|>\n"


def test_stop_texts_are_told() -> None:
    assert parse_conv_template(LLAMA_2, {1: "<s>"}).stop == ("[INST]",)


def test_a_role_without_a_place_is_an_error() -> None:
    with pytest.raises(ConvTemplateError, match="tool"):
        render(CHATML, ("tool", "42"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seps": []}, "seps"),
        ({"seps": ["a", "b", "c"]}, "seps"),
        ({"roles": None}, "roles"),
        ({"roles": {"user": 1}}, "roles.user"),
        ({"role_content_sep": 5}, "role_content_sep"),
        ({"stop_str": "x"}, "stop_str"),
        ({"system_prefix_token_ids": [5]}, "token 5"),
    ],
)
def test_a_broken_template_is_an_error_that_says_where(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConvTemplateError, match=problem):
        parse_conv_template({**CHATML, **change}, {})


@pytest.mark.parametrize("value", [None, [], "chatml", 3])
def test_what_is_no_object_is_an_error(value: object) -> None:
    with pytest.raises(ConvTemplateError):
        parse_conv_template(value, {})
