"""Replies are stored while they stream, and a store that fails does not stop them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.errors import StoreFull
from tether_desktop.events import HiddenThought, Token
from tether_desktop.messages import Message, Reasoning, Text, Timings, Usage
from tether_desktop.protocol.reply_writer import ReplyWriter


class WatchedStore(Store):
    """A real store that tells of each write of a reply, and is full while told to be."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.full = False
        self.attempted = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def update_reply(self, message_id: str, message: Message, **fields: Any) -> MessageRecord:
        try:
            if self.full:
                raise StoreFull("The disk is full", "Nothing can be stored.", "Make room.")
            return super().update_reply(message_id, message, **fields)
        finally:
            self._loop.call_soon_threadsafe(self.attempted.set)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> Iterator[WatchedStore]:
    store = WatchedStore(f"sqlite:///{tmp_path / 'tether.db'}")
    yield store
    store.close()


@pytest.fixture
def reply(store: WatchedStore) -> MessageRecord:
    return store.add_message(store.create_session().id, Message("assistant"), parent_id=None)


def stored(store: Store, reply: MessageRecord) -> MessageRecord:
    return store.get_message(reply.session_id, reply.id)


async def test_a_reply_is_stored_while_it_streams(store: WatchedStore, reply: MessageRecord) -> None:
    writer = ReplyWriter(store, reply.id, interval_s=0.001)
    writer.add(Token("Hel"))
    await store.attempted.wait()
    assert stored(store, reply).message.text == "Hel"
    assert stored(store, reply).finish_reason is None
    await writer.finish("stop")


async def test_nothing_is_written_while_nothing_is_said(store: WatchedStore, reply: MessageRecord) -> None:
    writer = ReplyWriter(store, reply.id, interval_s=0.001)
    writer.add(Token("a"))
    await store.attempted.wait()
    store.attempted.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.attempted.wait(), 0.02)
    await writer.finish("stop")


async def test_the_end_stores_everything_with_what_it_cost(store: WatchedStore, reply: MessageRecord) -> None:
    writer = ReplyWriter(store, reply.id)
    writer.add(Token("Hello"))
    writer.add(Token(" there"))
    record = await writer.finish("length", usage=Usage(1, 2, 3), timings=Timings(0.5))
    assert record == stored(store, reply)
    assert record.message == Message("assistant", (Text("Hello there"),))
    assert (record.finish_reason, record.usage, record.timings) == ("length", Usage(1, 2, 3), Timings(0.5))


async def test_thoughts_are_parts_of_their_own_with_their_seconds(store: WatchedStore, reply: MessageRecord) -> None:
    clock = Clock()
    writer = ReplyWriter(store, reply.id, clock=clock)
    for now, event in [(1, HiddenThought("h")), (3, HiddenThought("m")), (4.5, Token("A")), (6, HiddenThought("x"))]:
        clock.now = now
        writer.add(event)
    parts = (await writer.finish("stop")).message.parts
    assert parts == (Reasoning("hm", seconds=3.5), Text("A"), Reasoning("x", seconds=0.0))


async def test_a_full_disk_in_mid_stream_is_forgotten_once_there_is_room(
    store: WatchedStore, reply: MessageRecord, caplog: pytest.LogCaptureFixture
) -> None:
    writer = ReplyWriter(store, reply.id, interval_s=0.001)
    store.full = True
    writer.add(Token("Hel"))
    await store.attempted.wait()
    store.full = False
    writer.add(Token("lo"))
    assert (await writer.finish("stop")).message.text == "Hello"
    assert "not stored yet" in caplog.text


async def test_a_failed_store_is_tried_again_without_new_text(store: WatchedStore, reply: MessageRecord) -> None:
    writer = ReplyWriter(store, reply.id, interval_s=0.001)
    store.full = True
    writer.add(Token("Hello"))
    await store.attempted.wait()
    store.full = False
    while stored(store, reply).message.text != "Hello":
        store.attempted.clear()
        await store.attempted.wait()
    await writer.finish("stop")


async def test_a_full_disk_at_the_end_is_told(store: WatchedStore, reply: MessageRecord) -> None:
    writer = ReplyWriter(store, reply.id)
    writer.add(Token("Hello"))
    store.full = True
    with pytest.raises(StoreFull):
        await writer.finish("stop")
    assert writer.message().text == "Hello"
