"""One round of a model's speech: what the engine is asked for, and how its answer is heard."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from tether_desktop.errors import ConstraintRefused, EngineError
from tether_desktop.messages import MODELS_CHOICE, Message, Phase, ToolChoice, ToolDeclaration, Usage
from tether_desktop.model.engine import (
    Constraint,
    Engine,
    EngineInfo,
    GenerationChunk,
    GenerationRequest,
    SamplingParams,
)
from tether_desktop.protocol.call_grammar import call_constraint, no_call_constraint
from tether_desktop.protocol.dialects import OURS, Dialect
from tether_desktop.protocol.prompt import PromptTemplate, UnrenderedMessages, state_of
from tether_desktop.protocol.speech import Speech
from tether_desktop.protocol.stream_parser import StreamParser
from tether_desktop.protocol.window import FittedPrompt

NO_CALLS = ToolChoice("none")

MOST_CALLS = 16
"""Calls of one round; a model that asks for more has lost its way."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a model is to say in one round.

    Attributes:
        session_id: whose KV state is reused.
        template: the model's chat template.
        params: how to sample, stop texts of the template included.
        context_window: tokens to count on when the engine does not tell.
        tools: what may be called.
        choice: whether it may or must be.
        reply_format: what the reply has to be; None for free text.
        may_think: whether thinking first is wanted.
        thinking_limit: tokens after which a thought is closed; 0 is no limit.
        most_calls: how many calls it may make, where a grammar can see to it.
    """

    session_id: str
    template: PromptTemplate | UnrenderedMessages
    params: SamplingParams
    context_window: int
    tools: tuple[ToolDeclaration, ...] = ()
    choice: ToolChoice = MODELS_CHOICE
    reply_format: Constraint | None = None
    may_think: bool = True
    thinking_limit: int = 0
    most_calls: int = MOST_CALLS

    @property
    def thinks(self) -> bool:
        """Whether the model may think first; where a call or a form is demanded, thoughts could take all the room."""
        forced = self.choice.mode in {"required", "named"} or self.reply_format is not None
        return self.may_think and not forced

    @property
    def dialects(self) -> tuple[Dialect, ...]:
        """How the model may write calls: its own way, and ours, since it may have read of that."""
        return tuple(dict.fromkeys((self.template.dialect, OURS))) if self.tools else ()

    def window(self, info: EngineInfo | None) -> int:
        """Tokens of prompt and reply together."""
        return info.context_window if info else self.context_window


def parser_for(assignment: Assignment, fitted: FittedPrompt, phase: Phase = "pre_tool") -> StreamParser:
    """A parser that begins in the state in which the prompt ends."""
    names = [tool.name for tool in assignment.tools]
    return StreamParser(_state(fitted), dialects=assignment.dialects, names=names, phase=phase)


def request_for(assignment: Assignment, fitted: FittedPrompt, info: EngineInfo | None) -> GenerationRequest:
    """What the engine is asked for."""
    session_id, params, tools = assignment.session_id, assignment.params, assignment.tools
    constraint = assignment.reply_format
    if info and info.takes_messages:
        reply = Message("assistant", fitted.begun)
        # Thoughts are not sent back, so that there is nothing to go on with where nothing else was said.
        begun = (reply,) if reply.text.strip() else ()
        said = (*fitted.messages, *begun)
        return GenerationRequest(
            session_id, (), params, said, tools, assignment.choice, constraint, continues=bool(begun)
        )
    if tools and info and "lark" in info.constraints:
        constraint = _calls_constraint(assignment, fitted, info)
    markers = assignment.template.markers
    return GenerationRequest(session_id, fitted.prompt, params, constraint=constraint, markers=markers)


async def speak(
    engine: Engine, request: GenerationRequest, speech: Speech, assignment: Assignment
) -> AsyncGenerator[GenerationChunk, None]:
    """Let the engine speak; yields each chunk once ``speech`` has taken it in, the last one with a finish reason.

    A thought that has become too long is closed, and the model goes on after it; the usage counts both.
    """
    # Thoughts cannot be closed from here where the engine renders the prompt.
    template, limit = assignment.template, assignment.thinking_limit
    limit = limit if request.prompt and isinstance(template, PromptTemplate) else 0
    async with aclosing(_heard(engine, request, speech)) as chunks:
        async for chunk in chunks:
            if chunk.finish_reason is None and 0 < limit <= speech.thought_tokens:
                break
            yield chunk
            if chunk.finish_reason:
                speech.finish()
                return
    if not isinstance(template, PromptTemplate):
        raise _broken_off(template.model)
    written = speech.tokens
    speech.add(f"\n{template.thought.closing}\n\n")
    rest = replace(request, prompt=template.continued(request.prompt, speech.text))
    async with aclosing(_heard(engine, rest, speech)) as chunks:
        async for chunk in chunks:
            yield replace(chunk, usage=chunk.usage and _with_written(chunk.usage, written))
    speech.finish()


async def _heard(engine: Engine, request: GenerationRequest, speech: Speech) -> AsyncGenerator[GenerationChunk, None]:
    async with aclosing(engine.generate(request)) as chunks:
        async for chunk in chunks:
            speech.take(chunk)
            yield chunk
            if chunk.finish_reason:
                return
    raise _broken_off("The model")


def _broken_off(model: str) -> EngineError:
    return EngineError("The reply broke off", f"{model} stopped in the middle of its reply.", "Try again.")


def _with_written(usage: Usage, written: int) -> Usage:
    """The usage of a continuation, with what was written before counted as written and not as prompt."""
    prompt = max(0, usage.prompt_tokens - written)
    return Usage(prompt, min(usage.cached_tokens, prompt), usage.completion_tokens + written)


def _calls_constraint(assignment: Assignment, fitted: FittedPrompt, info: EngineInfo) -> Constraint | None:
    """What holds the reply to valid calls of known tools, or to none."""
    template, params = assignment.template, assignment.params
    if assignment.choice == NO_CALLS:
        return no_call_constraint(template.dialect)
    room = assignment.window(info) - fitted.tokens
    return call_constraint(
        template.dialect,
        assignment.tools,
        assignment.choice,
        may_think=template.can_switch_thinking and assignment.thinks,
        state=_state(fitted),
        most_tokens=min(room, params.max_tokens or room),
        # Models that were not made for tools go on calling whatever comes to their mind.
        most_calls=assignment.most_calls if template.declares_tools else 1,
        form=_schema(assignment.reply_format),
    )


def _schema(form: Constraint | None) -> object:
    """The schema of what a reply has to be; None for free text."""
    if form is None:
        return None
    if form.kind != "json_schema":
        raise ConstraintRefused("Tools and a reply format", "Beside tools, a format can only be a JSON schema.")
    return json.loads(form.text)


def _state(fitted: FittedPrompt) -> str:
    return state_of(fitted.prompt) if fitted.state is None else fitted.state
