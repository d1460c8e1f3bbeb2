"""Renders a conversation to a prompt with the model's own chat template."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tether_desktop.messages import Message, Part, Reasoning, Text, ToolCall, ToolDeclaration, ToolResult
from tether_desktop.model.engine import Prompt, PromptPiece
from tether_desktop.protocol.dialects import OURS, Dialect
from tether_desktop.protocol.sentinels import SENTINEL, Sentinels
from tether_desktop.protocol.special_tokens import any_of
from tether_desktop.protocol.stream_parser import VISIBLE, state_after_prompt
from tether_desktop.protocol.template_form import Findings, Thinking, find_form, find_thinking
from tether_desktop.protocol.template_messages import MessageWriter
from tether_desktop.protocol.template_source import REFUSALS, TemplateSource, read_template, refuse, versions

_THOUGHT_MARKS = (
    *(("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<thinking>", "</thinking>")),
    ("<reflection>", "</reflection>"),
)


@dataclass(frozen=True)
class PromptTemplate:
    """How one model wants its conversations written down.

    Attributes:
        model: the model's folder name, for messages.
        stop: texts that end a reply, besides the tokens the engine knows.
        has_system_role: False when the system text goes into the first question.
        declares_tools: whether its own template tells it of tools; else our section does.
        dialect: in which it writes calls.
        can_switch_thinking: whether its template knows of thinking and of not thinking.
        thought_marks: what begins and ends a thought of its.
        markers: special tokens that have to come through as text, because calls or thoughts are told by them.
    """

    model: str
    stop: tuple[str, ...]
    has_system_role: bool
    declares_tools: bool
    dialect: Dialect
    can_switch_thinking: bool
    thought_marks: tuple[str, str]
    markers: tuple[str, ...]
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
        begun: Sequence[Part] = (),
    ) -> Prompt:
        """Render messages, oldest first; a system message may only come first.

        Special tokens that somebody (a person, a tool, a server that offers tools, the model itself) wrote become
        literal pieces.

        Args:
            messages: as :class:`Exchange` has them: results of tools follow the calls as one message.
            tools: what may be called.
            thinking: whether to think, for models that can be told so.
            add_generation_prompt: whether to open the assistant's next message.
            begun: thoughts and text with which that message begins; thoughts are closed, so that the model goes on
                with its answer.

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
        return sentinels.split(text + self._begun(text, begun, sentinels))

    @property
    def thought_end(self) -> str:
        """What ends a thought."""
        return self.thought_marks[1]

    def _begun(self, prompt: str, parts: Sequence[Part], sentinels: Sentinels) -> str:
        opening, closing = self.thought_marks
        written = ""
        for part in parts:
            if isinstance(part, Text):
                written += sentinels.put_into(part.text)
            elif isinstance(part, Reasoning):
                opened = not written and state_after_prompt(prompt) != VISIBLE
                thought = sentinels.put_into(part.text)
                end = closing if thought.endswith("\n") else f"\n{closing}"
                written += f"{'' if opened else opening}{thought}{end}\n\n"
        return written


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
    thinking = find_thinking(source.template)
    marks = _thought_marks(source)
    special = source.special.texts
    return PromptTemplate(
        model=model_dir.name,
        stop=source.stop,
        has_system_role=findings.plain.system,
        declares_tools=findings.tooled.declares,
        dialect=findings.dialect,
        can_switch_thinking=thinking.off is not None,
        thought_marks=marks,
        markers=tuple(text for text in dict.fromkeys((*findings.dialect.markers, *marks)) if text in special),
        _source=source,
        _findings=findings,
        _thinking=thinking,
        _protected=re.compile("|".join(filter(None, [any_of(special), SENTINEL]))),
    )


def _thought_marks(source: TemplateSource) -> tuple[str, str]:
    """Those that the template or else the vocabulary has."""
    known = source.special.texts.union(source.special.by_id.values())
    named = [marks for marks in _THOUGHT_MARKS if marks[1] in source.text]
    return next(iter(named or [marks for marks in _THOUGHT_MARKS if marks[1] in known]), _THOUGHT_MARKS[0])


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
