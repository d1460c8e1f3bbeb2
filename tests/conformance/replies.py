"""Asking for replies, and what tests take note of in them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from tests.conformance.abilities import can
from tests.conformance.subjects import QUESTION, Subject
from tether_desktop.messages import FinishReason, Message, Timings, Usage, text_message
from tether_desktop.model.engine import (
    Engine,
    GenerationChunk,
    GenerationRequest,
    Prompt,
    PromptPiece,
    RequestedCall,
    SamplingParams,
    TokenLogprob,
)


@dataclass(frozen=True)
class Reply:
    """A whole reply.

    Attributes:
        chunks: all, the last one included.
    """

    chunks: list[GenerationChunk]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(chunk.text for chunk in self.chunks)

    @property
    def pieces(self) -> list[str]:
        """Its text as it came, without empty chunks."""
        return [chunk.text for chunk in self.chunks if chunk.text]

    @property
    def progress(self) -> list[float]:
        """How far the prompt was read, as it was told."""
        return [chunk.progress for chunk in self.chunks if chunk.progress is not None]

    @property
    def logprobs(self) -> list[TokenLogprob]:
        """Of all tokens."""
        return [token for chunk in self.chunks for token in chunk.logprobs]

    @property
    def calls(self) -> tuple[RequestedCall, ...]:
        """Of tools, by an engine that tells them apart."""
        return self.chunks[-1].tool_calls

    @property
    def finish_reason(self) -> FinishReason:
        """How it ended."""
        reason = self.chunks[-1].finish_reason
        assert reason is not None
        return reason

    @property
    def usage(self) -> Usage:
        """Its counts."""
        usage = self.chunks[-1].usage
        assert usage is not None
        return usage

    @property
    def timings(self) -> Timings:
        """Its times."""
        timings = self.chunks[-1].timings
        assert timings is not None
        return timings


_ASKED_FOR = ("tools", "tool_choice", "constraint", "markers")
"""What of a request is no parameter of sampling."""


class Asker:
    """Asks an engine for replies of a few tokens at temperature 0, unless a test wants it otherwise.

    Attributes:
        engine: the engine.
        subject: what it is.
    """

    def __init__(self, subject: Subject, engine: Engine) -> None:
        self.subject = subject
        self.engine = engine
        numbered = can(subject.setting.engine, ("bias",))
        # Models that were trained end their replies where they like, which only some tests are about.
        self._bans = tuple((end, -100.0) for end in subject.tokenizer.eos_ids) if numbered else ()

    async def __call__(self, prompt: str | Prompt = QUESTION, **params: Any) -> Reply:
        """A whole reply."""
        return Reply([chunk async for chunk in self.stream(prompt, **params)])

    def stream(self, prompt: str | Prompt = QUESTION, **params: Any) -> AsyncGenerator[GenerationChunk, None]:
        """The chunks of a reply as they come."""
        return self.engine.generate(self.request(prompt, **params))

    def request(
        self,
        prompt: str | Prompt = QUESTION,
        *,
        session: str = "session",
        messages: tuple[Message, ...] = (),
        **how: Any,
    ) -> GenerationRequest:
        """A request with a rendered prompt, and with the same as a message for engines that take those.

        Args:
            prompt: the question.
            session: whose it is.
            messages: what follows the question, for engines that take messages.
            how: parameters of sampling, and what else a request may ask for.
        """
        pieces = (PromptPiece(prompt),) if isinstance(prompt, str) else prompt
        whole = "".join(piece.text for piece in pieces)
        spoken = (text_message("user", whole), *messages) if whole else ()
        asked_for = {name: how.pop(name) for name in _ASKED_FOR if name in how}
        chosen = SamplingParams(**{"temperature": 0, "max_tokens": 24, "logit_bias": self._bans, **how})
        return GenerationRequest(session, pieces, chosen, spoken, **asked_for)
