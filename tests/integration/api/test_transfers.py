"""Conversations as files over HTTP: out and in again, and nothing left behind by what fails."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.helpers.api import OpenApi
from tests.helpers.turn_lines import read_turn, stored
from tether_desktop import paths
from tether_desktop.protocol.api import transfers


@pytest.fixture
async def session_id(api: OpenApi) -> str:
    await read_turn(api.client, "Why?")
    return str((await api.client.get("/sessions")).json()[0]["session_id"])


def left_behind() -> list[str]:
    return [path.name for path in paths.data_dir().glob("import-*")]


async def test_what_was_exported_comes_in_again(api: OpenApi, session_id: str) -> None:
    exported = await api.client.get("/sessions/export")
    assert 'filename="conversations.json"' in exported.headers["content-disposition"]
    messages = await stored(api.client, session_id)
    await api.client.delete(f"/sessions/{session_id}?erase=true")
    headers = {"Content-Type": "application/json"}
    report = (await api.client.post("/sessions/import", content=exported.content, headers=headers)).json()
    assert [session["title"] for session in report["imported"]] == [exported.json()["sessions"][0]["title"]]
    again = await stored(api.client, report["imported"][0]["session_id"])
    assert [message["content"] for message in again] == [message["content"] for message in messages]
    assert left_behind() == []


async def test_one_conversation_goes_out_in_both_forms(api: OpenApi, session_id: str) -> None:
    await api.client.post("/sessions", json={"title": "Another"})
    document = (await api.client.get(f"/sessions/{session_id}/export")).json()
    assert [session["session_id"] for session in document["sessions"]] == [session_id]
    text = await api.client.get(f"/sessions/{session_id}/export?format=markdown")
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "Hello there." in text.text
    assert (await api.client.get(f"/sessions/{session_id}/export?format=pdf")).status_code == 422


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"format":"tether-conversations"}'])
async def test_a_file_that_is_none_is_refused_and_adds_nothing(api: OpenApi, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await api.client.post("/sessions/import", content=content, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "import_error")
    assert (await api.client.get("/sessions")).json() == []
    assert left_behind() == []


async def test_an_upload_that_breaks_off_leaves_nothing_behind_and_is_no_fault(
    api: OpenApi, caplog: pytest.LogCaptureFixture
) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b'{"format":'
        raise ConnectionError("The line broke.")

    with pytest.raises(ConnectionError):
        await api.client.post("/sessions/import", content=half(), headers={"Content-Type": "application/json"})
    # The server hears of it when it reads on.
    while left_behind():
        assert (await api.client.get("/sessions")).json() == []
    assert "A request failed" not in caplog.text


class FullFile:
    """A file on a disk that is full."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.closed = False
        path.touch()

    def write(self, _piece: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def test_a_full_disk_is_told_before_the_headers_and_the_files_go(
    api: OpenApi, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = FullFile(paths.data_dir() / "import-full")
    for name in ("_temporary", "_named"):
        monkeypatch.setattr(transfers, name, lambda: file)
    answers: list[Any] = [
        await api.client.get("/sessions/export"),
        await api.client.post("/sessions/import", content=b"{}", headers={"Content-Type": "application/json"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (507, "store_full")
        assert file.closed
    assert left_behind() == []


async def test_a_token_that_may_chat_exports_one_conversation_and_not_all(api: OpenApi, session_id: str) -> None:
    async with api.with_scope("chat") as client:
        assert (await client.get(f"/sessions/{session_id}/export")).is_success
        assert (await client.get("/sessions/export")).status_code == 403
        assert (await client.post("/sessions/import", json={})).status_code == 403
