"""What the local port offers to its clients, and how a route gets at it."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends, Request

from tether_desktop.context.store import Store
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.remote.server_models import ServerModels
from tether_desktop.protocol.completions import Completions
from tether_desktop.protocol.library import Library
from tether_desktop.protocol.service import SessionService
from tether_desktop.settings import Settings
from tether_desktop.tools.toolbox import Toolbox


class Core(Protocol):
    """The parts of the program that the port is a client of; ``app.Tether`` has them."""

    settings: Settings
    sessions: SessionService
    library: Library
    completions: Completions
    store: Store
    catalog: Catalog
    servers: ServerModels
    pool: EnginePool
    installer: Installer

    @property
    def toolbox(self) -> Toolbox:
        """The tools of all sources."""
        ...


async def core_of(request: Request) -> Core:
    """The core behind the application that serves a request; a coroutine, since others are run in threads."""
    core: Core = request.app.state.core
    return core


TheCore = Annotated[Core, Depends(core_of)]
"""Annotates a route's parameter that is to be the core."""
