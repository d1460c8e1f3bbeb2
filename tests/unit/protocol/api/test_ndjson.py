"""Lines of JSON: one each, whatever text they hold, and all that are ready at once."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

import pytest

from tether_desktop.events import Cancelled, Event, Status, Token, to_wire
from tether_desktop.protocol.api.ndjson import NdjsonResponse, lines, to_json, to_line
from tether_desktop.protocol.event_log import EventLog
from tether_desktop.protocol.turn import Turn

EVENTS: list[Event] = [Status("queued"), Token("a"), Status("generating"), Token("b"), Token("c"), Cancelled()]


class Written:
    """A turn of which everything is written."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.log = EventLog()
        for event in events:
            self.log.append(event)

    def batches(self, after: int = 0) -> Any:
        return self.log.batches(after)


def written(events: Sequence[Event]) -> Turn:
    return cast("Turn", Written(events))


@pytest.mark.parametrize(
    "text", ["plain", "é", "\n\r\v\f\x1c\x1d\x1e", "\x85\u2028\u2029", "\ud83d", "😀", '"\\', "\0"]
)
def test_a_value_is_one_line_for_every_reader_and_comes_back_the_same(text: str) -> None:
    line = to_line({"content": text})
    assert line.endswith(b"\n")
    assert line.decode().splitlines() == [line.decode().removesuffix("\n")]
    assert json.loads(line) == json.loads(to_json({"content": text})) == {"content": text}


async def test_all_events_that_are_ready_are_one_write() -> None:
    (batch,) = [batch async for batch in lines(written(EVENTS))]
    assert [json.loads(line) for line in batch.splitlines()] == [to_wire(event) for event in EVENTS]


@pytest.mark.parametrize("after", range(8))
@pytest.mark.parametrize("status", [True, False])
async def test_reading_goes_on_behind_the_lines_that_are_there(after: int, status: bool) -> None:
    shown = [to_wire(event) for event in EVENTS if status or not isinstance(event, Status)]
    batches = [batch async for batch in lines(written(EVENTS), after=after, status=status)]
    assert [json.loads(line) for batch in batches for line in batch.splitlines()] == shown[after:]


async def test_the_source_of_lines_is_closed_at_once_when_the_reader_has_gone() -> None:
    closed = False

    async def source() -> AsyncGenerator[bytes, None]:
        nonlocal closed
        try:
            while True:
                yield b"{}\n"
        finally:
            closed = True

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await NdjsonResponse(source()).stream_response(send)
    assert closed
