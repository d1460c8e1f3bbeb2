"""Renders a conversation to a prompt with the model's own chat template."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, Protocol

from tether_desktop.errors import ModelBroken
from tether_desktop.messages import Message, text_message
from tether_desktop.model.engine import Prompt, PromptPiece
from tether_desktop.protocol.chat_template import ChatTemplate, ChatTemplateError
from tether_desktop.protocol.conv_template import ConvTemplate, ConvTemplateError, parse_conv_template
from tether_desktop.protocol.special_tokens import SpecialTokens, any_of, read_special_tokens

_TOKENIZER_CONFIG = "tokenizer_config.json"
_TEMPLATE_FILE = "chat_template.jinja"
_CHAT_CONFIG = "mlc-chat-config.json"
_SOURCES = (_TOKENIZER_CONFIG, _TEMPLATE_FILE, _CHAT_CONFIG, "tokenizer.json")

_LARGEST_FILE = 8 << 20
"""What is read of a model here; as objects it takes twenty times as much memory."""

_SENTINELS = range(0x100000, 0x10FFFE)
_SENTINEL = f"[{chr(_SENTINELS.start)}-{chr(_SENTINELS.stop - 1)}]"
_PROBE = "Speak plainly."


class _Template(Protocol):
    def render(self, messages: Sequence[dict[str, str]], *, add_generation_prompt: bool) -> str: ...


@dataclass(frozen=True)
class PromptTemplate:
    """How one model wants its conversations written down.

    Attributes:
        model: the model's folder name, for messages.
        stop: texts that end a reply, besides the tokens the engine knows.
        has_system_role: False when the system text goes into the first question.
    """

    model: str
    stop: tuple[str, ...]
    has_system_role: bool
    _template: _Template = field(repr=False)
    _protected: re.Pattern[str] = field(repr=False)

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool = True) -> Prompt:
        """Render messages, oldest first; a system message may only come first.

        Special tokens that somebody wrote into a message become literal pieces: each is put into the
        template as one private-use character, and split off again afterwards, so that the template
        may trim and split the content as it likes.

        Raises:
            ModelBroken: the template cannot render them.
        """
        spoken = messages if self.has_system_role else _fold_system(messages)
        sentinels = _Sentinels(self._protected)
        contents = [{"role": message.role, "content": sentinels.put_into(message.text)} for message in spoken]
        try:
            text = self._template.render(contents, add_generation_prompt=add_generation_prompt)
        except (ChatTemplateError, ConvTemplateError) as error:
            _refuse(self.model, str(error))
        return sentinels.split(text)


@dataclass(frozen=True, slots=True)
class UnrenderedMessages:
    """Stands for the chat template of a model whose server renders the messages itself.

    Attributes:
        model: its name, for messages.
        stop: none; the server knows them.
    """

    model: str
    stop: tuple[str, ...] = ()

    def render(self, messages: Sequence[Message]) -> Prompt:
        """The messages as they are, for the engine to count: of each its role, then its text."""
        return tuple(
            piece
            for message in messages
            for piece in (PromptPiece(message.role), PromptPiece(message.text, literal=True))
        )


class _Sentinels:
    """Private-use characters that stand for texts which must not be read as special tokens."""

    def __init__(self, protected: re.Pattern[str]) -> None:
        self._protected = protected
        self._originals: dict[str, str] = {}
        self._characters: dict[str, str] = {}

    def put_into(self, content: str) -> str:
        return self._protected.sub(self._sentinel, content)

    def split(self, rendered: str) -> Prompt:
        if not self._originals:
            return (PromptPiece(rendered),) if rendered else ()
        pieces = re.split(f"({_SENTINEL}+)", rendered)
        return tuple(self._piece(text, sentinel=bool(place % 2)) for place, text in enumerate(pieces) if text)

    def _piece(self, text: str, *, sentinel: bool) -> PromptPiece:
        if not sentinel:
            return PromptPiece(text)
        return PromptPiece("".join(self._originals.get(character, character) for character in text), literal=True)

    def _sentinel(self, match: re.Match[str]) -> str:
        original = match.group()
        if original not in self._characters and len(self._characters) == len(_SENTINELS):
            return "\ufffd"
        if original not in self._characters:
            character = chr(_SENTINELS[len(self._characters)])
            self._characters[original] = character
            self._originals[character] = original
        return self._characters[original]


def load_prompt_template(model_dir: Path) -> PromptTemplate:
    """The folder's template, read again only when one of its files has changed.

    Raises:
        ModelBroken: the model has no chat template, or none that works.
    """
    return _load(model_dir, tuple(_modified(model_dir / name) for name in _SOURCES))


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=16)
def _load(model_dir: Path, _versions: tuple[int, ...]) -> PromptTemplate:
    tokenizer_config = _read_json(model_dir / _TOKENIZER_CONFIG)
    special = read_special_tokens(model_dir, tokenizer_config)
    conv = _conv_template(model_dir, special)
    template = _chat_template(model_dir, tokenizer_config, special) or conv
    if template is None:
        _refuse(model_dir.name, "it has neither a chat template nor a conv_template")
    return PromptTemplate(
        model=model_dir.name,
        stop=conv.stop if conv else (),
        has_system_role=_takes_system(model_dir.name, template),
        _template=template,
        _protected=re.compile("|".join(filter(None, [any_of(special.texts), _SENTINEL]))),
    )


def _chat_template(model_dir: Path, config: dict[str, Any], special: SpecialTokens) -> ChatTemplate | None:
    source = _template_source(config.get("chat_template")) or _read_text(model_dir / _TEMPLATE_FILE)
    if not source:
        return None
    try:
        return ChatTemplate(source, {"bos_token": "", "eos_token": ""} | special.named)
    except ChatTemplateError as error:
        _refuse(model_dir.name, str(error))


def _template_source(value: object) -> str:
    """The template itself, or the one named "default" of a list of named ones, else the first."""
    if isinstance(value, str):
        return value
    named = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    named.sort(key=lambda item: item.get("name") != "default")
    return next((item["template"] for item in named if isinstance(item.get("template"), str)), "")


def _conv_template(model_dir: Path, special: SpecialTokens) -> ConvTemplate | None:
    value = _read_json(model_dir / _CHAT_CONFIG).get("conv_template")
    if not isinstance(value, dict) or "roles" not in value:
        return None
    try:
        return parse_conv_template(value, special.by_id)
    except ConvTemplateError as error:
        _refuse(model_dir.name, str(error))


def _takes_system(model: str, template: _Template) -> bool:
    """Ask the template: some refuse a system message, some leave it out."""
    question = {"role": "user", "content": "Hello"}
    try:
        return _PROBE in template.render([{"role": "system", "content": _PROBE}, question], add_generation_prompt=True)
    except (ChatTemplateError, ConvTemplateError):
        pass
    try:
        template.render([question], add_generation_prompt=True)
    except (ChatTemplateError, ConvTemplateError) as error:
        _refuse(model, str(error))
    return False


def _fold_system(messages: Sequence[Message]) -> Sequence[Message]:
    """Put the system text at the beginning of the first question."""
    if len(messages) < 2 or messages[0].role != "system":
        return messages
    system, first, *others = messages
    return [text_message(first.role, f"{system.text}\n\n{first.text}"), *others]


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


def _refuse(model: str, problem: str) -> NoReturn:
    raise ModelBroken(
        "The model cannot hold a conversation",
        f"The chat template of {model} does not work: {problem}.",
        "Add a working chat_template.jinja to the model's folder, or choose another model.",
    )
