"""The socket that the local port listens on, and what stands in its way."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from tether_desktop.errors import PortError

_BACKLOG = 512
_HIGHEST = 65_535
_SYSTEM_PORTS = 1024
_OTHERS_TRIED = 50
_TITLE = "The local port cannot be opened"


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, as the system has it."""

    family: socket.AddressFamily
    host: str

    @property
    def is_local(self) -> bool:
        """Whether only this computer can reach it."""
        return ip_address(self.host.partition("%")[0]).is_loopback

    @property
    def reached_at(self) -> str:
        """The address by which this computer reaches what listens here, as a URL has it."""
        host = self.host
        if ip_address(host.partition("%")[0]).is_unspecified:
            host = "127.0.0.1" if self.family == socket.AF_INET else "::1"
        return f"[{host}]" if self.family == socket.AF_INET6 else host


def find_address(host: str) -> Address:
    """The address of a name or number; may ask a name server.

    Raises:
        PortError: there is none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no address"
        raise PortError(
            _TITLE, f"There is no address {host!r}: {reason}.", "127.0.0.1 is this computer alone."
        ) from error
    # Clients that are told `localhost` try the older kind in any case.
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return Address(family, str(address[0]))


def listen(address: Address, port: int) -> socket.socket:
    """A socket that listens; 0 takes any port that is free.

    Raises:
        PortError: the port is taken, reserved or not allowed; says by what, and which one is free.
    """
    # With the protocol named asyncio switches Nagle's algorithm off, which holds small lines back for 40 ms.
    listener = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        _prepare(listener, address)
        listener.bind((address.host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _refusal(address, port, error) from error
    return listener


def _prepare(listener: socket.socket, address: Address) -> None:
    if sys.platform == "win32":
        # There, SO_REUSEADDR would let any program take over a port that is in use.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if address.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def _refusal(address: Address, port: int, error: OSError) -> PortError:
    reason = error.strerror or str(error)
    holder = _holder(port)
    refused = error.errno in {errno.EACCES, errno.EPERM}
    # Windows refuses a port that another program has to itself as it refuses one that nobody may have.
    if error.errno == errno.EADDRINUSE or (refused and holder and port >= _SYSTEM_PORTS):
        return _taken(address, port, holder)
    if refused:
        return _forbidden(address, port)
    if error.errno == errno.EADDRNOTAVAIL:
        message = f"This computer has no address {address.host}."
        return PortError(_TITLE, message, "127.0.0.1 is this computer alone, 0.0.0.0 all of its addresses.")
    return PortError(_TITLE, f"{address.reached_at}:{port}: {reason}.", "Choose another address or port.")


def _taken(address: Address, port: int, holder: str) -> PortError:
    free = _free_port(address, port)
    message = f"Port {port} is taken by {holder}." if holder else f"Port {port} is taken by another program."
    return PortError(_TITLE, message, _offer(free), free_port=free)


def _forbidden(address: Address, port: int) -> PortError:
    free = _free_port(address, port)
    message = f"The system does not let this program listen at port {port}."
    if port < _SYSTEM_PORTS:
        message += f" Ports below {_SYSTEM_PORTS} are for the administrator's programs."
    elif sys.platform == "win32":
        message += (
            " Windows keeps ranges of ports to itself, of which"
            " `netsh interface ipv4 show excludedportrange protocol=tcp` tells."
        )
    return PortError(_TITLE, message, _offer(free), free_port=free)


def _offer(free: int | None) -> str:
    if free is None:
        return "Close that program, or choose another port; 0 takes any that is free."
    return f"Port {free} is free: choose it in the settings, or with `tether serve --port {free}`."


def _free_port(address: Address, taken: int) -> int | None:
    """The next port that is free, else any."""
    first = max(taken + 1, _SYSTEM_PORTS)
    for port in (*range(first, min(first + _OTHERS_TRIED, _HIGHEST + 1)), 0):
        with suppress(OSError), socket.socket(address.family, socket.SOCK_STREAM) as other:
            _prepare(other, address)
            other.bind((address.host, port))
            other.listen(1)
            return int(other.getsockname()[1])
    return None


def _holder(port: int) -> str:
    """The program that listens at a port, where the system tells: its name and number; else empty."""
    import psutil

    pid = _holders_pid(port)
    try:
        return f"{psutil.Process(pid).name()} (process {pid})" if pid else ""
    except psutil.Error:
        return f"process {pid}"


def _holders_pid(port: int) -> int | None:
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        return _own_holders_pid(port)
    return next((each.pid for each in connections if _listens(each, port) and each.pid), None)


def _own_holders_pid(port: int) -> int | None:
    """The same where the system tells only of one's own processes."""
    import psutil

    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if any(_listens(each, port) for each in process.net_connections("tcp")):
                return int(process.pid)
    return None


def _listens(connection: object, port: int) -> bool:
    address = getattr(connection, "laddr", None)
    return bool(address) and getattr(address, "port", None) == port and getattr(connection, "status", "") == "LISTEN"
