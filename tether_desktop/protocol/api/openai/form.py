"""What the two kinds of completions have in common: their heads, their counts and their ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import uuid4

import tether_desktop
from tether_desktop.protocol.completions import Completion, CompletionEvent, Finished

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
