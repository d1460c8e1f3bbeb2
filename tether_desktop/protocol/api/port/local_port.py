"""The local port: opened in the loop that the core runs in, and closed again."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tether_desktop import paths
from tether_desktop.errors import PortError
from tether_desktop.protocol.api.gates.bounds import Bounds
from tether_desktop.protocol.api.gates.tokens import Tokens
from tether_desktop.protocol.api.port.binding import Address, find_address, listen
from tether_desktop.protocol.api.port.open_port import remove_open_port, write_open_port
from tether_desktop.protocol.api.port.recent_requests import RecentRequests

if TYPE_CHECKING:
    from tether_desktop.protocol.api.core import Core
    from tether_desktop.protocol.api.port.serving import Serving

logger = logging.getLogger(__name__)

_TITLE = "The local port cannot be opened"


class LocalPort:
    """Offers a running core over HTTP; what that needs is imported only when the port is opened.

    Attributes:
        tokens: which open it.
        requests: the last ones that were made of it.
        url: its address, without a path; None while it is closed.
        on_change: called, in the loop, after the port was opened or closed.
    """

    def __init__(self, core: Core, bounds: Bounds | None = None) -> None:
        self.tokens = Tokens(paths.tokens_path())
        self.requests = RecentRequests()
        self.url: str | None = None
        self.on_change: list[Callable[[], None]] = []
        self._core = core
        self._bounds = bounds or Bounds()
        self._serving: Serving | None = None
        self._changing = asyncio.Lock()

    async def open(self, host: str | None = None, port: int | None = None) -> str:
        """Listen, where the settings say unless told otherwise; the address.

        Args:
            host: a name or address of this computer.
            port: its number; 0 takes any that is free.

        Raises:
            PortError: it is open already, taken or not allowed, or there is no such address.
            SettingsError: the tokens cannot be read or made.
        """
        settings = self._core.settings
        async with self._changing:
            self._check_closed()
            address = await asyncio.to_thread(find_address, settings.host if host is None else host)
            self._check_reach(address)
            await asyncio.to_thread(self.tokens.own)
            serving = await asyncio.to_thread(self._make_serving)
            listener = await asyncio.to_thread(listen, address, settings.port if port is None else port)
            with ExitStack() as opening:
                opening.callback(listener.close)
                await serving.start(listener)
                opening.pop_all()
            self._serving = serving
            self.url = await asyncio.to_thread(_announce, address, listener)
        logger.info("The local port is open at %s", self.url)
        self._tell()
        return self.url

    async def close(self) -> None:
        """Take no more requests, and end those that run, within seconds; idempotent."""
        async with self._changing:
            if self._serving is None:
                return
            self._serving.take_no_more()
            await asyncio.to_thread(remove_open_port)
            await self._serving.stop()
            self._serving = None
            self.url = None
        logger.info("The local port is closed")
        self._tell()

    def _make_serving(self) -> Serving:
        from tether_desktop.protocol.api.app import make_app
        from tether_desktop.protocol.api.port.serving import Serving

        return Serving(make_app(self._core, self.tokens, self._bounds, self.requests), self._bounds)

    def _check_closed(self) -> None:
        if self.url is not None:
            hint = "Close it first to open it elsewhere."
            raise PortError(_TITLE, f"It is open already, at {self.url}.", hint)

    def _check_reach(self, address: Address) -> None:
        if not address.is_local and self._core.settings.lan_access != "on":
            raise PortError(
                _TITLE,
                f"Other computers could reach {address.host}, and access from the network is off.",
                "Use 127.0.0.1, or allow it in the settings or with TETHER_LAN_ACCESS=on.",
            )

    def _tell(self) -> None:
        for listener in list(self.on_change):
            listener()


def _announce(address: Address, listener: socket.socket) -> str:
    """Write down where the port is, for commands that look for it."""
    url = f"http://{address.reached_at}:{listener.getsockname()[1]}"
    try:
        write_open_port(url)
    except OSError as error:
        # It serves all the same; only commands do not find it by themselves.
        logger.warning("%s cannot be written: %s", paths.open_port_path(), error.strerror or error)
    return url
