"""Makes chunks of a reply out of what a server streams, and holds it to what an engine promises."""

from __future__ import annotations

import asyncio
import codecs
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic

import httpx2

from tether_desktop.errors import EngineError, TetherError
from tether_desktop.messages import FinishReason, Timings, Usage
from tether_desktop.model.engine import GenerationChunk, GenerationRequest, RequestedCall
from tether_desktop.model.remote.answers import Delta, parse_json, read_delta
from tether_desktop.model.remote.call_pieces import CallCollector, TooManyCalls
from tether_desktop.model.remote.client import ServerClient
from tether_desktop.model.remote.faults import EmptyStream, ForbiddenCalls, Passing
from tether_desktop.model.remote.sse import EventDecoder, EventTooLarge
from tether_desktop.model.tvm.stop_matcher import StopMatcher

logger = logging.getLogger(__name__)

_DONE = "[DONE]"
_LARGEST_REPLY = 16 << 20
_WHOLE = ("application/json", "text/html")
"""What a server answers with that does not stream, or has no API at all; some call their stream what they like."""

_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(slots=True)
class _Ending:
    """What the last chunk will tell, as far as it is known."""

    reason: FinishReason | None = None
    broken: str = ""
    usage: Usage | None = None


class ReplyReader:
    """Reads one streamed reply.

    Thoughts that a server tells apart are put between tags again, as models write them. Stop strings are watched
    for here as well, for servers that leave them out of account; so are calls that were forbidden, and schemas.

    Attributes:
        begun: whether something came that is part of the reply, so that it must not be asked for again.
        calls_anyway: whether it calls tools although it must not.
    """

    def __init__(
        self, client: ServerClient, request: GenerationRequest, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self.begun = self.calls_anyway = False
        self._client = client
        self._request = request
        self._clock = clock
        self._stop = StopMatcher(request.params.stop)
        self._calls = CallCollector([tool.name for tool in request.tools])
        self._said: list[str] = []
        # Halves of a character beyond 16 bits may come in two pieces.
        self._joiner = codecs.getincrementaldecoder("utf-16-le")("replace")
        self._thinking = self._heard = self._spoken = False
        self._length = 0
        self._ending = _Ending()
        self._started = self._first = self._last = clock()

    async def read(self, response: httpx2.Response) -> AsyncGenerator[GenerationChunk, None]:
        """The chunks of the reply, the last one with its finish reason.

        Raises:
            Passing, Refusal, ServerError: it fails before it has begun, or in the middle.
            ForbiddenCalls: it is nothing but calls, of which there were to be none.
            EngineError: it is not what it had to be.
        """
        async with aclosing(self._deltas(response)) as deltas:
            async for delta in deltas:
                chunk = self._take(delta)
                if chunk.text or chunk.logprobs:
                    yield chunk
                if self._stop.stopped:
                    self._ending.reason = "stop"
                    break
        yield self._last_chunk()

    def _take(self, delta: Delta) -> GenerationChunk:
        self._heard = True
        self._ending.usage = delta.usage or self._ending.usage
        self._ending.reason = delta.finish_reason or self._ending.reason
        self._ending.broken = delta.broken or self._ending.broken
        if not (delta.text or delta.thought or delta.logprobs or delta.calls):
            return GenerationChunk()
        self._last = self._clock()
        if not self.begun:
            self.begun, self._first = True, self._last
        self._length += len(delta.text) + len(delta.thought)
        try:
            self._calls.add(delta.calls)
        except TooManyCalls:
            self._length = _LARGEST_REPLY + 1
        if self._length > _LARGEST_REPLY:
            raise self._client.faults.ended("without an end")
        self._spoken = self._spoken or bool(delta.text or delta.thought)
        return GenerationChunk(self._text(delta), logprobs=delta.logprobs)

    def _text(self, delta: Delta) -> str:
        text = self._thought(delta.thought) if delta.thought else ""
        if not (delta.text or delta.calls):
            return text
        closing = _CLOSE if self._thinking else ""
        self._thinking = False
        self._said.append(delta.text)
        return text + closing + self._stop.add(self._join(delta.text))

    def _thought(self, thought: str) -> str:
        opening = "" if self._thinking else self._stop.finish() + _OPEN
        self._thinking = True
        return opening + self._join(thought)

    def _join(self, text: str, *, final: bool = False) -> str:
        return self._joiner.decode(text.encode("utf-16-le", "surrogatepass"), final)

    def _last_chunk(self) -> GenerationChunk:
        if self._ending.broken:
            raise self._client.faults.ended(self._ending.broken)
        if self._ending.reason is None:
            raise (Passing if self._heard else EmptyStream)(self._client.faults.broke_off())
        rest = "" if self._stop.stopped else self._stop.add(self._join("", final=True)) + self._stop.finish()
        first = self._first - self._started
        timings = Timings(prefill_s=first, first_token_s=first, decode_s=self._last - self._first)
        calls, usage = self._taken_calls(), self._ending.usage or Usage()
        return GenerationChunk(rest, None, self._reason(calls), usage, timings, tool_calls=calls)

    def _taken_calls(self) -> tuple[RequestedCall, ...]:
        calls = self._calls.calls()
        if self._request.tool_choice.mode != "none" or not calls:
            return calls
        self.calls_anyway = True
        if not self._spoken:
            raise ForbiddenCalls
        return ()

    def _reason(self, calls: tuple[RequestedCall, ...]) -> FinishReason:
        """How the reply ended; servers call a reply with calls what they like."""
        if self._ending.reason == "length":
            return "length"
        if calls:
            return "tool_calls"
        if self._request.tools and self._request.tool_choice.mode in {"required", "named"}:
            message = f"{self._client.faults.server.name} answered without calling a tool, which it had to."
            raise EngineError("No tool was called", message, "Choose a model or a server that calls tools.")
        if self._request.constraint is not None:
            self._check_json()
        return "stop"

    def _check_json(self) -> None:
        """Tell servers that take a schema from those that take no notice of it."""
        _, _, answer = "".join(self._said).rpartition(_CLOSE)
        try:
            parse_json(answer)
        except ValueError:
            message = f"{self._client.faults.server.name} answered with something else than JSON."
            hint = "Ask without a schema, or choose another model or server."
            raise EngineError("The reply is not what the schema asks for", message, hint) from None

    async def _deltas(self, response: httpx2.Response) -> AsyncGenerator[Delta, None]:
        if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() in _WHOLE:
            yield await self._whole(response)
            return
        async with aclosing(self._events(response)) as events:
            while (event := await self._next(events)) is not None:
                yield self._read(event)

    async def _next(self, events: AsyncGenerator[str, None]) -> str | None:
        """The next event; None at the end, which a reply that is over need not wait for."""
        if self._ending.reason is None:
            return await anext(events, None)
        try:
            async with asyncio.timeout(self._client.limits.linger):
                return await anext(events, None)
        except (TimeoutError, httpx2.HTTPError, TetherError):
            return None

    async def _events(self, response: httpx2.Response) -> AsyncGenerator[str, None]:
        decoder = EventDecoder()
        try:
            async with aclosing(self._client.pieces(response)) as pieces:
                async for piece in pieces:
                    for event in decoder.feed(piece):
                        if event.strip() == _DONE:
                            self._ending.reason = self._ending.reason or "stop"
                            return
                        yield event
            for event in decoder.finish():
                yield event
        except EventTooLarge:
            raise self._client.faults.nonsense("It sends an event that is larger than any reply") from None

    def _read(self, event: str) -> Delta:
        try:
            return read_delta(parse_json(event), self._client.faults)
        except ValueError as error:
            logger.info("%s sent an event that is not understood: %s", self._client.faults.server.name, error)
            raise self._client.faults.nonsense("It sends an event that is no JSON object") from None

    async def _whole(self, response: httpx2.Response) -> Delta:
        """The reply of a server that does not stream."""
        answer = await self._client.read_all(response, _LARGEST_REPLY)
        try:
            return read_delta(parse_json(answer), self._client.faults)
        except ValueError:
            raise self._client.faults.nonsense("It answers with something else than a reply") from None
