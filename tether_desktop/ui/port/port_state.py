"""How the local port is, for the window to show."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from tether_desktop.errors import TetherError

PortPhase = Literal["closed", "opening", "open", "closing", "failed"]


@dataclass(frozen=True, slots=True)
class PortState:
    """How the local port is.

    Attributes:
        url: its address without a path, while it is open.
        error: why it could not be opened.
        exposed: whether other computers can reach it.
    """

    phase: PortPhase = "closed"
    url: str = ""
    error: TetherError | None = None
    exposed: bool = False

    @property
    def place(self) -> str:
        """Its host and number: "127.0.0.1:8090"."""
        return urlsplit(self.url).netloc

    @property
    def free_port(self) -> int | None:
        """A number that could be taken instead; None where there is no such offer."""
        return getattr(self.error, "free_port", None)


def is_local(host: str) -> bool:
    """Whether only this computer reaches what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
