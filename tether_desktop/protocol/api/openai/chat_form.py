"""Replies as chat completions, whole or chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tether_desktop.events import HiddenThought, Token
from tether_desktop.model.engine import TokenLogprob
from tether_desktop.protocol.api.openai.form import HoldingForm, Json, counts, end_of, head
from tether_desktop.protocol.completions import Completion, CompletionEvent, Finished, TokenLogprobs, WrittenCall


class ChatForm(HoldingForm):
    """How one reply is told to its client."""

    def __init__(self, *, logprobs: bool = False, include_usage: bool = False, one_call: bool = False) -> None:
        """Prepare.

        Args:
            logprobs: whether they were asked for.
            include_usage: whether a stream ends with the counts of its tokens.
            one_call: whether calls after the first one are left out.
        """
        super().__init__(logprobs=logprobs)
        self._include_usage = include_usage
        self._one_call = one_call
        self._head: Json = {}
        self._calls = 0

    def opening(self, completion: Completion) -> list[Json]:
        """The chunk that says who speaks."""
        self._head = head("chatcmpl", "chat.completion.chunk", completion.model)
        return [self._chunk({"role": "assistant", "content": ""})]

    def whole(self, completion: Completion, events: Sequence[CompletionEvent]) -> Json:
        """The reply at once."""
        end = end_of(events)
        logprobs = [token for event in events if isinstance(event, TokenLogprobs) for token in event.tokens]
        choice = {
            "index": 0,
            "message": self._message(events),
            "logprobs": _logprobs(logprobs) if self._logprobs else None,
            "finish_reason": _reason(end),
        }
        return {**head("chatcmpl", "chat.completion", completion.model), "choices": [choice], "usage": counts(end)}

    def _text(self, text: str, logprobs: Sequence[TokenLogprob] | None = None) -> Json:
        return self._chunk({"content": text}, logprobs=logprobs)

    def _told(self, event: CompletionEvent) -> list[Json]:
        match event:
            case Token(content):
                return [self._chunk({"content": content})]
            case HiddenThought(content):
                return [self._chunk({"reasoning_content": content})]
            case WrittenCall():
                return self._call(event)
            case Finished():
                return self._end(event)
            case _:
                return []

    def _call(self, call: WrittenCall) -> list[Json]:
        index, self._calls = self._calls, self._calls + 1
        if index and self._one_call:
            return []
        first = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        rest = {"index": index, "function": {"arguments": call.arguments}}
        return [self._chunk({"tool_calls": [piece]}) for piece in (first, rest)]

    def _end(self, end: Finished) -> list[Json]:
        last = self._chunk({}, finish_reason=_reason(end))
        return [last, {**self._head, "choices": [], "usage": counts(end)}] if self._include_usage else [last]

    def _chunk(
        self, delta: Json, *, finish_reason: str | None = None, logprobs: Sequence[TokenLogprob] | None = None
    ) -> Json:
        told = None if logprobs is None else _logprobs(logprobs)
        choice = {"index": 0, "delta": delta, "logprobs": told, "finish_reason": finish_reason}
        usage = {"usage": None} if self._include_usage else {}
        return {**self._head, "choices": [choice], **usage}

    def _message(self, events: Sequence[CompletionEvent]) -> Json:
        text = "".join(event.content for event in events if isinstance(event, Token))
        thoughts = "".join(event.content for event in events if isinstance(event, HiddenThought))
        calls = [_whole_call(event) for event in events if isinstance(event, WrittenCall)]
        message: Json = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
        if thoughts:
            message["reasoning_content"] = thoughts
        if calls:
            message["tool_calls"] = calls[:1] if self._one_call else calls
        return message


def _whole_call(call: WrittenCall) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _reason(end: Finished) -> str:
    return end.finish_reason if end.finish_reason in {"length", "tool_calls"} else "stop"


def _logprobs(tokens: Iterable[TokenLogprob]) -> Json:
    content = [
        {**_likely(token.text, token.logprob), "top_logprobs": [_likely(*other) for other in token.alternatives]}
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _likely(text: str, logprob: float) -> Json:
    # What stands for bytes that are no text does not tell which they were.
    told = None if "\ufffd" in text else list(text.encode())
    return {"token": text, "logprob": logprob, "bytes": told}
