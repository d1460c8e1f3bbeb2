"""What clients may send: how much, of what kind, and how slowly."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.api import OpenApi, connection, open_port, read_answer, send_raw
from tests.helpers.rooms import Rooms
from tether_desktop.protocol.api.gates.bounds import Bounds

MEGABYTE = 1 << 20
JSON = {"Content-Type": "application/json"}


def head(api: OpenApi, *lines: str, path: str = "/generations") -> bytes:
    """The head of a request with a body, without its end."""
    host = api.url.removeprefix("http://")
    every = (f"POST {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {api.token}", *lines)
    return "".join(f"{line}\r\n" for line in every).encode()


async def megabytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * MEGABYTE


@pytest.mark.parametrize("path", ["/generations", "/v1/chat/completions"])
async def test_a_body_that_says_it_is_too_large_is_refused_before_any_of_it_is_sent(api: OpenApi, path: str) -> None:
    async with connection(api.url) as (reader, writer):
        writer.write(head(api, "Content-Type: application/json", "Content-Length: 104857600", "", path=path))
        answer = await read_answer(reader)
    assert answer.status == 413
    assert answer.headers["connection"] == "close"
    assert "16,777,216" in answer.text


@pytest.mark.parametrize("path", ["/generations", "/v1/chat/completions"])
async def test_a_body_of_100_megabytes_is_refused_while_it_streams_and_its_sender_reads_why(
    api: OpenApi, path: str
) -> None:
    refused = await api.client.post(path, content=megabytes(100), headers=JSON)
    assert refused.status_code == 413
    assert "at most" in refused.text.lower()
    assert (await api.client.get("/v1/models")).status_code == 200


async def test_an_honest_100_megabytes_are_refused_to_a_client_that_reads_only_afterwards(api: OpenApi) -> None:
    refused = await api.client.post("/generations", content=b" " * (100 * MEGABYTE), headers=JSON)
    assert refused.status_code == 413


async def test_who_waits_to_be_asked_for_the_body_is_refused_without_being_asked(api: OpenApi) -> None:
    lines = ("Content-Type: application/json", "Content-Length: 104857600", "Expect: 100-continue", "")
    async with connection(api.url) as (reader, writer):
        writer.write(head(api, *lines))
        assert (await read_answer(reader)).status == 413


async def test_strangers_are_refused_before_their_body_is_read(api: OpenApi) -> None:
    request = head(api, "Content-Type: application/json", "Content-Length: 1000000", "")
    async with connection(api.url) as (reader, writer):
        writer.write(request.replace(api.token.encode(), b"wrong"))
        assert (await read_answer(reader)).status == 401


async def test_a_small_body_that_was_not_wanted_does_not_spoil_the_next_request(api: OpenApi) -> None:
    for _ in range(3):
        assert (await api.client.post("/nothing", json={"a": 1})).status_code == 404
    assert (await api.client.get("/v1/models")).status_code == 200


NOT_READ = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonx",
    "application/json; charset=utf-16",
    "application/json, text/plain",
    "application/zip",
    "",
)


async def test_only_json_is_read(api: OpenApi) -> None:
    for kind in NOT_READ:
        refused = await api.client.post("/generations", content=b"{}", headers={"Content-Type": kind})
        assert refused.status_code == 415, kind
        assert "application/json" in refused.json()["remedy"]


async def test_a_body_without_a_type_or_with_two_is_not_read(api: OpenApi) -> None:
    twice = ("Content-Type: application/json", "Content-Type: text/plain")
    for lines in ((), twice):
        request = head(api, *lines, "Content-Length: 2", "") + b"{}"
        async with connection(api.url) as (reader, writer):
            writer.write(request)
            assert (await read_answer(reader)).status == 415


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON", 'application/json; charset="UTF-8"'])
async def test_json_may_say_so_in_any_form(api: OpenApi, kind: str) -> None:
    answer = await api.client.post("/generations", content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 422


async def test_compressed_bodies_which_could_grow_are_not_read(api: OpenApi) -> None:
    for encoding in ("gzip", "deflate", "br", "gzip, gzip"):
        refused = await api.client.post("/generations", content=b"{}", headers={**JSON, "Content-Encoding": encoding})
        assert refused.status_code == 415


UNREADABLE = [
    b"",
    b"{",
    b'{"prompt": "\xff\xfe"}',
    b"\xed\xa0\x80",
    b'{"a": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b'{"prompt": "a" "b"}',
    "{}".encode("utf-16"),
    b"\x00",
    b"\xef\xbb\xbf{}",
]


@pytest.mark.parametrize("path", ["/generations", "/v1/chat/completions"])
async def test_what_is_no_json_in_utf_8_is_refused(api: OpenApi, path: str) -> None:
    for body in UNREADABLE:
        async with connection(api.url) as (reader, writer):
            lines = ("Content-Type: application/json", f"Content-Length: {len(body)}", "")
            writer.write(head(api, *lines, path=path) + body)
            answer = await read_answer(reader)
        assert answer.status in {400, 422}, body[:20]
        document = json.loads(answer.text)
        assert document["error"]["message"] if path.startswith("/v1/") else document["message"] and document["remedy"]


async def test_an_import_has_bounds_of_its_own_and_leaves_nothing_behind(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    async with open_port(rooms, bounds=Bounds(body_bytes=10, import_bytes=3 * MEGABYTE)) as api:
        taken = await api.client.post("/sessions/import", content=megabytes(2), headers=JSON)
        refused = await api.client.post("/sessions/import", content=megabytes(4), headers=JSON)
        for kind in ("application/zip", "application/octet-stream"):
            other = await api.client.post("/sessions/import", content=b"nonsense", headers={"Content-Type": kind})
            assert (other.status_code, other.json()["code"]) == (400, "import_error")
    assert (taken.status_code, taken.json()["code"]) == (400, "import_error")
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert list((tmp_path / "temporary").iterdir()) == []


async def test_addresses_and_methods_that_there_are_not_are_told(api: OpenApi) -> None:
    missing, wrong = await api.client.get("/nothing"), await api.client.put("/sessions")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] in wrong.json()["remedy"]
    assert all(answer.json()["remedy"] for answer in (missing, wrong))


async def test_a_fault_is_told_by_its_field_and_never_echoes_what_was_sent(api: OpenApi) -> None:
    secret = "Ghislaine" * 200
    body = {"session_id": "x", "prompt": {"secret": secret}, "model_name": 5, "temperature": "hot", secret: 1}
    refused = await api.client.post("/generations", json=body)
    assert refused.status_code == 422
    document = refused.json()
    assert {"prompt", "temperature"} <= {each["field"] for each in document["errors"]}
    assert "temperature" in document["message"]
    assert secret not in refused.text
    assert len(refused.text) < 10_000


async def test_faults_without_number_are_told_within_bounds(api: OpenApi) -> None:
    refused = await api.client.post("/generations", json={f"field{number}": 1 for number in range(5000)})
    assert refused.status_code == 422
    assert len(refused.text) < 20_000


async def test_a_body_that_stops_coming_is_given_up(rooms: Rooms) -> None:
    async with open_port(rooms, bounds=Bounds(idle_seconds=0.05)) as api, connection(api.url) as (reader, writer):
        writer.write(head(api, "Content-Type: application/json", "Content-Length: 100", "") + b"{")
        answer = await read_answer(reader)
    assert answer.status == 408
    assert answer.headers["connection"] == "close"


async def test_a_body_that_comes_byte_by_byte_is_given_up(rooms: Rooms) -> None:
    async with open_port(rooms, bounds=Bounds(body_seconds=0.1)) as api, connection(api.url) as (reader, writer):
        writer.write(head(api, "Content-Type: application/json", "Content-Length: 100000000", ""))

        async def drip() -> None:
            while True:
                writer.write(b" ")
                await asyncio.sleep(0.005)

        dripping = asyncio.create_task(drip())
        answer = await read_answer(reader)
        dripping.cancel()
    assert answer.status in {408, 413}


async def test_a_head_that_never_ends_is_given_up(rooms: Rooms) -> None:
    async with open_port(rooms, bounds=Bounds(head_seconds=0.05)) as api, connection(api.url) as (reader, writer):
        writer.write(head(api))
        assert (await read_answer(reader)).status == 408
        assert await reader.read() == b""


async def test_a_client_that_says_nothing_is_hung_up_on(rooms: Rooms) -> None:
    async with open_port(rooms, bounds=Bounds(head_seconds=0.05)) as api, connection(api.url) as (reader, _):
        assert (await read_answer(reader)).status == 408
        assert await reader.read() == b""


async def test_a_head_without_end_takes_no_memory_without_end(rooms: Rooms) -> None:
    async with open_port(rooms, bounds=Bounds(head_bytes=1000)) as api:
        for filler in (b"X-Filler: aaaa\r\n" * 100, b"X-Filler: " + b"a" * 2000):
            async with connection(api.url) as (reader, writer):
                writer.write(head(api) + filler)
                assert (await read_answer(reader)).status == 431
                assert await reader.read() == b""


async def test_a_head_that_is_too_long_is_refused_in_one_piece_too(rooms: Rooms) -> None:
    async with open_port(rooms, bounds=Bounds(head_bytes=1000)) as api:
        refused = await api.client.get("/v1/models", headers={"X-Filler": "a" * 2000})
        assert refused.status_code == 431


async def test_an_address_that_is_too_long_is_refused(api: OpenApi) -> None:
    assert (await api.client.get("/sessions/" + "a" * 9000)).status_code == 414
    assert (await api.client.get("/sessions?limit=" + "1" * 9000)).status_code == 414


NO_HTTP = [
    b"nonsense\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n",
    b"GET  HTTP/1.1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
]


async def test_what_is_no_http_is_refused_as_json(api: OpenApi) -> None:
    for request in NO_HTTP:
        async with connection(api.url) as (reader, writer):
            writer.write(request)
            answer = await read_answer(reader)
        assert answer.status in {400, 421}, request
        assert json.loads(answer.text)["code"] in {"invalid_http", "wrong_host"}, request


async def test_requests_that_were_damaged_on_the_way_break_nothing(rooms: Rooms) -> None:
    impatient = Bounds(head_seconds=0.05, idle_seconds=0.05, linger_seconds=0.05)
    async with open_port(rooms, bounds=impatient) as api:
        body = b'{"session_id": "x", "prompt": "Hello", "stream": true}'
        whole = head(api, "Content-Type: application/json", f"Content-Length: {len(body)}", "") + body
        chance = random.Random(7)
        statuses = {await status_of(api, damaged(whole, chance)) for _ in range(100)}
        assert {400, 401, 408, 421} <= statuses
        assert all(status is None or status < 500 for status in statuses)
        assert (await api.client.get("/v1/models")).status_code == 200


def damaged(request: bytes, chance: random.Random) -> bytes:
    """A request with some bytes changed, left out, or said twice."""
    changed = bytearray(request)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed))
        span = slice(place, place + chance.choice([0, 1, 1, 8]))
        changed[span] = chance.choice([b"", bytes([chance.randrange(256)]), bytes(changed[span]) * 2, b"\r\n"])
    return bytes(changed)


async def status_of(api: OpenApi, request: bytes) -> int | None:
    """The status that a request is answered with; None where the connection was closed without."""
    async with connection(api.url) as (reader, writer):
        writer.write(request)
        try:
            return (await read_answer(reader)).status
        except (asyncio.IncompleteReadError, ConnectionError):
            return None


async def test_wishes_for_another_protocol_are_answered_in_this_one(api: OpenApi) -> None:
    host = api.url.removeprefix("http://")
    for upgrade in ("websocket", "h2c"):
        request = f"GET /healthz HTTP/1.1\nHost: {host}\nConnection: Upgrade\nUpgrade: {upgrade}\n\n"
        assert (await send_raw(api.url, request.encode())).status == 200


async def test_too_many_connections_are_told_so_and_the_first_ones_go_on(rooms: Rooms) -> None:
    async with open_port(rooms, bounds=Bounds(connections=2)) as api, connection(api.url):
        assert (await api.client.get("/v1/models")).status_code == 200
        async with connection(api.url) as (reader, _):
            answer = await read_answer(reader)
        assert (answer.status, json.loads(answer.text)["code"]) == (503, "too_many_connections")
        assert (await api.client.get("/v1/models")).status_code == 200
