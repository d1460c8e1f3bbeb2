"""Who gets in at the local port: through real sockets, with the headers that browsers and attackers send."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest

from tests.helpers.api import OpenApi, connection, core_of_rooms, http_client, open_port, read_answer, send_raw
from tests.helpers.rooms import Rooms
from tether_desktop.logs import log_file, start_logging, stop_logging
from tether_desktop.protocol.api.app import make_app
from tether_desktop.protocol.api.gates.bounds import Bounds
from tether_desktop.protocol.api.gates.security import OPEN_FOLDER, OPEN_PATHS
from tether_desktop.protocol.api.port.local_port import LocalPort

OPEN = ("/", "/healthz", "/readyz", "/openapi.json", "/docs")
CLOSED = ("/sessions", "/models", "/tools", "/metrics", "/v1/models", "/nothing", "/v1/nothing", "/healthz/")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def port_of(api: OpenApi) -> str:
    return api.url.rpartition(":")[2]


async def test_what_tells_nothing_of_a_person_needs_no_token(api: OpenApi) -> None:
    async with api.stranger() as stranger:
        for path in OPEN:
            assert (await stranger.get(path)).status_code == 200, path


async def test_everything_else_needs_one(api: OpenApi) -> None:
    async with api.stranger() as stranger:
        for path in CLOSED:
            refused = await stranger.get(path)
            assert refused.status_code == 401, path
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert api.token not in refused.text


async def test_open_pages_are_open_for_reading_only(api: OpenApi) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "MADE-UP"):
        answer = await send_raw(api.url, f"{method} /healthz HTTP/1.1\nHost: localhost:{port_of(api)}\n\n".encode())
        assert answer.status in {400, 401}, method


async def test_every_route_says_which_scope_it_needs(rooms: Rooms, api: OpenApi) -> None:
    document = make_app(api.core).openapi()
    undeclared = [
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if "security" not in operation and path not in OPEN_PATHS and not path.startswith(OPEN_FOLDER)
    ]
    assert undeclared == []


NO_TOKENS = (
    ("Authorization", ""),
    ("Authorization", "{token}"),
    ("Authorization", "Basic {token}"),
    ("Authorization", "Bearer"),
    ("Authorization", "Bearer {token}x"),
    ("Authorization", "Bearer tether_" + "A" * 43),
    ("Authorization", "Bearer {token}, Bearer {token}"),
    ("X-Api-Key", "{token}"),
    ("Api-Key", "{token}"),
    ("Proxy-Authorization", "Bearer {token}"),
    ("Cookie", "token={token}"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Real-IP", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1"),
    ("X-Original-URL", "/healthz"),
)


async def test_a_token_is_read_from_one_header_and_believed_in_one_form(api: OpenApi) -> None:
    for header, value in NO_TOKENS:
        async with api.stranger(**{header: value.format(token=api.token)}) as stranger:
            refused = await stranger.get("/v1/models")
        assert refused.status_code == 401, (header, value)
        assert api.token not in refused.text


async def test_two_tokens_in_one_request_are_none(api: OpenApi) -> None:
    lines = f"Authorization: Bearer {api.token}\n" * 2
    request = f"GET /v1/models HTTP/1.1\nHost: localhost:{port_of(api)}\n{lines}\n"
    assert (await send_raw(api.url, request.encode())).status == 401


async def test_who_sends_the_token_elsewhere_is_told_where_it_belongs(api: OpenApi) -> None:
    async with api.stranger(**{"x-api-key": api.token}) as stranger:
        refused = (await stranger.get("/sessions")).json()
    assert "not from x-api-key" in refused["message"]
    assert "Authorization" in refused["remedy"]


async def test_the_schemes_name_may_be_written_anyhow(api: OpenApi) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        async with api.stranger(Authorization=f"{scheme}  {api.token}") as client:
            assert (await client.get("/v1/models")).status_code == 200


async def test_a_token_in_the_address_is_refused_even_beside_a_right_one(api: OpenApi) -> None:
    for name in ("token", "access_token", "api_key", "API-KEY", "apikey", "authorization", "%74oken"):
        refused = await api.client.get(f"/v1/models?{name}={api.token}")
        assert refused.status_code == 400, name
        assert "renew" in refused.text
        assert api.token not in refused.text


async def test_revoked_and_renewed_tokens_open_nothing_from_then_on(api: OpenApi) -> None:
    phone = api.port.tokens.add("phone", "chat")
    async with api.stranger(**bearer(phone)) as client:
        assert (await client.get("/v1/models")).status_code == 200
        api.port.tokens.revoke("phone")
        assert (await client.get("/v1/models")).status_code == 401
    api.port.tokens.renew()
    assert (await api.client.get("/v1/models")).status_code == 401


async def test_a_token_to_chat_may_not_manage(api: OpenApi) -> None:
    async with api.with_scope("chat") as chat, api.with_scope("manage") as manage:
        assert (await chat.get("/v1/models")).status_code == 200
        assert (await chat.get("/sessions")).status_code == 200
        refused = await chat.post("/models/unload", json={"model_name": "Scripted"})
        allowed = await manage.post("/models/unload", json={"model_name": "Scripted"})
    assert refused.status_code == 403
    assert refused.json()["code"] == "wrong_scope"
    assert "--scope manage" in refused.json()["remedy"]
    assert allowed.status_code not in {401, 403}


MANAGING = (
    ("POST", "/models/load"),
    ("POST", "/models/unload"),
    ("POST", "/tools/execute"),
    ("DELETE", "/sessions"),
    ("GET", "/sessions/export"),
    ("POST", "/sessions/import"),
)


async def test_what_reaches_beyond_a_conversation_takes_the_managing_scope(api: OpenApi) -> None:
    body = {"content": b"{}", "headers": {"Content-Type": "application/json"}}
    async with api.with_scope("chat") as chat:
        for method, path in MANAGING:
            refused = await chat.request(method, path, **(body if method == "POST" else {}))
            assert (refused.status_code, refused.json()["code"]) == (403, "wrong_scope"), path


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "localhost.evil.example:{port}", "localhost:1", "localhost", "[::1]"],
)
async def test_a_name_that_somebody_else_gave_this_computer_is_refused(api: OpenApi, host: str) -> None:
    async with api.stranger(**bearer(api.token), Host=host.format(port=port_of(api))) as client:
        for path in ("/sessions", "/healthz", "/docs"):
            refused = await client.get(path)
            assert refused.status_code == 421
            assert refused.json()["code"] == "wrong_host"


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LocalHost:{port}"])
async def test_this_computers_own_names_are_let_in(api: OpenApi, host: str) -> None:
    async with api.stranger(Host=host.format(port=port_of(api))) as client:
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only there this computer has many addresses by itself")
async def test_the_address_that_a_request_came_in_at_is_let_in_and_no_other(rooms: Rooms) -> None:
    core = core_of_rooms(rooms, lan_access="on")
    port = LocalPort(core)
    number = (await port.open("0.0.0.0", 0)).rpartition(":")[2]  # noqa: S104
    for host, status in (("127.0.0.2", 200), ("127.0.0.1", 200), ("127.0.0.3", 421), ("192.168.1.1", 421)):
        async with http_client(f"http://127.0.0.2:{number}", {"Host": f"{host}:{number}"}) as client:
            assert (await client.get("/healthz")).status_code == status, host
    await port.close()


async def test_openais_clients_are_refused_in_their_own_form(api: OpenApi) -> None:
    async with api.stranger() as stranger, api.stranger(Host="evil.example") as rebound:
        unknown = (await stranger.get("/v1/models")).json()["error"]
        misled = (await rebound.get("/v1/models")).json()["error"]
    assert unknown["code"] == "invalid_api_key"
    assert "tether token" in unknown["message"]
    assert "host_names" in misled["message"]


@pytest.mark.parametrize(
    "hosts", ["", "Host: \n", "Host: localhost:{port}\nHost: localhost:{port}\n", "Host: localhost:{port}, evil\n"]
)
async def test_a_request_names_one_host(api: OpenApi, hosts: str) -> None:
    request = f"GET /healthz HTTP/1.1\n{hosts.format(port=port_of(api))}\n"
    assert (await send_raw(api.url, request.encode())).status in {400, 421}


async def test_an_address_in_the_request_line_does_not_stand_in_for_the_host(api: OpenApi) -> None:
    request = f"GET http://localhost:{port_of(api)}/healthz HTTP/1.1\nHost: evil.example\n\n"
    assert (await send_raw(api.url, request.encode())).status == 421


async def test_further_names_are_those_of_the_settings(rooms: Rooms) -> None:
    async with open_port(rooms, host_names="tether.home") as api:
        for host, status in (("tether.home", 200), (f"tether.home:{port_of(api)}", 200), ("other.home", 421)):
            async with api.stranger(Host=host) as client:
                assert (await client.get("/healthz")).status_code == status
        api.core.settings = api.core.settings.model_copy(update={"host_names": "other.home"})
        async with api.stranger(Host="other.home") as client:
            assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "https://localhost:{port}"])
async def test_pages_that_are_not_listed_are_refused_before_anything_happens(api: OpenApi, origin: str) -> None:
    async with api.stranger(**bearer(api.token), Origin=origin.format(port=port_of(api))) as page:
        refused = await page.post("/sessions")
    assert refused.status_code == 403
    assert refused.json()["code"] == "wrong_origin"
    assert "access-control-allow-origin" not in refused.headers
    assert await api.rooms.sessions.list() == []


async def test_the_ports_own_page_may_ask(api: OpenApi) -> None:
    async with api.stranger(**bearer(api.token), Origin=api.url) as page:
        answer = await page.get("/v1/models")
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_a_listed_page_may_ask_and_read_but_brings_no_cookies(rooms: Rooms) -> None:
    page_origin = "http://localhost:3000"
    async with open_port(rooms, cors_origins=page_origin) as api:
        async with api.stranger(Origin=page_origin) as page:
            asked = await page.options(
                "/sessions",
                headers={
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
                },
            )
            unknown = await page.get("/sessions")
            allowed = await page.get("/v1/models", headers=bearer(api.token))
        async with api.stranger(Origin="http://evil.example") as other:
            refused = await other.options("/sessions", headers={"Access-Control-Request-Method": "POST"})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-headers"] == "authorization,content-type,x-stainless-os"
    for answer in (asked, unknown, allowed):
        assert answer.headers["access-control-allow-origin"] == page_origin
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers
    assert (unknown.status_code, allowed.status_code, refused.status_code) == (401, 200, 403)


async def test_failures_without_end_are_slowed_down_and_right_tokens_never(rooms: Rooms) -> None:
    async with open_port(rooms, bounds=Bounds(failures_per_minute=3)) as api:
        async with api.stranger(Authorization="Bearer wrong") as stranger:
            answers = [await stranger.get("/sessions") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert (await api.client.get("/v1/models")).status_code == 200


async def test_a_token_makes_so_many_requests_a_minute(rooms: Rooms) -> None:
    async with open_port(rooms, requests_per_minute=2) as api, api.with_scope("chat") as other:
        answers = [await api.client.get("/v1/models") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert answers[-1].json()["error"]["code"] == "rate_limit_exceeded"
        assert (await other.get("/v1/models")).status_code == 200
        assert (await api.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/sessions", "/nothing", "/v1/models"])
async def test_every_answer_tells_browsers_what_it_is_not(api: OpenApi, path: str) -> None:
    headers = (await api.client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert "server" not in headers
    assert headers["date"]
    if path != "/docs":
        assert headers["cache-control"] == "no-store"
        assert headers["content-type"] == "application/json; charset=utf-8"


async def test_neither_token_nor_words_reach_the_log(api: OpenApi, caplog: pytest.LogCaptureFixture) -> None:
    words = "the cat is called Ghislaine"
    start_logging(logging.INFO)
    try:
        with caplog.at_level(logging.INFO):
            await ask(api, words)
            await api.client.get(f"/v1/models?api_key={api.token}")
            await api.client.get("/v1/models", headers={"X-Api-Key": api.token, "Cookie": api.token})
            await send_raw(api.url, f"GET /{api.token} nonsense Bearer {api.token}\n\n".encode())
    finally:
        stop_logging()
    written = "".join(file.read_text() for file in log_file().parent.iterdir()) + caplog.text
    assert "/v1/" in written
    assert api.token not in written
    assert words not in written
    assert "Hello there" not in written


async def ask(api: OpenApi, words: str) -> dict[str, Any]:
    body = {"model": "Scripted", "messages": [{"role": "user", "content": words}]}
    answer = await api.client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_second_request_in_the_same_connection_needs_its_own_token(api: OpenApi) -> None:
    head = f"GET /v1/models HTTP/1.1\r\nHost: localhost:{port_of(api)}\r\n"
    async with connection(api.url) as (reader, writer):
        writer.write(f"{head}Authorization: Bearer {api.token}\r\n\r\n{head}\r\n".encode())
        assert (await read_answer(reader)).status == 200
        assert (await read_answer(reader)).status == 401
