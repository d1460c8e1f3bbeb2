"""Reads from a model's folder how it wants its conversations written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from tether_desktop.errors import ModelBroken
from tether_desktop.protocol.chat_template import ChatTemplate, ChatTemplateError
from tether_desktop.protocol.conv_template import ConvTemplate, ConvTemplateError, parse_conv_template
from tether_desktop.protocol.special_tokens import SpecialTokens, read_special_tokens

_TOKENIZER_CONFIG = "tokenizer_config.json"
_TEMPLATE_FILE = "chat_template.jinja"
_CHAT_CONFIG = "mlc-chat-config.json"
_FILES = (_TOKENIZER_CONFIG, _TEMPLATE_FILE, _CHAT_CONFIG, "tokenizer.json")

_LARGEST_FILE = 8 << 20
"""What is read of a model here; as objects it takes twenty times as much memory."""

REFUSALS = (ChatTemplateError, ConvTemplateError)
"""What a template raises that cannot render some messages."""


class Template(Protocol):
    """A chat template of either kind."""

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        add_generation_prompt: bool,
        tools: Sequence[Mapping[str, Any]] = ...,
        variables: Mapping[str, Any] = ...,
    ) -> str:
        """Render the messages; raises one of ``REFUSALS``."""
        ...


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """What a model's folder says about its prompts.

    Attributes:
        template: writes conversations.
        with_tools: writes those with tools; mostly the same one.
        text: of the templates, empty for a ``conv_template``.
        stop: texts that end a reply, besides the tokens the engine knows.
        special: the special tokens of the vocabulary.
    """

    template: Template
    with_tools: Template
    text: str
    stop: tuple[str, ...]
    special: SpecialTokens


def versions(model_dir: Path) -> tuple[int, ...]:
    """Change with the files that are read."""
    return tuple(_modified(model_dir / name) for name in _FILES)


def read_template(model_dir: Path) -> TemplateSource:
    """Read and compile.

    Raises:
        ModelBroken: the model has no chat template, or one that cannot be compiled.
    """
    config = _read_json(model_dir / _TOKENIZER_CONFIG)
    special = read_special_tokens(model_dir, config)
    conv = _conv_template(model_dir, special)
    stop = conv.stop if conv else ()
    texts = _template_texts(config.get("chat_template")) or [_read_text(model_dir / _TEMPLATE_FILE)]
    if texts[0]:
        compiled = [_compiled(model_dir.name, text, special) for text in texts]
        return TemplateSource(compiled[0], compiled[-1], "\n".join(texts), stop, special)
    if conv is None:
        refuse(model_dir.name, "it has neither a chat template nor a conv_template")
    return TemplateSource(conv, conv, "", stop, special)


def refuse(model: str, problem: str) -> NoReturn:
    """Raise the error of a template that does not work."""
    raise ModelBroken(
        "The model cannot hold a conversation",
        f"The chat template of {model} does not work: {problem}.",
        "Add a working chat_template.jinja to the model's folder, or choose another model.",
    )


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _template_texts(value: object) -> list[str]:
    """The template; of a list of named ones the default or else the first, then the one for tools if there is one."""
    if isinstance(value, str):
        return [value] if value else []
    named = {
        str(item.get("name")): item["template"]
        for item in (value if isinstance(value, list) else ())
        if isinstance(item, dict) and isinstance(item.get("template"), str)
    }
    if not named:
        return []
    default = named.get("default") or next(iter(named.values()))
    return [default, named["tool_use"]] if named.get("tool_use") and default else [default]


def _compiled(model: str, text: str, special: SpecialTokens) -> ChatTemplate:
    try:
        return ChatTemplate(text, {"bos_token": "", "eos_token": ""} | special.named)
    except ChatTemplateError as error:
        refuse(model, str(error))


def _conv_template(model_dir: Path, special: SpecialTokens) -> ConvTemplate | None:
    value = _read_json(model_dir / _CHAT_CONFIG).get("conv_template")
    if not isinstance(value, dict) or "roles" not in value:
        return None
    try:
        return parse_conv_template(value, special.by_id)
    except ConvTemplateError as error:
        refuse(model_dir.name, str(error))


def _read_json(path: Path) -> dict[str, Any]:
    text = _read_text(path)
    try:
        value = json.loads(text) if text else {}
    except ValueError as error:
        raise _unreadable(path, str(error)) from error
    except RecursionError as error:
        raise _unreadable(path, "it is nested too deeply") from error
    return value if isinstance(value, dict) else {}


def _read_text(path: Path) -> str:
    """A file's text; a missing one has none."""
    try:
        if not path.is_file():
            return ""
        if path.stat().st_size > _LARGEST_FILE:
            raise _unreadable(path, f"it has over {_LARGEST_FILE >> 20} MB")
        return path.read_text("utf-8")
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not UTF-8") from error


def _unreadable(path: Path, reason: str) -> ModelBroken:
    message = f"{path.name} of {path.parent.name} cannot be read: {reason}."
    return ModelBroken("The model cannot be used", message, "Fetch the model again.")
