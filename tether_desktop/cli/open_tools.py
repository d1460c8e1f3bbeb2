"""The tools for a command that needs nothing else of the program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tether_desktop.settings import Settings

if TYPE_CHECKING:
    from tether_desktop.tools.toolkit import Toolkit


@asynccontextmanager
async def open_tools(settings: Settings, *, settled: bool = True) -> AsyncIterator[Toolkit]:
    """The tools, beside a window that may be open; ``settled`` waits for the servers that may start."""
    from tether_desktop.context.store import Store
    from tether_desktop.tools.toolkit import make_toolkit

    store = await asyncio.to_thread(Store, settings.database_url)
    tools = make_toolkit(lambda: settings, store.search_messages)
    try:
        await tools.start()
        if settled:
            await tools.settled()
        yield tools
    finally:
        await tools.close()
        await asyncio.to_thread(store.close)
