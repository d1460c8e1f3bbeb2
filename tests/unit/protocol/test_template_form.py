"""What a chat template takes is found out by trying."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers import chat_templates
from tests.helpers.model_folders import write_prompt_files
from tether_desktop.errors import ModelBroken
from tether_desktop.protocol.chat_template import ChatTemplate
from tether_desktop.protocol.prompt import PromptTemplate, load_prompt_template
from tether_desktop.protocol.template_form import TemplateForm, find_form, find_thinking


def found(source: str) -> tuple[TemplateForm, str]:
    template = ChatTemplate(source, {"bos_token": "<s>", "eos_token": "</s>"})
    findings = find_form(template, template)
    return findings.tooled, findings.dialect.name


def load(folder: Path, template: object, **files: Any) -> PromptTemplate:
    return load_prompt_template(write_prompt_files(folder, chat_template=template, **files))


@pytest.mark.parametrize(
    ("name", "form", "dialect"),
    [
        ("QWEN2_5", TemplateForm(system=True, declares=True, calls="many"), "hermes"),
        ("QWEN3", TemplateForm(system=True, declares=True, calls="many"), "hermes"),
        ("LLAMA_3_1", TemplateForm(system=True, declares=True, calls="one"), "llama"),
        ("MISTRAL", TemplateForm(system=True, declares=True, calls="many"), "mistral"),
        ("DEEPSEEK", TemplateForm(system=True, calls="many", json_arguments=True), "deepseek"),
        ("CHATML", TemplateForm(system=True, tool_role=True), "function_call"),
        ("GEMMA", TemplateForm(system=False), "function_call"),
        ("ZEPHYR", TemplateForm(system=True), "function_call"),
    ],
)
def test_each_kind_of_template_is_told_by_what_it_renders(name: str, form: TemplateForm, dialect: str) -> None:
    assert found(getattr(chat_templates, name)) == (form, dialect)


def test_arguments_that_would_be_written_as_python_are_given_as_json_text() -> None:
    form, _ = found(chat_templates.QWEN2_5.replace("call.arguments is string", "true"))
    assert (form.calls, form.json_arguments) == ("many", True)


def test_arguments_that_would_be_json_within_json_are_given_as_they_are() -> None:
    form, _ = found(chat_templates.QWEN2_5.replace("call.arguments is string", "false"))
    assert (form.calls, form.json_arguments) == ("many", False)


def test_a_template_that_writes_calls_only_without_text_gets_none() -> None:
    source = chat_templates.DEEPSEEK.replace("</think>' + message.content", "</think>' + (message.content or '')")
    form, _ = found(source.replace("tool_calls or []", "tool_calls or [] if message.content is none"))
    assert (form.calls, form.no_content) == ("many", True)


def test_a_template_that_writes_the_first_call_only_gets_one_at_a_time() -> None:
    form, _ = found(chat_templates.QWEN2_5.replace("message.tool_calls or []", "(message.tool_calls or [])[:1]"))
    assert form.calls == "one"


def test_calls_in_a_dialect_that_nobody_reads_are_written_in_ours() -> None:
    source = chat_templates.QWEN2_5.replace("tool_call>", "unheard_of>")
    assert found(source) == (TemplateForm(system=True), "function_call")


def test_a_tool_role_that_is_written_as_the_persons_is_none() -> None:
    folded = chat_templates.CHATML.replace("m['role']", "('user' if m['role'] == 'tool' else m['role'])")
    assert not found(folded)[0].tool_role


def test_a_conv_template_is_tried_like_any_other(tmp_path: Path) -> None:
    roles = {"user": "U", "assistant": "A", "tool": "T"}
    conv = {"roles": roles, "seps": ["\n"], "role_content_sep": ": "}
    template = load_prompt_template(write_prompt_files(tmp_path, conv_template=conv))
    assert template._findings.tooled == TemplateForm(system=True, tool_role=True)
    assert (template.declares_tools, template.dialect.name) == (False, "function_call")


def test_the_template_for_tools_is_taken_with_tools(tmp_path: Path) -> None:
    template = load(tmp_path, chat_templates.by_parameter(chat_templates.QWEN2_5))
    assert (template.declares_tools, template.dialect.name) == (True, "hermes")


@pytest.mark.parametrize(
    ("name", "off"),
    [
        ("QWEN3", {"enable_thinking": False, "thinking": False}),
        ("DEEPSEEK", {"enable_thinking": False, "thinking": False}),
        ("QWEN2_5", None),
        ("ALWAYS_THINKING", None),
    ],
)
def test_whether_thinking_can_be_switched_is_seen(name: str, off: dict[str, Any] | None) -> None:
    source = getattr(chat_templates, name)
    assert find_thinking(ChatTemplate(source, {"bos_token": ""}), source).off == off


@pytest.mark.parametrize(
    ("check", "off"),
    [
        ("{% if effort not in ['high', 'none'] %}{{ raise_exception('unknown') }}{% endif %}", "none"),
        ("{% if effort not in ['high', 'medium', 'low'] %}{{ raise_exception('unknown') }}{% endif %}", "low"),
        ("{% if effort != 'high' %}{{ raise_exception('unknown') }}{% endif %}", None),
        ("", "low"),
    ],
)
def test_the_least_effort_that_a_template_names_stands_for_no_thinking(check: str, off: str | None) -> None:
    effort = "{% set effort = reasoning_effort if reasoning_effort is defined else 'high' %}"
    source = effort + check + "Reasoning: {{ effort }}. {{ messages[-1].content }}"
    switched = find_thinking(ChatTemplate(source, {}), source).off
    assert (switched or {}).get("reasoning_effort") == off


def test_a_template_that_does_not_end_costs_one_deadline_and_is_told(tmp_path: Path) -> None:
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(ModelBroken, match="did not end"):
        load(tmp_path, endless)


def test_a_template_that_only_ends_without_tools_is_used_without(tmp_path: Path) -> None:
    endless = "{% if tools %}{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{% endif %}"
    assert not load(tmp_path, endless + chat_templates.CHATML).declares_tools


def test_markers_of_calls_and_thoughts_that_are_special_tokens_are_told(tmp_path: Path) -> None:
    special = ("<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "</think>")
    template = load(tmp_path, chat_templates.QWEN3, special=special)
    assert template.markers == ("<tool_call>", "</tool_call>", "</think>")


def test_only_gpt_oss_has_its_channels_come_through(tmp_path: Path) -> None:
    special = ("<|channel|>", "<|end|>")
    assert load(tmp_path / "phi", chat_templates.CHATML + "{# <|end|> #}", special=special).markers == ()
    channels = chat_templates.CHATML + "{# <|channel|>analysis<|message|> #}"
    assert set(load(tmp_path / "gpt-oss", channels, special=special).markers) == set(special)


@pytest.mark.parametrize(
    ("template", "special", "end"),
    [
        (chat_templates.QWEN3, (), "</think>"),
        (chat_templates.CHATML, (), "</think>"),
        (chat_templates.CHATML, ("[THINK]", "[/THINK]"), "[/THINK]"),
        (chat_templates.CHATML + "{# <reflection></reflection> #}", (), "</reflection>"),
        (chat_templates.CHATML + "{# <|end|> #}", ("<|end|>",), "</think>"),
        (chat_templates.CHATML + "{# <|channel|>analysis<|message|> #}", (), "<|end|>"),
    ],
)
def test_what_ends_a_thought_is_known(tmp_path: Path, template: str, special: tuple[str, ...], end: str) -> None:
    assert load(tmp_path, template, special=special).thought.closing == end
