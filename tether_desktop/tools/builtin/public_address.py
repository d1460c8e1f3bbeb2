"""Which addresses of the network are the public internet, and not this computer or a network around it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

AddressRule = Callable[[str], bool]
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the numeric addresses of a host; raises OSError where there are none."""

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# 6to4 and its relay reach an IPv4 address that is not checked. Some Pythons take the others, for documents and for
# protocols between networks, for public.
_REFUSED = (
    ipaddress.IPv6Network("2002::/16"),
    ipaddress.IPv6Network("3fff::/20"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv4Network("192.0.0.0/24"),
)


def is_public(text: str) -> bool:
    """Whether a numeric address is on the public internet, the one inside a mapped or translated one included."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return _is_public(address) and not address.is_reserved
    if address.scope_id is not None:
        return False
    if inner := address.ipv4_mapped or _translated(address):
        return is_public(str(inner))
    return address in _GLOBAL_UNICAST and _is_public(address)


async def resolve(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says of a host.

    Raises:
        OSError: it knows none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    refused = any(address in network for network in _REFUSED if network.version == address.version)
    return address.is_global and not address.is_multicast and not refused


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address behind one of a network that has IPv6 alone."""
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None
