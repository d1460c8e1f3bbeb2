"""A server that is killed in the middle of an answer, and a disk that is full then: what was said is there again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.helpers.api import http_client, open_port
from tests.helpers.processes import said
from tests.helpers.rooms import open_rooms
from tests.helpers.scripted_models import write_scripted_model
from tests.helpers.turn_lines import asking, following, read_turn, stored, text_of
from tether_desktop import paths
from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import INTERRUPTED, Store
from tether_desktop.errors import StoreFull
from tether_desktop.messages import Message
from tether_desktop.protocol.api.gates.tokens import Tokens

WAIT = {"wait": True}
SECOND = {"delay": 1.2}
"""Longer than a reply waits before it is written again."""


@contextmanager
def serving(dist: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and its address; killed at the end."""
    command = [sys.executable, "-m", "tether_desktop", "serve", "--port", "0", "--json"]
    environment = {**os.environ, "MLC_DIST_PATH": str(dist)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment) as process:
        try:
            yield process, json.loads(said(process))["url"]
        finally:
            process.kill()


def client_of(url: str) -> httpx2.AsyncClient:
    return http_client(url, {"Authorization": f"Bearer {Tokens(paths.tokens_path()).own()}"})


async def test_a_server_killed_in_the_middle_of_an_answer_has_it_again_and_leaves_no_process(tmp_path: Path) -> None:
    steps = ["One ", SECOND, "two ", WAIT]
    write_scripted_model(tmp_path, replies=[{"match": "Next", "steps": ["Fine."]}, {"match": ".", "steps": steps}])
    with serving(tmp_path) as (process, url):
        async with client_of(url) as client, asking(client) as lines:
            session_id = lines.response.headers["tether-session-id"]
            await lines.until(content="two ")
            engines = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            with pytest.raises(httpx2.TransportError):
                await lines.rest()
    _, alive = await asyncio.to_thread(psutil.wait_procs, engines, timeout=60)
    assert engines
    assert alive == []
    with serving(tmp_path) as (_, url):
        async with client_of(url) as client:
            question, reply = await stored(client, session_id)
            assert question["content"] == "Well?"
            assert reply["content"].startswith("One ")
            assert (reply["finish_reason"], reply["error"]) == ("error", INTERRUPTED)
            async with following(client, session_id) as lines:
                assert lines.response.json()["code"] == "turn_not_found"
            assert text_of(await read_turn(client, "Next", session_id=session_id)) == "Fine."


class FullStore(Store):
    """A real store on a disk that can be full."""

    full_for_questions = full_for_replies = False

    def add_message(self, *arguments: Any, **fields: Any) -> MessageRecord:
        self._check(full=self.full_for_questions)
        return super().add_message(*arguments, **fields)

    def update_reply(self, message_id: str, message: Message, **fields: Any) -> MessageRecord:
        self._check(full=self.full_for_replies)
        return super().update_reply(message_id, message, **fields)

    def _check(self, *, full: bool) -> None:
        if full:
            raise StoreFull("The disk is full", "The reply could not be stored.", "Make room.")


async def test_a_disk_that_is_full_at_once_is_told_before_the_headers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    store = FullStore(f"sqlite:///{tmp_path / 'tether.db'}")
    async with open_rooms(tmp_path, store=store, replies=["Yes."]) as rooms, open_port(rooms) as api:
        store.full_for_questions = True
        for stream in (False, True):
            answer = await api.client.post("/generations", json={"prompt": "Well?", "stream": stream})
            assert (answer.status_code, answer.json()["remedy"]) == (507, "Make room.")
        store.full_for_questions = False
        assert (await api.client.get("/sessions?deleted=true")).json() == []
        assert text_of(await read_turn(api.client)) == "Yes."


async def test_a_disk_that_fills_up_on_the_way_is_the_last_line_and_hides_nothing_that_was_said(tmp_path: Path) -> None:
    store = FullStore(f"sqlite:///{tmp_path / 'tether.db'}")
    async with open_rooms(tmp_path, store=store, replies=["One two."]) as rooms, open_port(rooms) as api:
        store.full_for_replies = True
        async with asking(api.client) as lines:
            *_, last = await lines.rest()
        assert (last["type"], last["code"], last["hint"]) == ("error", "store_full", "Make room.")
        assert text_of(lines.read) == "One two."
        assert (await api.client.post("/generations", json={"prompt": "Well?"})).status_code == 507
        store.full_for_replies = False
        session_id = lines.response.headers["tether-session-id"]
        assert text_of(await read_turn(api.client, session_id=session_id)) == "One two."
