"""What runs in the worker's thread: the loop that owns Tether, and the batches that leave it."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tether_desktop.errors import TetherError
from tether_desktop.events import Event
from tether_desktop.ui.models.installation import Installed
from tether_desktop.ui.models.model_status import ModelStatus, gone_status, model_status
from tether_desktop.ui.told import as_tether_error
from tether_desktop.ui.tools.tool_facts import ToolsSnapshot
from tether_desktop.ui.worker.session_news import ReadChat, SessionsNews
from tether_desktop.ui.worker.started_turn import StartedTurn
from tether_desktop.ui.worker.tools_snapshot import tools_snapshot
from tether_desktop.ui.worker.turn_follower import TurnFollower, asked_here, started_turn

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.model.discovery.catalog import ModelEntry
    from tether_desktop.model.install.compile_job import BuildReport, MappedMatrix
    from tether_desktop.model.install.installer import Installer
    from tether_desktop.model.install.progress import Checked, InstallProgress, OnNews
    from tether_desktop.model.pool.memory_fit import Verdict
    from tether_desktop.protocol.turn import Turn
    from tether_desktop.settings import Settings

logger = logging.getLogger(__name__)

FRAME_S = 0.033
"""Events are handed over at most this often, in seconds: about 30 times a second."""

GARBAGE_S = 20.0
MUCH_GARBAGE = 100_000
"""New objects after which the GUI thread is woken to collect garbage, and how often that is looked at, in seconds."""

CLOSE_TIMEOUT_S = 10.0
"""How long closing waits for what is still going on; what goes on then is cancelled with the loop."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where the loop's news go; everything is called in the worker's thread.

    Attributes:
        opened: Tether is open, with these settings.
        migrating: chats of an older version are being brought up to date.
        failed: it could not be opened.
        sessions: what became of sessions, whichever client has done it; comes before what is told of their turns.
        chat: the messages of a chat that was asked for; comes before the events of the turn that runs in it.
        turn_started: comes before that turn's first events.
        events: session, reply, and the events of one frame in order.
        models: all models, usable or not.
        tools: all tools, and where they are from.
        port: the address of the local port, empty once it is closed.
        install_progress: how far the model is that is being added or prepared.
        install_checked: what it will be.
        garbage: there is much to collect.
    """

    opened: Callable[[Settings], None]
    migrating: Callable[[], None]
    failed: Callable[[TetherError], None]
    sessions: Callable[[SessionsNews], None]
    chat: Callable[[ReadChat], None]
    turn_started: Callable[[StartedTurn], None]
    events: Callable[[str, str, list[Event]], None]
    models: Callable[[list[ModelStatus]], None]
    tools: Callable[[ToolsSnapshot], None]
    port: Callable[[str], None]
    install_progress: Callable[[InstallProgress], None]
    install_checked: Callable[[Checked], None]
    garbage: Callable[[], None]


def _prewarm() -> None:
    from tether_desktop.ui.markdown import parser as markdown

    markdown.prewarm()


def _fits_of(entries: list[ModelEntry], context_window: int) -> dict[str, Verdict]:
    from tether_desktop.ui.models.model_fits import fits_of

    return fits_of(entries, context_window)


class WorkerLoop:
    """Owns Tether for as long as it is open, and hands events over once per frame."""

    def __init__(self, loop: asyncio.AbstractEventLoop, open_tether: Callable[[], Tether], outlet: Outlet) -> None:
        self._loop = loop
        self._open_tether = open_tether
        self._outlet = outlet
        self._stop = asyncio.Event()
        self._tether: asyncio.Future[Tether] = loop.create_future()
        self._follower = TurnFollower(loop, self._schedule_flush)
        self._entries: list[ModelEntry] = []
        self._fits: dict[str, Verdict] = {}
        self._installing = asyncio.Lock()
        self._adding = ""
        self._install_progress: InstallProgress | None = None
        self._listing = asyncio.Lock()
        self._relisting: asyncio.Task[None] | None = None
        self._models_changed = False
        self._tools_changed = False
        self._frame: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        self._stop_migration: Callable[[], None] = lambda: None
        self._prewarming = asyncio.Lock()
        self._warm = False

    async def run(self) -> None:
        """Open Tether, serve until :meth:`stop`, close it."""
        self.open()
        watch = self._loop.create_task(self._watch_garbage())
        await self._stop.wait()
        watch.cancel()
        await self._close()

    async def _watch_garbage(self) -> None:
        """Wake the GUI thread, which alone may collect garbage, when requests of programs have made much of it."""
        while True:
            await asyncio.sleep(GARBAGE_S)
            if gc.get_count()[0] > MUCH_GARBAGE:
                self._outlet.garbage()

    def open(self) -> None:
        """Open Tether, or try again after a failure."""
        if self._tether.done() and self._tether.exception() is None:
            return
        if self._opening is None or self._opening.done():
            self._opening = self._loop.create_task(self._open())

    def stop(self) -> None:
        """End :meth:`run`."""
        self._stop.set()

    async def tether(self) -> Tether:
        """Tether, once it is open.

        Raises:
            TetherError: it could not be opened.
        """
        return await asyncio.shield(self._tether)

    async def start_turn(self, start: Callable[[Tether], Awaitable[Turn]]) -> StartedTurn:
        """Start a turn for the window; it is followed because of the news of it, as every turn is."""
        tether = await self.tether()
        asked_here.set(True)
        return started_turn(await start(tether), here=True)

    async def read_chat(self, session_id: str, *, temporary: bool = False) -> None:
        """Tell the outlet a session's messages, and then the events of its turn from the first one on.

        Raises:
            SessionNotFound: there is no such session.
        """
        tether = await self.tether()
        sessions = tether.temporary if temporary else tether.sessions
        while True:  # until no turn has begun or ended while the messages were read
            turn = sessions.running(session_id)
            records = await sessions.history(session_id)
            if sessions.running(session_id) is turn:
                break
        self._flush()  # what came before must not come after
        self._outlet.chat(ReadChat(session_id, tuple(records), started_turn(turn) if turn else None))
        if turn is not None:
            self._follower.replay(turn)

    async def add_model(self, what: str) -> Installed:
        """Add a model, reporting to the outlet."""

        def add(installer: Installer, on_news: OnNews) -> Awaitable[str]:
            return installer.add(what, on_progress=self._on_install_progress, on_news=on_news)

        return await self._install(add, what)

    async def prepare_model(self, name: str) -> Installed:
        """Pack and compile a listed model as far as that is due, reporting to the outlet."""

        def compile_it(installer: Installer, on_news: OnNews) -> Awaitable[str]:
            return installer.compile(name, on_progress=self._on_install_progress, on_news=on_news)

        return await self._install(compile_it)

    async def settle_installs(self) -> None:
        """Wait until one that was cancelled has tidied up, and told all that it had to tell."""
        async with self._installing:
            pass

    async def discard_download(self, what: str) -> None:
        """Remove what there is of a download, once nothing writes to it any more; others go on meanwhile.

        Raises:
            InstallError: it cannot be removed.
        """
        tether = await self.tether()
        if self._adding == what:
            await self.settle_installs()
        await asyncio.to_thread(tether.installer.discard, what)

    async def _install(self, start: Callable[[Installer, OnNews], Awaitable[str]], adds: str = "") -> Installed:
        from tether_desktop.model.install.progress import Checked

        mappings: tuple[MappedMatrix, ...] = ()

        def on_news(news: Checked | BuildReport) -> None:
            nonlocal mappings
            if isinstance(news, Checked):
                self._outlet.install_checked(news)
            else:
                mappings = news.mappings

        tether = await self.tether()
        # One that was cancelled may still be tidying up.
        async with self._installing:
            self._adding = adds
            try:
                name = await start(tether.installer, on_news)
            finally:
                self._install_progress, self._adding = None, ""
            await self.refresh_models()
        return Installed(name, mappings)

    def _on_install_progress(self, now: InstallProgress) -> None:
        self._install_progress = now
        self._schedule_flush()

    async def refresh_models(self) -> None:
        """Look at the model folders, and soon at the servers, and tell the outlet what is there."""
        tether = await self.tether()
        tether.servers.look()
        await self._list_models(tether)

    async def _list_models(self, tether: Tether) -> None:
        async with self._listing:
            async with tether.watch.listing():
                self._entries = await asyncio.to_thread(tether.catalog.list)
            self._fits = await asyncio.to_thread(_fits_of, self._entries, tether.settings.context_window)
        self._mark_models_changed()

    async def prewarm(self) -> None:
        """Import what the first message on the screen needs, so that the GUI thread need not; once."""
        async with self._prewarming:
            if not self._warm:
                await asyncio.to_thread(_prewarm)
                self._warm = True

    async def _open(self) -> None:
        if self._tether.done():
            self._tether = self._loop.create_future()
        try:
            tether = await self._start_tether()
        except Exception as error:  # the window tells the person, whatever it was
            logger.info("Tether could not be opened", exc_info=error)
            told = as_tether_error(error)
            self._tether.set_exception(told)
            self._tether.exception()
            self._outlet.failed(told)
            return
        self._tether.set_result(tether)
        self._models_changed = self._tools_changed = True
        self._flush()
        self._outlet.opened(tether.settings)
        await self.prewarm()

    async def _start_tether(self) -> Tether:
        tether = self._open_tether()
        tether.on_migrate = self._tell_migrating
        try:
            await tether.start()
            async with tether.watch.listing():
                self._entries = await asyncio.to_thread(tether.catalog.list)
            self._listen(tether)
        except BaseException:  # a cancelled start is none as well, and must give the data folder back
            await tether.close()
            raise
        return tether

    def _tell_migrating(self, stop: Callable[[], None]) -> None:
        self._stop_migration = stop
        if self._stop.is_set():
            stop()
        self._loop.call_soon_threadsafe(self._outlet.migrating)

    def _listen(self, tether: Tether) -> None:
        tether.pool.subscribe(self._mark_models_changed)
        tether.watch.subscribe(self._relist)
        tether.servers.subscribe(self._relist)
        tether.sessions.subscribe(self._follower.on_news)
        tether.temporary.subscribe(self._follower.on_temporary_news)
        tether.toolbox.on_change.append(self._mark_tools_changed)
        tether.port.on_change.append(lambda: self._outlet.port(tether.port.url or ""))

    def _mark_models_changed(self, *_: object) -> None:
        self._models_changed = True
        self._schedule_flush()

    def _mark_tools_changed(self) -> None:
        self._tools_changed = True
        self._schedule_flush()

    def _relist(self) -> None:
        """List the models anew, because something in their folders or on the servers has changed."""
        self._relisting = self._loop.create_task(self._list_models(self._tether.result()))

    def _schedule_flush(self) -> None:
        if self._frame is None:
            self._frame = self._loop.call_later(FRAME_S, self._flush)

    def _flush(self) -> None:
        if self._frame is not None:
            self._frame.cancel()
            self._frame = None
        self._follower.hand_over(self._outlet)
        if self._install_progress is not None:
            self._outlet.install_progress(self._install_progress)
            self._install_progress = None
        if self._models_changed:
            self._models_changed = False
            self._outlet.models(self._statuses())
        if self._tools_changed:
            self._tools_changed = False
            self._outlet.tools(tools_snapshot(self._tether.result()))

    def _statuses(self) -> list[ModelStatus]:
        states = self._tether.result().pool.states()
        listed = [
            model_status(entry, states.get(entry.name), self._fits.get(entry.name, "")) for entry in self._entries
        ]
        names = {entry.name for entry in self._entries}
        return listed + [gone_status(name, state) for name, state in states.items() if name not in names and state.info]

    async def _close(self) -> None:
        self._stop_migration()
        if self._opening is not None and not self._opening.done():
            await asyncio.wait([self._opening], timeout=CLOSE_TIMEOUT_S)
        if self._tether.done() and self._tether.exception() is None:
            try:
                await self._tether.result().close()
            except Exception:  # closing goes on; there is nobody left to tell but the log
                logger.exception("Tether did not close cleanly")
        if self._relisting is not None:
            await asyncio.wait([self._relisting], timeout=CLOSE_TIMEOUT_S)
        await self._follower.wait(CLOSE_TIMEOUT_S)
        self._flush()
