"""Replies for clients that keep the conversation themselves: nothing is stored, and the client runs the calls."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

from tether_desktop.errors import ConstraintRefused, PromptTooLong, TetherError, ToolError, ToolNotFound
from tether_desktop.events import HiddenThought, Stage, Token
from tether_desktop.messages import (
    MODELS_CHOICE,
    FinishReason,
    Message,
    Text,
    Timings,
    ToolChoice,
    ToolDeclaration,
    Usage,
    text_message,
)
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.engine import (
    Constraint,
    Engine,
    EngineInfo,
    GenerationChunk,
    GenerationRequest,
    Prompt,
    PromptPiece,
    SamplingParams,
    TokenLogprob,
)
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.model_choice import chosen_model, load_template, with_stop
from tether_desktop.protocol.prompt import PromptTemplate
from tether_desktop.protocol.speaking import MOST_CALLS, Assignment, parser_for, request_for, speak
from tether_desktop.protocol.speech import Call, Heard, Speech
from tether_desktop.protocol.stream_parser import BrokenCall, StreamParser
from tether_desktop.protocol.window import FittedPrompt
from tether_desktop.settings import Settings


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to be answered.

    Attributes:
        messages: oldest first; a system message may only come first.
        params: how to sample.
        model: who answers; None is the default model, else the first usable.
        tools: what the client can call.
        choice: whether it may or must be called.
        reply_format: what the reply has to be; None for free text.
        thinking: whether the model may think first; None is as the settings say.
        most_calls: how many calls it may make.
    """

    messages: tuple[Message, ...]
    params: SamplingParams
    model: str | None = None
    tools: tuple[ToolDeclaration, ...] = ()
    choice: ToolChoice = MODELS_CHOICE
    reply_format: Constraint | None = None
    thinking: bool | None = None
    most_calls: int = MOST_CALLS


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call that the client is asked to make; ``arguments`` is a JSON object, as text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """How likely the tokens of the reply were, in order, where that was asked for."""

    tokens: tuple[TokenLogprob, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is complete; comes last, and once.

    Attributes:
        finish_reason: "tool_calls" where calls were written.
        usage: its tokens.
        timings: its durations.
        reasoning_tokens: how many of the written tokens were thoughts, about.
    """

    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    reasoning_tokens: int = 0


CompletionEvent = Token | HiddenThought | WrittenCall | TokenLogprobs | Finished


@dataclass(frozen=True, slots=True)
class CompletionReport:
    """How a reply went, for those who watch.

    Attributes:
        model: who answered.
        ending: its finish reason; "cancelled" where nobody wanted the rest; else the error's code.
        first_token_s: from the request to the first word, waiting included; None where none came.
        finished: its end, where it came to one.
    """

    model: str
    ending: str
    first_token_s: float | None = None
    finished: Finished | None = None


Observer = Callable[[CompletionReport], None]


class Completion:
    """A reply being made.

    Attributes:
        model: who answers.
        prompt_tokens: length of the prompt.
    """

    def __init__(self, model: str, prompt_tokens: int, events: AsyncGenerator[CompletionEvent, None]) -> None:
        self.model = model
        self.prompt_tokens = prompt_tokens
        self._events = events

    def events(self) -> AsyncGenerator[CompletionEvent, None]:
        """The reply, to be read once; closing it stops the engine."""
        return self._events


class Completions:
    """Makes them; the engine is lent for the time of one reply.

    Attributes:
        settings: read at the start of every reply; may be replaced.
        observers: called, in the loop, after every reply.
    """

    def __init__(
        self,
        pool: EnginePool,
        catalog: Catalog,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; ``clock`` tells seconds, for how long a request waits."""
        self.settings = settings
        self._clock = clock
        self.observers: list[Observer] = []
        self._pool = pool
        self._catalog = catalog

    @asynccontextmanager
    async def chat(self, request: ChatRequest) -> AsyncIterator[Completion]:
        """Answer a conversation; entered once the model is loaded and the conversation has been found to fit.

        Raises:
            PromptTooLong: it does not fit the context window; nothing of it is ever left out.
            ModelError: the model is unknown or cannot be used.
            ToolError: a call is demanded of a tool that is not there, or beside a format of the reply.
            TetherError: as the engine.
        """
        _check_tools(request)
        entry = await self._entry(request.model)
        template = await asyncio.to_thread(load_template, entry)
        messages = _joined(request.messages)
        assignment = Assignment(
            _conversation(messages),
            template,
            with_stop(request.params, template.stop),
            entry.context_window,
            request.tools if request.choice.mode != "none" else (),
            request.choice,
            request.reply_format,
            may_think=self.settings.thinking == "on" if request.thinking is None else request.thinking,
            thinking_limit=self.settings.thinking_limit,
            most_calls=request.most_calls,
        )
        async with self._lent(entry) as (engine, wait):
            info = self._info(entry)
            fitted = await _fit(engine, assignment, messages, info)
            async with self._made(entry, fitted.tokens, _answer(engine, assignment, fitted, info), wait) as made:
                yield made

    @asynccontextmanager
    async def text(self, model: str | None, prompt: str, params: SamplingParams) -> AsyncIterator[Completion]:
        """Go on with a text, read as the model's tokens, special ones included; raises as :meth:`chat`.

        Raises:
            ConstraintRefused: the model's server takes conversations only.
        """
        entry = await self._entry(model)
        template = await asyncio.to_thread(load_template, entry)
        if not isinstance(template, PromptTemplate):
            message = f"{entry.name} answers conversations, and does not go on with a plain text."
            raise ConstraintRefused("The model takes no plain text", message, "Send it as a message of a chat.")
        pieces = (PromptPiece(template.text_start + prompt),)
        async with self._lent(entry) as (engine, wait):
            (tokens,) = await engine.count_tokens([pieces])
            _check_length(tokens, self._info(entry), entry)
            request = GenerationRequest(_conversation([text_message("user", prompt)]), pieces, params)
            async with self._made(entry, tokens, _going_on(engine, request), wait) as made:
                yield made

    async def _entry(self, model: str | None) -> ModelEntry:
        return await asyncio.to_thread(chosen_model, self._catalog, model, self.settings.default_model)

    def _info(self, entry: ModelEntry) -> EngineInfo | None:
        state = self._pool.states().get(entry.name)
        return state.info if state else None

    @asynccontextmanager
    async def _lent(self, entry: ModelEntry) -> AsyncIterator[tuple[Engine, _Wait]]:
        asked = self._clock()
        async with self._pool.lend(entry.name, _ignore) as engine:
            yield engine, _Wait(asked, self._clock() - asked)

    @asynccontextmanager
    async def _made(
        self, entry: ModelEntry, tokens: int, events: AsyncGenerator[CompletionEvent, None], wait: _Wait
    ) -> AsyncIterator[Completion]:
        async with aclosing(self._observed(entry.name, events, wait)) as observed:
            yield Completion(entry.name, tokens, observed)

    async def _observed(
        self, model: str, events: AsyncGenerator[CompletionEvent, None], wait: _Wait
    ) -> AsyncGenerator[CompletionEvent, None]:
        """The same events, of which the last one tells the wait as well; how it went is told to the observers."""
        report = CompletionReport(model, "cancelled")
        try:
            async with aclosing(events):
                async for event in events:
                    if report.first_token_s is None:
                        report = replace(report, first_token_s=self._clock() - wait.began)
                    if not isinstance(event, Finished):
                        yield event
                        continue
                    end = replace(event, timings=replace(event.timings, queued_s=wait.queued_s))
                    report = replace(report, ending=end.finish_reason, finished=end)
                    yield end
        except Exception as error:
            report = replace(report, ending=error.code if isinstance(error, TetherError) else "internal_error")
            raise
        finally:
            for observer in tuple(self.observers):
                observer(report)


@dataclass(frozen=True, slots=True)
class _Wait:
    """When a request came, and how long it waited for the engine."""

    began: float
    queued_s: float


async def _answer(
    engine: Engine, assignment: Assignment, fitted: FittedPrompt, info: EngineInfo | None
) -> AsyncGenerator[CompletionEvent, None]:
    """What the model says, call by call and word by word."""
    heard = Heard()
    speech = Speech(parser_for(assignment, fitted), heard)
    request = request_for(assignment, fitted, info)
    told, last = 0, GenerationChunk()
    async with aclosing(speak(engine, request, speech, assignment)) as chunks:
        async for chunk in chunks:
            for event in heard.fetch():
                yield event
            if chunk.logprobs:
                yield TokenLogprobs(chunk.logprobs)
            for call in speech.calls[told:]:
                yield _written(call)
            told = len(speech.calls)
            last = chunk
    for event in heard.fetch():
        yield event
    for call in speech.calls[told:]:
        yield _written(call)
    yield _finished(last, speech)


async def _going_on(engine: Engine, request: GenerationRequest) -> AsyncGenerator[CompletionEvent, None]:
    """What follows a text, as it is."""
    speech = Speech(StreamParser(), Heard())
    async with aclosing(engine.generate(request)) as chunks:
        async for chunk in chunks:
            if chunk.text:
                yield Token(chunk.text)
            if chunk.logprobs:
                yield TokenLogprobs(chunk.logprobs)
            if chunk.finish_reason:
                yield _finished(chunk, speech)
                return


def _finished(last: GenerationChunk, speech: Speech) -> Finished:
    reason = last.finish_reason or "stop"
    if speech.calls and reason == "stop":
        reason = "tool_calls"
    return Finished(reason, last.usage or Usage(), last.timings or Timings(), speech.thought_tokens)


def _written(call: Call) -> WrittenCall | Token:
    """A call for the client; what cannot be understood is shown as it was written where no tool is named."""
    call_id = f"call_{uuid4().hex[:24]}"
    if isinstance(call, BrokenCall):
        return WrittenCall(call_id, call.name, call.text) if call.name else Token(call.text)
    return WrittenCall(call_id, call.name, json.dumps(call.arguments, ensure_ascii=False))


async def _fit(
    engine: Engine, assignment: Assignment, messages: Sequence[Message], info: EngineInfo | None
) -> FittedPrompt:
    """The whole conversation as a prompt.

    Raises:
        PromptTooLong: there is no room for a reply after it.
    """
    prompt = await asyncio.to_thread(_rendered, assignment, messages)
    (tokens,) = await engine.count_tokens([prompt])
    window = assignment.window(info)
    if tokens >= window:
        raise _too_long(tokens, window, assignment.template.model)
    return FittedPrompt(prompt, tokens, tuple(messages))


def _rendered(assignment: Assignment, messages: Sequence[Message]) -> Prompt:
    return assignment.template.render(messages, tools=assignment.tools, thinking=assignment.thinks)


def _check_length(tokens: int, info: EngineInfo | None, entry: ModelEntry) -> None:
    window = info.context_window if info else entry.context_window
    if tokens >= window:
        raise _too_long(tokens, window, entry.name)


def _too_long(tokens: int, window: int, model: str) -> PromptTooLong:
    return PromptTooLong(
        "The conversation is too long",
        f"It has {tokens:,} tokens; {model} keeps {window:,} in mind, its reply included.",
        "Leave something out, or choose a model with a larger context window.",
    )


def _check_tools(request: ChatRequest) -> None:
    choice = request.choice
    demanded = choice.mode in {"required", "named"}
    if demanded and request.reply_format is not None:
        message = "A reply that has to be of a certain form cannot call tools."
        raise ToolError("Tools and a reply format", message, "Ask for one of both.")
    if demanded and not request.tools:
        raise ToolError("There are no tools", "A call is demanded, but no tool is there to call.", "Send tools along.")
    if choice.mode == "named" and choice.name not in {tool.name for tool in request.tools}:
        raise ToolNotFound("There is no such tool", f"{choice.name} is not among the tools that were sent.")


def _joined(messages: Sequence[Message]) -> list[Message]:
    """Neighbours of one role as one message, because many chat templates demand that roles alternate."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            between = (Text("\n\n"),) if joined[-1].text and message.text else ()
            joined[-1] = replace(joined[-1], parts=(*joined[-1].parts, *between, *message.parts))
        else:
            joined.append(message)
    return joined


def _conversation(messages: Sequence[Message]) -> str:
    """A name for the conversation that stays as it grows, so that its KV state is found again."""
    first = next((place for place, message in enumerate(messages) if message.role == "user"), 0)
    beginning = "\0".join(f"{message.role}\0{message.text}" for message in messages[: first + 1])
    return f"completion {hashlib.sha256(beginning.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _ignore(_stage: Stage, _progress: float | None) -> None:
    """Nobody waits for stages here."""
