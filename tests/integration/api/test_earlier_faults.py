"""What the service that Tether grew out of let through: no gate at all, and values that meant something else."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.helpers.api import OpenApi, core_of_rooms
from tests.helpers.rooms import Rooms
from tether_desktop.errors import SettingsError
from tether_desktop.protocol.api.port.local_port import LocalPort
from tether_desktop.settings import load_settings

# 12. No token, no look at the Host, paths as names of models, tools for everybody. What is said is kept from the log
# in test_gates.


async def test_nothing_of_the_old_service_is_open_to_strangers(api: OpenApi) -> None:
    session = await api.rooms.sessions.create()
    asked = (
        ("GET", "/models"),
        ("POST", "/models/unload"),
        ("POST", "/sessions"),
        ("GET", "/sessions"),
        ("DELETE", f"/sessions/{session.id}"),
        ("DELETE", "/sessions"),
        ("GET", f"/sessions/{session.id}/messages"),
        ("POST", "/generations"),
        ("POST", "/generations/abort"),
        ("GET", "/tools"),
        ("POST", "/tools/execute"),
    )
    async with api.stranger() as stranger:
        for method, path in asked:
            assert (await stranger.request(method, path)).status_code == 401, path
    assert [each.id for each in await api.rooms.sessions.list()] == [session.id]


async def test_a_web_page_under_a_name_that_leads_here_reaches_nothing(api: OpenApi) -> None:
    number = api.url.rpartition(":")[2]
    rebound = {"Host": f"evil.example:{number}", "Origin": f"http://evil.example:{number}"}
    async with api.stranger(Authorization=f"Bearer {api.token}", **rebound) as page:
        for path in ("/", "/docs", "/healthz", "/sessions", "/v1/models"):
            assert (await page.get(path)).status_code == 421, path
        assert (await page.post("/sessions")).status_code == 421
    assert await api.rooms.sessions.list() == []


async def test_a_model_is_a_name_in_the_list_and_never_a_path(api: OpenApi) -> None:
    folder: Path = api.rooms.models / "Scripted"
    for name in (str(folder), "../models/Scripted", "./Scripted", "Scripted/", "/etc/passwd", "..", "Scripted\x00"):
        refused = await api.client.post("/generations", json={"prompt": "Hello", "model_name": name})
        assert refused.status_code in {404, 422}, name
    assert await api.rooms.sessions.list() == []


async def test_no_client_names_a_file_to_be_loaded(api: OpenApi) -> None:
    body = {"prompt": "Hello", "model_name": "Scripted", "dll": "/tmp/evil.so"}  # noqa: S108  (never opened)
    refused = await api.client.post("/generations", json=body)
    assert refused.status_code == 422
    assert "dll" in refused.json()["message"]


# 13. A zero was taken for nothing, and `no` for False.


async def test_port_zero_is_any_free_one_and_not_the_one_of_the_settings(rooms: Rooms) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = LocalPort(core_of_rooms(rooms, port=taken.getsockname()[1]))
        assert await port.open(port=0)
        await port.close()


@pytest.mark.parametrize("name", ["TETHER_LAN_ACCESS", "TETHER_SERVE"])
@pytest.mark.parametrize("value", ["no", "false", "0", "yes", "true", "ON"])
def test_a_word_that_is_neither_on_nor_off_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert name in refused.value.hint
    assert value in refused.value.message
