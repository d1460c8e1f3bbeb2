"""Continuations of a text as completions, whole or chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence

from tether_desktop.events import Token
from tether_desktop.model.engine import TokenLogprob
from tether_desktop.protocol.api.openai.form import HoldingForm, Json, counts, end_of, head
from tether_desktop.protocol.completions import Completion, CompletionEvent, Finished, TokenLogprobs


class TextForm(HoldingForm):
    """How one continuation is told to its client."""

    def __init__(self, *, echo: str = "", logprobs: bool = False, include_usage: bool = False) -> None:
        """Prepare.

        Args:
            echo: comes first.
            logprobs: whether they were asked for.
            include_usage: whether a stream ends with the counts of its tokens.
        """
        super().__init__(logprobs=logprobs)
        self._echo = echo
        self._include_usage = include_usage
        self._head: Json = {}
        self._offset = 0

    def opening(self, completion: Completion) -> list[Json]:
        """The text that is gone on with, where it is wanted."""
        self._head = head("cmpl", "text_completion", completion.model)
        return [self._chunk(self._echo)] if self._echo else []

    def whole(self, completion: Completion, events: Sequence[CompletionEvent]) -> Json:
        """The continuation at once."""
        end = end_of(events)
        tokens = [token for event in events if isinstance(event, TokenLogprobs) for token in event.tokens]
        choice = {
            "index": 0,
            "text": self._echo + "".join(event.content for event in events if isinstance(event, Token)),
            "logprobs": self._told_logprobs(tokens) if self._logprobs else None,
            "finish_reason": _reason(end),
        }
        return {**head("cmpl", "text_completion", completion.model), "choices": [choice], "usage": counts(end)}

    def _text(self, text: str, logprobs: Sequence[TokenLogprob] | None = None) -> Json:
        return self._chunk(text, logprobs=logprobs)

    def _told(self, event: CompletionEvent) -> list[Json]:
        if isinstance(event, Token):
            return [self._chunk(event.content)]
        if not isinstance(event, Finished):
            return []
        last = self._chunk("", finish_reason=_reason(event))
        return [last, {**self._head, "choices": [], "usage": counts(event)}] if self._include_usage else [last]

    def _chunk(
        self, text: str, *, finish_reason: str | None = None, logprobs: Sequence[TokenLogprob] | None = None
    ) -> Json:
        told = None if logprobs is None else self._told_logprobs(logprobs)
        choice = {"index": 0, "text": text, "logprobs": told, "finish_reason": finish_reason}
        usage = {"usage": None} if self._include_usage else {}
        return {**self._head, "choices": [choice], **usage}

    def _told_logprobs(self, tokens: Sequence[TokenLogprob]) -> Json:
        offsets = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(token.text)
        return {
            "tokens": [token.text for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [dict(token.alternatives) for token in tokens],
            "text_offset": offsets,
        }


def _reason(end: Finished) -> str:
    return "length" if end.finish_reason == "length" else "stop"
