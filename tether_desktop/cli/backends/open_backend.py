"""Finds out whether a Tether runs, and gives commands that one or one of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from tether_desktop.errors import AlreadyRunning
from tether_desktop.protocol.api.port.open_port import OpenPort, find_open_port

if TYPE_CHECKING:
    from tether_desktop.cli.backends.backend import Backend, Sessions
    from tether_desktop.cli.backends.port_backend import PortBackend
    from tether_desktop.settings import Settings

_HINT = (
    "Open its local port, in its settings or by TETHER_SERVE=on when it starts, and this works through it; "
    "or close it first. TETHER_DATA_DIR gives this one a folder of its own."
)


async def open_backend(settings: Settings) -> Backend:
    """The Tether that runs, through its port, or one that is started here; to be closed by the caller.

    Raises:
        AlreadyRunning: one runs, and its port is closed.
        TetherError: it cannot be started.
    """
    running = await open_running()
    if running is not None:
        return running
    # Imported here, since it brings in all of the program, which those who reach one that runs need not wait for.
    from tether_desktop.app import Tether
    from tether_desktop.cli.backends.own_backend import OwnBackend

    tether = Tether(settings)
    try:
        await tether.start()
    except AlreadyRunning as error:
        raise AlreadyRunning(error.title, f"{error.message} Its local port is closed.", _HINT) from error
    return OwnBackend(tether)


async def open_running() -> PortBackend | None:
    """The Tether that runs, where it has its port open; to be closed by the caller."""
    found = await asyncio.to_thread(find_open_port)
    return None if found is None else await asyncio.to_thread(_connect, found)


@asynccontextmanager
async def open_sessions(settings: Settings, *, to_change: bool = False) -> AsyncIterator[Sessions]:
    """The conversations: of the Tether that runs, or out of the database, which may be read beside one.

    Args:
        settings: say where the database is.
        to_change: whether something will be changed, which nobody may do behind the back of a Tether that runs.

    Raises:
        AlreadyRunning: something is to be changed, one runs, and its port is closed.
        StoreError: the database cannot be used.
    """
    running = await open_running()
    if running is not None:
        try:
            yield running.sessions
        finally:
            await running.close()
        return
    async with AsyncExitStack() as opening:
        if to_change:
            await _take_folder(opening)
        yield await _own_sessions(settings, opening)


async def _take_folder(opening: AsyncExitStack) -> None:
    from tether_desktop.app import lock_data_folder

    try:
        lock = await asyncio.to_thread(lock_data_folder)
    except AlreadyRunning as error:
        raise AlreadyRunning(error.title, f"{error.message} Its local port is closed.", _HINT) from error
    opening.callback(lock.release)


async def _own_sessions(settings: Settings, opening: AsyncExitStack) -> Sessions:
    from tether_desktop.cli.backends.store_sessions import StoreSessions
    from tether_desktop.context.store import Store

    store = await asyncio.to_thread(Store, settings.database_url)
    opening.push_async_callback(asyncio.to_thread, store.close)
    return StoreSessions(store)


def _connect(found: OpenPort) -> PortBackend:
    from tether_desktop import paths
    from tether_desktop.cli.backends.port_backend import PortBackend
    from tether_desktop.cli.backends.port_client import PortClient
    from tether_desktop.protocol.api.gates.tokens import Tokens

    return PortBackend(PortClient(found.url, Tokens(paths.tokens_path()).own()))
