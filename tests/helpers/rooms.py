"""Model, context and protocol rooms put together: real catalogue, pool and store, a scripted engine in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.clock import VirtualClock
from tests.helpers.scripted_models import write_scripted_model
from tests.helpers.tools import FixedTools
from tether_desktop.context.store import Store
from tether_desktop.events import Event
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import Engine, EngineSpec
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.protocol.completions import Completions
from tether_desktop.protocol.service import SessionService
from tether_desktop.protocol.turn import Turn
from tether_desktop.settings import Settings
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.tool import Tool, ToolSource
from tether_desktop.tools.toolbox import Toolbox


@dataclass(frozen=True)
class Rooms:
    """Everything below the window, on one folder.

    Attributes:
        models: the folder that models are found in.
    """

    models: Path
    store: Store
    pool: EnginePool
    sessions: SessionService
    completions: Completions
    catalog: Catalog
    toolbox: Toolbox

    def add_model(self, name: str = "Scripted", **script: Any) -> str:
        """Write a scripted model; see ``write_scripted_model``."""
        write_scripted_model(self.models, name, **script)
        return name

    async def ask(self, text: str, session_id: str | None = None, **options: Any) -> tuple[Turn, list[Event]]:
        """Send a question, to a new session if none is given, and read the turn to its end."""
        session_id = session_id or (await self.sessions.create()).id
        turn = await self.sessions.send(session_id, text, **options)
        return turn, await all_events(turn)


async def all_events(turn: Turn) -> list[Event]:
    """Every event of a turn."""
    return [event async for event in turn.events()]


async def until(turn: Turn, reached: Callable[[Event], bool]) -> Event:
    """The first event for which ``reached`` is true."""
    async for event in turn.events():
        if reached(event):
            return event
    raise AssertionError("the turn ended without such an event")


def scripted_engine(spec: EngineSpec) -> Engine:
    """A scripted engine in this process, on a clock that does not wait; dying raises there."""
    return ScriptedEngine(spec, clock=VirtualClock())


@asynccontextmanager
async def open_rooms(
    folder: Path,
    *,
    store: Store | None = None,
    make_engine: Callable[[EngineSpec], Engine] = scripted_engine,
    settings: Mapping[str, Any] | None = None,
    replies: Sequence[Any] = (),
    tools: Sequence[Tool] = (),
    sources: Sequence[ToolSource] = (),
    models: Path | None = None,
) -> AsyncIterator[Rooms]:
    """Open rooms in ``folder``, with one scripted model when ``replies`` are given; closes everything.

    ``models`` is a folder with others.
    """
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 — a test's own folder
    store = store or Store(f"sqlite:///{folder / 'tether.db'}")
    models = models or folder / "models"
    catalog = Catalog([models])
    pool = EnginePool(catalog, make_engine=make_engine)
    toolbox = Toolbox([FixedTools(tools), *sources], ToolPreferences(folder / "tools.json"))
    chosen = Settings(**(settings or {}))
    sessions = SessionService(store, pool, catalog, toolbox, chosen)
    rooms = Rooms(models, store, pool, sessions, Completions(pool, catalog, chosen), catalog, toolbox)
    if replies:
        rooms.add_model(replies=replies)
    try:
        yield rooms
    finally:
        await sessions.close()
        await pool.close()
        store.close()
