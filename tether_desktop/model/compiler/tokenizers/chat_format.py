"""Chat formats of models whose source has no chat template: of known families, and a plain one for all others."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

_SYSTEM_INTO_QUESTION = (
    "{%- set spoken = messages[1:] if messages and messages[0].role == 'system' else messages -%}"
    "{%- set opening = messages[0].content + '\n\n' if messages and messages[0].role == 'system' else '' -%}"
)
_CHATML = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)
_LLAMA3 = (
    "{{- bos_token -}}"
    "{%- for message in messages -%}"
    "{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content | trim + '<|eot_id|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}{%- endif -%}"
)
_GEMMA = (
    "{{- bos_token -}}" + _SYSTEM_INTO_QUESTION + "{%- for message in spoken -%}"
    "{%- set role = 'model' if message.role == 'assistant' else message.role -%}"
    "{{- '<start_of_turn>' + role + '\n' + ((opening if loop.first else '') + message.content) | trim -}}"
    "{{- '<end_of_turn>\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<start_of_turn>model\n' -}}{%- endif -%}"
)
_PHI3 = (
    "{%- for message in messages -%}"
    "{{- '<|' + message.role + '|>\n' + message.content + '<|end|>\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>\n' -}}{%- endif -%}"
)
_MISTRAL = (
    "{{- bos_token -}}" + _SYSTEM_INTO_QUESTION + "{%- for message in spoken -%}"
    "{%- if message.role == 'assistant' -%}{{- SPACE + message.content + eos_token -}}"
    "{%- else -%}{{- '[INST]' + SPACE + (opening if loop.first else '') + message.content + '[/INST]' -}}{%- endif -%}"
    "{%- endfor -%}"
)
_DEEPSEEK = (
    "{{- bos_token -}}"
    "{%- for message in messages -%}"
    "{%- if message.role == 'assistant' -%}{{- '<｜Assistant｜>' + message.content + eos_token -}}"
    "{%- elif message.role == 'system' -%}{{- message.content -}}"
    "{%- else -%}{{- '<｜User｜>' + message.content -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<｜Assistant｜>' -}}{%- endif -%}"
)
_FAMILIES = (
    ("Llama 3", {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}, _LLAMA3),
    ("Gemma", {"<start_of_turn>", "<end_of_turn>"}, _GEMMA),
    ("Phi 3", {"<|user|>", "<|assistant|>", "<|end|>"}, _PHI3),
    ("ChatML", {"<|im_start|>", "<|im_end|>"}, _CHATML),
    ("Mistral", {"[INST]", "[/INST]"}, _MISTRAL),
    ("DeepSeek", {"<｜User｜>", "<｜Assistant｜>"}, _DEEPSEEK),
)
_CHATML_SYSTEM = re.compile(r"<\|im_start\|>system(?:\\n|\n)([^'\"{}<]*)<\|im_end\|>")
PLAIN_NOTE = (
    "The source has no chat template and none of the tokens by which chat models mark who speaks, so this is probably "
    "a base model: it continues text and was not trained to answer. Conversations are written down as plain dialogue."
)


def family_template(tokens: Collection[str], *, marks_spaces: bool) -> tuple[str, str] | None:
    """Name and Jinja2 template of the chat format that a model's added tokens were made for.

    Args:
        tokens: the tokens that are recognised in text as a whole.
        marks_spaces: whether the tokenizer is a SentencePiece one.
    """
    for name, marks, template in _FAMILIES:
        if all(mark in tokens for mark in marks):
            return name, template.replace("SPACE", "' '" if marks_spaces else "''")
    return None


def family_note(name: str) -> str:
    """What the model card says of such a template."""
    return f"The source has no chat template; its tokens are those of the {name} format, which is used."


def plain_conversation(bos_token_id: int | None, eos_token_ids: list[int]) -> dict[str, Any]:
    """MLC's description of a plain dialogue."""
    return _conversation("plain", eos_token_ids) | {
        "system_template": "{system_message}\n\n",
        "system_message": "",
        "system_prefix_token_ids": None if bos_token_id is None else [bos_token_id],
        "roles": {"user": "User", "assistant": "Assistant"},
        "seps": ["\n"],
        "role_content_sep": ": ",
        "role_empty_sep": ":",
        "stop_str": ["\nUser:", "\nAssistant:"],
    }


def chatml_conversation(template: str, eos_token_ids: list[int]) -> dict[str, Any]:
    """MLC's description of a ChatML template that brings a system text of its own; empty for any other."""
    match = _CHATML_SYSTEM.search(template)
    if match is None:
        return {}
    return _conversation("chatml", eos_token_ids) | {
        "system_template": "<|im_start|>system\n{system_message}<|im_end|>\n",
        "system_message": match[1],
        "roles": {"user": "<|im_start|>user", "assistant": "<|im_start|>assistant"},
        "seps": ["<|im_end|>\n"],
        "role_content_sep": "\n",
        "role_empty_sep": "\n",
        "stop_str": ["<|im_end|>"],
    }


def _conversation(name: str, eos_token_ids: list[int]) -> dict[str, Any]:
    roles = ("user", "assistant", "tool")
    return {
        "name": name,
        "add_role_after_system_message": True,
        "role_templates": {role: f"{{{role}_message}}" for role in roles},
        "messages": [],
        "stop_token_ids": eos_token_ids,
    }
