"""What the two kinds of completions have in common: their heads, their counts and their ends."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import uuid4

import tether_desktop
from tether_desktop.events import Token
from tether_desktop.model.engine import TokenLogprob
from tether_desktop.protocol.completions import Completion, CompletionEvent, Finished, TokenLogprobs

Json = dict[str, Any]
"""An answer, or a chunk of one, on its way out."""


class Form(Protocol):
    """How one reply is told to its client, whole or chunk by chunk."""

    def opening(self, completion: Completion) -> list[Json]:
        """The chunks that come first."""
        ...

    def chunks(self, event: CompletionEvent) -> list[Json]:
        """The chunks of an event."""
        ...

    def whole(self, completion: Completion, events: Sequence[CompletionEvent]) -> Json:
        """The reply at once."""
        ...


class HoldingForm(ABC):
    """Holds text back until the likelihoods of its tokens are there, where they were asked for; they follow at once."""

    def __init__(self, *, logprobs: bool) -> None:
        self._logprobs = logprobs
        self._held: str | None = None

    def chunks(self, event: CompletionEvent) -> list[Json]:
        """The chunks of an event."""
        if isinstance(event, TokenLogprobs):
            text, self._held = self._held, None
            return [self._text(text or "", event.tokens)]
        before = [] if self._held is None else [self._text(self._held)]
        self._held = None
        if isinstance(event, Token) and self._logprobs:
            self._held = event.content
            return before
        return before + self._told(event)

    @abstractmethod
    def _text(self, text: str, logprobs: Sequence[TokenLogprob] | None = None) -> Json:
        """A chunk of visible text."""

    @abstractmethod
    def _told(self, event: CompletionEvent) -> list[Json]:
        """The chunks of an event that does not wait."""


def head(prefix: str, kind: str, model: str) -> Json:
    """What every answer and chunk begins with."""
    return {
        "id": f"{prefix}-{uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": f"tether-{tether_desktop.__version__}",
    }


def counts(end: Finished) -> Json:
    """The tokens of a reply."""
    usage = end.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": end.reasoning_tokens},
    }


def end_of(events: Sequence[CompletionEvent]) -> Finished:
    """The last event, with which every reply ends."""
    return next(event for event in reversed(events) if isinstance(event, Finished))
