"""Events as lines of JSON: all that are ready in one write, so that many readers cost little."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Send

from tether_desktop.events import Event, Status, to_wire
from tether_desktop.protocol.turn import Turn

NDJSON = "application/x-ndjson"

_SEPARATORS = tuple((chr(code).encode(), b"\\u%04x" % code) for code in (0x85, 0x2028, 0x2029))


class NdjsonResponse(StreamingResponse):
    """A stream of lines, each a JSON object; nothing on the way may collect them."""

    media_type = NDJSON

    def init_headers(self, headers: Any = None) -> None:
        """Add what keeps proxies from holding lines back."""
        super().init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no", **(headers or {})})

    async def stream_response(self, send: Send) -> None:
        """Send the lines; whatever happens, their source is closed at once."""
        source = self.body_iterator
        try:
            await super().stream_response(send)
        finally:
            if isinstance(source, AsyncGenerator):
                await source.aclose()


class JsonResponse(JSONResponse):
    """Any JSON value, text with halves of surrogate pairs included."""

    def render(self, content: Any) -> bytes:
        """The value in UTF-8."""
        return to_json(content)


def to_json(value: Any) -> bytes:
    """A JSON value in UTF-8; what cannot be encoded is escaped, and comes back the same."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def to_line(value: Any) -> bytes:
    """A JSON value as one line, also for clients that take Unicode's other separators for ends of lines."""
    line = to_json(value)
    for separator, escape in _SEPARATORS if not line.isascii() else ():
        line = line.replace(separator, escape)
    return line + b"\n"


async def lines(turn: Turn, *, after: int = 0, status: bool = True) -> AsyncIterator[bytes]:
    """The events of a turn as they come, one line each.

    Args:
        turn: which.
        after: how many lines the reader has already.
        status: whether "status" events are among the lines, those that were counted included.
    """
    if status:
        async for batch in turn.batches(after):
            yield _joined(batch)
        return
    passed = 0
    async for batch in turn.batches():
        shown = [event for event in batch if not isinstance(event, Status)]
        new = shown[max(0, after - passed) :]
        passed += len(shown)
        if new:
            yield _joined(new)


def _joined(batch: Sequence[Event]) -> bytes:
    return b"".join([to_line(to_wire(event)) for event in batch])
