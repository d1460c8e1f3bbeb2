"""The socket of the local port: what is in its way is said by name, with a way out."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from types import SimpleNamespace

import psutil
import pytest

from tests.helpers.processes import running, said
from tether_desktop.errors import PortError
from tether_desktop.protocol.api.port import binding
from tether_desktop.protocol.api.port.binding import Address, find_address, listen

LISTEN = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    input()
"""
EVERYWHERE = "0.0.0.0"  # noqa: S104  (never listened at here)
LOOPBACK = Address(socket.AF_INET, "127.0.0.1")

needs_ipv6 = pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")


def test_a_free_port_is_listened_at() -> None:
    with listen(LOOPBACK, 0) as listener, socket.create_connection(listener.getsockname()):
        assert not listener.getblocking()


async def test_a_line_is_sent_at_once_however_small_it_is() -> None:
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = listen(LOOPBACK, 0)
    async with await asyncio.start_server(look, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("localhost", True), ("127.9.9.9", True), ("::1", True), (EVERYWHERE, False), ("::", False)],
)
def test_what_other_computers_can_reach_is_known(host: str, is_local: bool) -> None:
    assert find_address(host).is_local is is_local


def test_localhost_is_the_address_that_all_clients_try() -> None:
    assert find_address("localhost").host == "127.0.0.1"


def test_no_host_at_all_is_not_this_computer_alone() -> None:
    with pytest.raises(PortError):
        find_address("")


@pytest.mark.parametrize(("host", "reached_at"), [(EVERYWHERE, "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")])
def test_a_port_at_all_addresses_is_reached_at_this_computers_own(host: str, reached_at: str) -> None:
    assert find_address(host).reached_at == reached_at


@pytest.mark.parametrize("host", ["no such host.invalid", "999.1.1.1", "a" * 300, "é" * 80, "\x00", "::1::1"])
def test_what_is_no_address_is_told(host: str) -> None:
    with pytest.raises(PortError, match="There is no address"):
        find_address(host)


def test_an_address_of_another_computer_is_told() -> None:
    with pytest.raises(PortError, match=r"no address 192\.0\.2\.1"):
        listen(Address(socket.AF_INET, "192.0.2.1"), 0)


def test_a_port_that_another_program_has_is_told_with_its_name_and_one_that_is_free() -> None:
    with running(LISTEN) as other:
        port = int(said(other))
        with pytest.raises(PortError) as refused:
            listen(LOOPBACK, port)
        assert f"{psutil.Process(other.pid).name()} (process {other.pid})" in refused.value.message
    assert str(port) in refused.value.message
    assert refused.value.free_port
    assert f"--port {refused.value.free_port}" in refused.value.hint
    with listen(LOOPBACK, refused.value.free_port) as listener:
        assert listener.getsockname()[1] == refused.value.free_port


def test_a_holder_that_the_system_does_not_tell_is_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    monkeypatch.setattr(psutil, "process_iter", lambda: [SimpleNamespace(pid=1, net_connections=refuse)])
    with listen(LOOPBACK, 0) as taken, pytest.raises(PortError, match="taken by another program"):
        listen(LOOPBACK, taken.getsockname()[1])


def test_a_holder_is_found_among_ones_own_processes_where_the_system_tells_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_arguments: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    with listen(LOOPBACK, 0) as taken, pytest.raises(PortError, match=f"process {os.getpid()}"):
        listen(LOOPBACK, taken.getsockname()[1])


@pytest.mark.parametrize(("port", "platform", "words"), [(80, "linux", "below 1024"), (8090, "win32", "excludedport")])
def test_a_port_that_is_not_allowed_is_explained(
    port: int, platform: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding, "_free_port", lambda *_: 8091)
    monkeypatch.setattr(sys, "platform", platform)
    refusal = binding._refusal(LOOPBACK, port, OSError(errno.EACCES, "not allowed"))
    assert words in refusal.message
    assert refusal.free_port == 8091


def test_a_port_that_another_program_has_to_itself_is_not_called_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "_holder", lambda _port: "other.exe (process 7)")
    monkeypatch.setattr(binding, "_free_port", lambda *_: None)
    refusal = binding._refusal(LOOPBACK, 8090, OSError(errno.EACCES, "not allowed"))
    assert "taken by other.exe (process 7)" in refusal.message
    assert refusal.free_port is None
    assert refusal.hint


def test_the_last_port_has_others_offered_beside_it() -> None:
    assert binding._free_port(LOOPBACK, 65_535)


def test_a_port_can_be_opened_again_at_once() -> None:
    first = listen(LOOPBACK, 0)
    port = first.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as client:
        first.setblocking(True)
        accepted, _ = first.accept()
        accepted.close()  # the side that closes first keeps the port for minutes
        first.close()
        assert client.recv(1) == b""
    listen(LOOPBACK, port).close()


@needs_ipv6
def test_the_newer_kind_of_address_works_as_well() -> None:
    with listen(find_address("::1"), 0) as listener, socket.create_connection(("::1", listener.getsockname()[1])):
        pass
