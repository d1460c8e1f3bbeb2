"""The engine worker: the thread that runs the core, and the only crossing between it and the window."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QThread, Signal

from tether_desktop.errors import TetherError
from tether_desktop.ui.error_words import put_in_words

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

    from tether_desktop.app import Tether
    from tether_desktop.protocol.turn import Turn
    from tether_desktop.settings import Settings
    from tether_desktop.ui.models.installation import Installed
    from tether_desktop.ui.worker.started_turn import StartedTurn
    from tether_desktop.ui.worker.worker_loop import WorkerLoop

T = TypeVar("T")
logger = logging.getLogger(__name__)

STOP_TIMEOUT_MS = 20_000
"""How long :meth:`EngineWorker.stop` waits for engines and the database to close."""


class WorkerStopped(TetherError):
    """Something was asked of the worker after it had stopped."""

    code = "stopped"

    def __init__(self) -> None:
        super().__init__("Tether is closing", "Nothing new can be started while it closes.")


class _Thread(QThread):
    """Runs one function; a QThread so that Qt knows it and posts its signals across."""

    def __init__(self, target: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._target = target

    def run(self) -> None:
        self._target()


class EngineWorker(QObject):
    """Runs Tether in an asyncio loop of its own thread, for a window that must never wait.

    Every signal is emitted in the worker's thread: connect bound methods of QObjects that live in
    the GUI thread, and nothing else, so that Qt posts the call across.

    Signals:
        opened(Settings): Tether is open; models_changed came just before.
        migrating(): chats of an older version are being brought up to date, which may take minutes.
        failed(TetherError): it could not be opened; :meth:`retry` tries again.
        sessions_changed(SessionsNews): what became of sessions, whichever client has done it.
        chat_read(ReadChat): answers :meth:`read_chat`, and comes before it returns.
        turn_started(StartedTurn): somebody has begun a turn; comes before its first events.
        events_ready(session_id, reply_id, events): the events of one frame, in order.
        models_changed(list[ModelStatus]): all models, usable or not.
        tools_changed(ToolsSnapshot): all tools, and where they are from.
        port_changed(url): the local port was opened there, or closed when it is empty.
        install_progressed(InstallProgress): a model is being added or prepared.
        install_checked(Checked): what it will be is known.
        garbage_due(): there is much garbage, which only the GUI thread may collect.
        finished(): the thread has ended.
    """

    opened = Signal(object)
    migrating = Signal()
    failed = Signal(object)
    sessions_changed = Signal(object)
    chat_read = Signal(object)
    turn_started = Signal(object)
    events_ready = Signal(str, str, object)
    models_changed = Signal(object)
    tools_changed = Signal(object)
    port_changed = Signal(str)
    install_progressed = Signal(object)
    install_checked = Signal(object)
    garbage_due = Signal()
    finished = Signal()

    def __init__(self, open_tether: Callable[[], Tether], parent: QObject | None = None) -> None:
        """Prepare; ``open_tether`` is called in the worker's threads, so heavy imports belong into it."""
        super().__init__(parent)
        self._open_tether = open_tether
        self._thread = _Thread(self._run, self)
        self._thread.finished.connect(self.finished)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._core: WorkerLoop | None = None
        self._submitting = threading.Lock()
        self._submitted: dict[Future[Any], Coroutine[Any, Any, Any]] = {}

    def start(self) -> None:
        """Start the thread; returns at once."""
        # Imported here and below, since the first frame of the window must not wait for asyncio.
        import asyncio

        from tether_desktop.ui.worker.worker_loop import Outlet, WorkerLoop

        outlet = Outlet(
            opened=self.opened.emit,
            migrating=self.migrating.emit,
            failed=self._tell_failure,
            sessions=self.sessions_changed.emit,
            chat=self.chat_read.emit,
            turn_started=self.turn_started.emit,
            events=self.events_ready.emit,
            models=self.models_changed.emit,
            tools=self.tools_changed.emit,
            port=self.port_changed.emit,
            install_progress=self.install_progressed.emit,
            install_checked=self.install_checked.emit,
            garbage=self.garbage_due.emit,
        )
        self._loop = asyncio.new_event_loop()
        self._core = WorkerLoop(self._loop, self._open_tether, outlet)
        self._thread.start()

    def retry(self) -> None:
        """Try to open Tether again after ``failed``."""
        loop, core = self._parts()
        loop.call_soon_threadsafe(core.open)

    def run_aside(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run what needs no Tether in a thread; await the result in the GUI's loop.

        Raises:
            TetherError: (when awaited) ``work`` raised it.
        """

        async def call(_core: WorkerLoop) -> T:
            import asyncio

            return await asyncio.to_thread(work)

        return self._submit(call)

    def request_stop(self) -> None:
        """Begin to close, without waiting: ``finished`` tells when it is done."""
        if self._loop is None or self._core is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped already
            self._loop.call_soon_threadsafe(self._core.stop)

    def stop(self) -> bool:
        """Close Tether in order and wait for the thread; False if it did not end in time.

        The worker never waits for the GUI thread (its signals are posted), so this cannot deadlock.
        """
        self.request_stop()
        return self._thread.wait(STOP_TIMEOUT_MS)

    def is_running(self) -> bool:
        """Whether the thread runs."""
        return self._thread.isRunning()

    def submit(self, make_coroutine: Callable[[Tether], Coroutine[Any, Any, T]]) -> asyncio.Future[T]:
        """Run ``make_coroutine(tether)`` in the worker; await the result in the GUI's loop.

        Waits for Tether to open. Cancelling the future cancels the coroutine.

        Raises:
            TetherError: (when awaited) Tether could not be opened, or the coroutine raised it.
        """

        async def call(core: WorkerLoop) -> T:
            return await make_coroutine(await core.tether())

        return self._submit(call)

    def run_turn(self, start: Callable[[Tether], Awaitable[Turn]]) -> asyncio.Future[StartedTurn]:
        """Start a turn; ``turn_started`` tells of it, and its events come by ``events_ready``, as of every turn."""
        return self._submit(lambda core: core.start_turn(start))

    def read_chat(self, session_id: str, *, temporary: bool = False) -> asyncio.Future[None]:
        """Read a chat; it comes by ``chat_read``, and the events of the turn that runs in it from the first one on."""
        return self._submit(lambda core: core.read_chat(session_id, temporary=temporary))

    def add_model(self, what: str) -> asyncio.Future[Installed]:
        """Add a model from wherever it is; progress comes by ``install_progressed``."""
        return self._submit(lambda core: core.add_model(what))

    def prepare_model(self, name: str) -> asyncio.Future[Installed]:
        """Make a listed model ready for this computer; progress comes by ``install_progressed``."""
        return self._submit(lambda core: core.prepare_model(name))

    def settle_installs(self) -> asyncio.Future[None]:
        """Wait until no model is being added or prepared any more."""
        return self._submit(lambda core: core.settle_installs())

    def discard_download(self, what: str) -> asyncio.Future[None]:
        """Remove what there is of a download that was stopped, or is being stopped."""
        return self._submit(lambda core: core.discard_download(what))

    def prewarm(self) -> asyncio.Future[None]:
        """Have the imports done that showing a message needs."""
        return self._submit(lambda core: core.prewarm())

    def refresh_models(self) -> asyncio.Future[None]:
        """Look at the model folders again; the answer comes by ``models_changed``."""
        return self._submit(lambda core: core.refresh_models())

    def _submit(self, make_coroutine: Callable[[WorkerLoop], Coroutine[Any, Any, T]]) -> asyncio.Future[T]:
        import asyncio

        loop, core = self._parts()
        coroutine = _in_words(make_coroutine, core)
        with self._submitting:
            try:
                future = asyncio.run_coroutine_threadsafe(coroutine, loop)
            except RuntimeError:
                coroutine.close()
                raise WorkerStopped from None
            self._submitted[future] = coroutine
        future.add_done_callback(lambda done: self._submitted.pop(done, None))
        return asyncio.wrap_future(future)

    def _tell_failure(self, error: TetherError) -> None:
        put_in_words(error)
        self.failed.emit(error)

    def _drop_submitted(self) -> None:
        """Cancel what reached the loop too late to be started, so that nobody waits for it forever."""
        with self._submitting:
            late = tuple(self._submitted.items())
        for future, coroutine in late:
            coroutine.close()
            future.cancel()

    def _parts(self) -> tuple[asyncio.AbstractEventLoop, WorkerLoop]:
        if self._loop is None or self._core is None or self._loop.is_closed():
            raise WorkerStopped
        return self._loop, self._core

    def _run(self) -> None:
        import asyncio

        loop, core = self._parts()
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(core.run())
        except Exception:  # the top of the thread: Qt aborts the program for what leaves it
            logger.exception("The worker's loop failed")
        self._drop_submitted()


async def _in_words(make_coroutine: Callable[[WorkerLoop], Coroutine[Any, Any, T]], core: WorkerLoop) -> T:
    """Do it; what a person is told of its failure is in the language of the window."""
    try:
        return await make_coroutine(core)
    except TetherError as error:
        put_in_words(error)
        raise


def open_tether(settings: Settings | None = None) -> Callable[[], Tether]:
    """How the window's worker gets its Tether: imported and built in the worker's own thread."""

    def build() -> Tether:
        from tether_desktop.app import Tether
        from tether_desktop.settings import load_settings

        return Tether(settings if settings is not None else load_settings())

    return build
