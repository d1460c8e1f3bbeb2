"""Renders a conversation to a prompt with the model's own chat template."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tether_desktop.messages import Attachment, Message, Part, Reasoning, Text, ToolCall, ToolDeclaration, ToolResult
from tether_desktop.model.engine import Prompt, PromptPiece
from tether_desktop.protocol.attachments.rendering import file_text
from tether_desktop.protocol.continuation import as_written
from tether_desktop.protocol.dialects import OURS, Dialect
from tether_desktop.protocol.sentinels import SENTINEL, Sentinels
from tether_desktop.protocol.special_tokens import any_of
from tether_desktop.protocol.stream_parser import VISIBLE, state_after_prompt
from tether_desktop.protocol.template_form import Findings, Thinking, find_form, find_thinking
from tether_desktop.protocol.template_messages import MessageWriter
from tether_desktop.protocol.template_source import REFUSALS, TemplateSource, read_template, refuse, versions
from tether_desktop.protocol.thoughts import HARMONY, THOUGHT_MARKERS, THOUGHTS, Thought


@dataclass(frozen=True)
class PromptTemplate:
    """How one model wants its conversations written down.

    Attributes:
        model: the model's folder name, for messages.
        stop: texts that end a reply, besides the tokens the engine knows.
        declares_tools: whether its own template tells it of tools; else our section does.
        dialect: in which it writes calls.
        can_switch_thinking: whether its template knows of thinking and of not thinking.
        thought: how it marks what it thinks.
        markers: special tokens that have to come through as text, because calls or thoughts are told by them.
        text_start: what the model was trained to see at the start of any text; empty for nothing.
    """

    model: str
    stop: tuple[str, ...]
    declares_tools: bool
    dialect: Dialect
    can_switch_thinking: bool
    thought: Thought
    markers: tuple[str, ...]
    text_start: str
    _source: TemplateSource = field(repr=False)
    _findings: Findings = field(repr=False)
    _thinking: Thinking = field(repr=False)
    _protected: re.Pattern[str] = field(repr=False)

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolDeclaration] = (),
        thinking: bool = True,
        add_generation_prompt: bool = True,
    ) -> Prompt:
        """Render messages, oldest first; a system message may only come first.

        Special tokens that somebody (a person, a tool, a server that offers tools, the model itself) wrote become
        literal pieces.

        Args:
            messages: as :class:`Exchange` has them: results of tools follow the calls as one message.
            tools: what may be called.
            thinking: whether to think, for models that can be told so.
            add_generation_prompt: whether to open the assistant's next message.

        Raises:
            ModelBroken: the template cannot render them.
        """
        sentinels = Sentinels(self._protected)
        form = self._findings.tooled if tools else self._findings.plain
        sent = MessageWriter(form, self.dialect, sentinels).write(messages, tools)
        template = self._source.with_tools if sent.tools else self._source.template
        off = self._thinking.off
        variables = self._thinking.on if thinking or off is None else off
        try:
            text = template.render(
                sent.messages, add_generation_prompt=add_generation_prompt, tools=sent.tools, variables=variables
            )
        except REFUSALS as error:
            refuse(self.model, str(error))
        return sentinels.split(text)

    def begun(self, prompt: Prompt, parts: Sequence[Part]) -> tuple[Prompt, str]:
        """A prompt after which the reply says something already, and the state of a parser that reads what follows.

        Args:
            prompt: of :meth:`render`.
            parts: text and thoughts of the reply so far.
        """
        text, state = as_written(parts, self.thought, state_of(prompt))
        return (self.continued(prompt, text) if text else prompt), state

    def continued(self, prompt: Prompt, written: str) -> Prompt:
        """A prompt after which the model has written something already, so that it goes on from there.

        Of special tokens only the marks of calls and thoughts can have come from the model; others are literal.
        """
        marks = re.compile(f"({any_of(self.markers)})") if self.markers else re.compile(r"(?!)()")
        pieces = marks.split(written)
        return (*prompt, *(PromptPiece(text, literal=not place % 2) for place, text in enumerate(pieces) if text))


@dataclass(frozen=True, slots=True)
class UnrenderedMessages:
    """Stands for the chat template of a model whose server renders the messages itself.

    Attributes:
        model: its name, for messages.
        stop: none; the server knows them.
        declares_tools, dialect, can_switch_thinking, markers: as for :class:`PromptTemplate`; calls come apart from
            the text, so that the dialect only matters for a model that writes some into its text.
    """

    model: str
    stop: tuple[str, ...] = ()
    declares_tools: bool = True
    dialect: Dialect = OURS
    can_switch_thinking: bool = False
    markers: tuple[str, ...] = ()

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolDeclaration] = (),
        thinking: bool = True,  # noqa: ARG002 — the server decides
    ) -> Prompt:
        """The messages as they are, for the engine to count: of each its role, then all that it says."""
        declared = [("system", json.dumps([_described(tool) for tool in tools], ensure_ascii=False))] if tools else []
        said = [(message.role, "\n".join(filter(None, map(_counted, message.parts)))) for message in messages]
        return tuple(
            piece for role, text in declared + said for piece in (PromptPiece(role), PromptPiece(text, literal=True))
        )

    def begun(self, prompt: Prompt, parts: Sequence[Part]) -> tuple[Prompt, str]:
        """The same with a reply that says something already, and the state of a parser that reads what follows."""
        text = "\n".join(filter(None, map(_counted, parts)))
        return (*prompt, PromptPiece("assistant"), PromptPiece(text, literal=True)), VISIBLE


def state_of(prompt: Prompt) -> str:
    """Where a reply to a rendered prompt starts, for its parser."""
    last = prompt[-1] if prompt else None
    return VISIBLE if last is None or last.literal else state_after_prompt(last.text)


def load_prompt_template(model_dir: Path) -> PromptTemplate:
    """The folder's template, read again only when one of its files has changed.

    Raises:
        ModelBroken: the model has no chat template, or none that works.
    """
    return _load(model_dir, versions(model_dir))


@lru_cache(maxsize=16)
def _load(model_dir: Path, _versions: tuple[int, ...]) -> PromptTemplate:
    source = read_template(model_dir)
    try:
        findings = find_form(source.template, source.with_tools)
    except REFUSALS as error:
        refuse(model_dir.name, str(error))
    thinking = find_thinking(source.template, source.text)
    thought = _thought(source)
    marks = THOUGHT_MARKERS if thought.name == HARMONY else (thought.opening, thought.closing)
    special = source.special.texts
    return PromptTemplate(
        model=model_dir.name,
        stop=source.stop,
        declares_tools=findings.tooled.declares,
        dialect=findings.dialect,
        can_switch_thinking=thinking.off is not None,
        thought=thought,
        markers=tuple(text for text in dict.fromkeys((*findings.dialect.markers, *marks)) if text in special),
        text_start=_text_start(source),
        _source=source,
        _findings=findings,
        _thinking=thinking,
        _protected=re.compile("|".join(filter(None, [any_of(special), SENTINEL]))),
    )


def _thought(source: TemplateSource) -> Thought:
    """The kind of thought that the template or else the vocabulary knows."""
    vocabulary = source.special.texts.union(source.special.by_id.values())
    named = [thought for thought in THOUGHTS if _told_by(thought) in source.text]
    return next(iter(named or [thought for thought in THOUGHTS if _told_by(thought) in vocabulary]), THOUGHTS[0])


def _text_start(source: TemplateSource) -> str:
    """The token that begins every text: it stands at the start of a conversation, and nowhere else in it."""
    beginning = source.special.named.get("bos_token", "")
    said = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Ho"},
        {"role": "user", "content": "Hi"},
    ]
    try:
        text = source.template.render(said, add_generation_prompt=True)
    except REFUSALS:
        return ""
    return beginning if beginning and text.startswith(beginning) and text.count(beginning) == 1 else ""


def _told_by(thought: Thought) -> str:
    """What only this kind has: templates often have nothing but the closing tag, but that of gpt-oss is ambiguous."""
    return thought.opening if thought.name == HARMONY else thought.closing


def _described(tool: ToolDeclaration) -> dict[str, object]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def _counted(part: Part) -> str:
    match part:
        case Text(text):
            return text
        case Reasoning():
            return ""
        case ToolCall(_, name, arguments, text):
            return text or f"{name} {json.dumps(arguments, ensure_ascii=False)}"
        case ToolResult(_, _, result):
            return result
        case Attachment():
            return file_text(part)
