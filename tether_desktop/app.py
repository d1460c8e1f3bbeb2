"""The composition root: builds every part from the settings, starts them in order and closes them in reverse."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from tether_desktop import paths
from tether_desktop.context.database import OnMigrate
from tether_desktop.context.records import SearchHit
from tether_desktop.context.store import IN_MEMORY, Store
from tether_desktop.errors import AlreadyRunning, StoreError
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.watch import ModelWatch
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.remote.server_models import ServerModels
from tether_desktop.protocol.api.port.local_port import LocalPort
from tether_desktop.protocol.bin_keeper import BinKeeper
from tether_desktop.protocol.completions import Completions
from tether_desktop.protocol.library import Library
from tether_desktop.protocol.service import SessionService
from tether_desktop.protocol.speed_test import SpeedTest
from tether_desktop.settings import Settings
from tether_desktop.tools.mcp.servers import McpServers
from tether_desktop.tools.own_tools import OwnTools
from tether_desktop.tools.toolbox import Toolbox
from tether_desktop.tools.toolkit import make_toolkit

logger = logging.getLogger(__name__)

_LOCK_NAME = "tether.lock"
_MEGABYTE = 1_000_000


class Tether:
    """The whole program without a face: the window and the commands are its clients.

    Attributes:
        settings: what it was built from.
        catalog: the models on this computer, and those of servers that were added.
        servers: looks at these servers.
        watch: tells when these have changed.
        installer: adds the starter model.
        pool: the engines that are loaded.
        tools: what models may call.
        completions: replies for clients that keep the conversation themselves.
        speed_test: measures how fast models answer.
        port: offers all of it to other programs, once it is opened.
        store: the conversations; there once started.
        sessions: the session API; there once started.
        temporary: the same for conversations that are never stored; there once started.
        library: folders, personas, saved prompts and drafts; there once started.
        on_migrate: called in a thread of its own before conversations of an older version are migrated,
            with a function that stops it.
    """

    store: Store
    sessions: SessionService
    temporary: SessionService
    library: Library

    def __init__(self, settings: Settings) -> None:
        """Build the parts that need no file; :meth:`start` does the rest."""
        self.settings = settings
        self.servers = ServerModels()
        self.catalog = Catalog(settings.dist_roots, [self.servers.entries])
        self.watch = ModelWatch(settings.dist_roots)
        self.installer = Installer(settings.dist_roots)
        self.pool = EnginePool(
            self.catalog,
            capacity=settings.loaded_models,
            threads=settings.threads,
            context_window=settings.context_window,
            cache_bytes=settings.chat_memory * _MEGABYTE,
            idle_seconds=settings.idle_minutes * 60,
        )
        self.completions = Completions(self.pool, self.catalog, settings)
        self.speed_test = SpeedTest(self.pool, self.catalog)
        self.tools = make_toolkit(lambda: self.sessions.settings, self._search)
        self.port = LocalPort(self)
        self.on_migrate: OnMigrate = lambda _stop: None
        self._open = AsyncExitStack()

    @property
    def toolbox(self) -> Toolbox:
        """The tools of all sources."""
        return self.tools.toolbox

    @property
    def own_tools(self) -> OwnTools:
        """The files of the person's own tools."""
        return self.tools.own_tools

    @property
    def mcp(self) -> McpServers:
        """The MCP servers."""
        return self.tools.mcp

    def use_settings(self, settings: Settings) -> None:
        """Let other settings hold from the next reply on; what is open or loaded stays as it is."""
        self.pool.configure(
            settings.loaded_models,
            settings.threads,
            settings.context_window,
            settings.chat_memory * _MEGABYTE,
            settings.idle_minutes * 60,
        )
        self.settings = self.completions.settings = settings
        self.sessions.settings = self.temporary.settings = settings

    async def start(self) -> None:
        """Take the data folder and open the database; on failure nothing stays open.

        Raises:
            AlreadyRunning: another instance has the data folder.
            StoreError: the data folder or the database cannot be used.
        """
        async with AsyncExitStack() as opening:
            lock = await asyncio.to_thread(lock_data_folder)
            opening.callback(lock.release)
            self.store = await asyncio.to_thread(Store, self.settings.database_url, self.on_migrate)
            opening.push_async_callback(asyncio.to_thread, self.store.close)
            interrupted = await asyncio.to_thread(self.store.mark_interrupted)
            if interrupted:
                logger.warning("%d replies were interrupted when the program last ended", interrupted)
            opening.push_async_callback(self.watch.close)
            opening.push_async_callback(self.servers.close)
            opening.push_async_callback(self.pool.close)
            self.sessions = self._service(self.store)
            nowhere = await asyncio.to_thread(Store, IN_MEMORY)
            opening.push_async_callback(asyncio.to_thread, nowhere.close)
            self.temporary = self._service(nowhere, finds_titles=False)
            self.library = Library(self.store)
            self.sessions.subscribe(self.library.hear)
            opening.push_async_callback(self.tools.close)
            opening.push_async_callback(self._end_requests)
            self.servers.look()
            await self.tools.start()
            bin_keeper = BinKeeper(self.sessions)
            opening.push_async_callback(bin_keeper.close)
            bin_keeper.start()
            self._open = opening.pop_all()

    async def close(self) -> None:
        """Stop the turns and store them, end the engines, close the database, free the folder; idempotent."""
        await self._open.aclose()

    async def _end_requests(self) -> None:
        """Take no more of them; who reads a turn over the port is still told how it ended."""
        await asyncio.gather(self.port.close(), self.sessions.close(), self.temporary.close())
        # What a request that was on its way has begun meanwhile.
        await self.sessions.close()

    def _service(self, store: Store, *, finds_titles: bool = True) -> SessionService:
        return SessionService(store, self.pool, self.catalog, self.toolbox, self.settings, finds_titles=finds_titles)

    def _search(self, query: str, limit: int, *, except_session: str = "") -> list[SearchHit]:
        return self.store.search_messages(query, limit, except_session=except_session)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def lock_data_folder() -> FileLock:
    """Make the data folder ours until the lock is released or this process ends.

    Raises:
        AlreadyRunning: another instance has it.
        StoreError: the folder cannot be made or written.
    """
    folder = paths.data_dir()
    try:
        paths.make_private_folder(folder)
        lock = FileLock(folder / _LOCK_NAME, blocking=False, thread_local=False)
        lock.acquire()
    except Timeout as error:
        raise _already_running(folder) from error
    except OSError as error:
        raise StoreError(
            "The data folder cannot be used",
            f"{folder}: {error.strerror or error}.",
            "Make it writable, or choose another one with TETHER_DATA_DIR.",
        ) from error
    return lock


def _already_running(folder: Path) -> AlreadyRunning:
    return AlreadyRunning(
        "Tether is already running",
        f"Another Tether uses {folder}.",
        "Use that one or close it first; TETHER_DATA_DIR gives this one a folder of its own.",
    )
