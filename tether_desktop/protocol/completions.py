"""Replies for clients that keep the conversation themselves: nothing of them is stored, and the client runs its calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tether_desktop.events import HiddenThought, Token
from tether_desktop.messages import MODELS_CHOICE, FinishReason, Message, Timings, ToolChoice, ToolDeclaration, Usage
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import Constraint, SamplingParams, TokenLogprob
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.settings import Settings


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to be answered.

    Attributes:
        messages: oldest first; a system message may only come first.
        model: who answers; None is the default model, else the first usable.
        params: how to sample.
        tools: what the client can call.
        choice: whether it may or must be called.
        reply_format: what the reply has to be; None for free text.
        thinking: whether the model may think first; None is as the settings say.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    params: SamplingParams = SamplingParams()
    tools: tuple[ToolDeclaration, ...] = ()
    choice: ToolChoice = MODELS_CHOICE
    reply_format: Constraint | None = None
    thinking: bool | None = None


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
    """The reply is complete; comes last, and once."""

    finish_reason: FinishReason
    usage: Usage
    timings: Timings


CompletionEvent = Token | HiddenThought | WrittenCall | TokenLogprobs | Finished


class Completion:
    """A reply being made.

    Attributes:
        model: who answers.
        prompt_tokens: length of the prompt.
    """

    model: str
    prompt_tokens: int

    def events(self) -> AsyncGenerator[CompletionEvent, None]:
        """The reply, to be read once; closing it stops the engine."""
        raise NotImplementedError


class Completions:
    """Makes them; the engine is lent for the time of one reply."""

    def __init__(self, pool: EnginePool, catalog: Catalog, settings: Settings) -> None:
        self.settings = settings
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
        raise NotImplementedError
        yield Completion()

    @asynccontextmanager
    async def text(self, model: str | None, prompt: str, params: SamplingParams) -> AsyncIterator[Completion]:
        """Go on with a text, read as the model's tokens, special ones included; raises as :meth:`chat`."""
        raise NotImplementedError
        yield Completion()
