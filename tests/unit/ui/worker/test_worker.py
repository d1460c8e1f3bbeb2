"""The engine worker: results and errors cross threads, events come in order, stopping leaves nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QObject, Slot

from tests.helpers.gui import Recorder, in_gui_loop, until
from tests.helpers.installations import CHECKED, MAPPINGS
from tether_desktop.context.records import SessionRecord
from tether_desktop.errors import StoreBusy, TetherError
from tether_desktop.events import Done, ErrorEvent, Event, Token
from tether_desktop.messages import Timings, Usage
from tether_desktop.model.install.compile_job import BuildReport
from tether_desktop.model.install.progress import InstallProgress, OnInstallProgress, OnNews
from tether_desktop.protocol.news import BranchChanged, NewsDesk, SessionChanged, SessionGone, TurnStarted
from tether_desktop.ui.models.installation import Installed
from tether_desktop.ui.worker.session_news import ReadChat, SessionsNews
from tether_desktop.ui.worker.started_turn import StartedTurn
from tether_desktop.ui.worker.worker import EngineWorker, WorkerStopped

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DONE = Done("stop", Usage(), Timings())


class FakeTether:
    """As little of Tether as the worker touches, telling in which thread it was used."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.settings = SimpleNamespace(context_window=0)
        self.catalog = SimpleNamespace(list=list)
        self.pool = SimpleNamespace(subscribe=lambda callback: None, states=dict)
        self.watch = SimpleNamespace(subscribe=lambda callback: None, listing=nullcontext)
        self.servers = SimpleNamespace(subscribe=lambda callback: None, look=lambda: None)
        self.toolbox = SimpleNamespace(on_change=[], entries=tuple, problems=tuple)
        self.own_tools = SimpleNamespace(files=tuple)
        self.mcp = SimpleNamespace(servers=tuple, problem=None)
        self.installer = GatedInstaller()
        self.sessions = FakeSessions()
        self.temporary = FakeSessions()
        self.port = SimpleNamespace(on_change=[], url=None)
        self.closed = False

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True


class FakeSessions(NewsDesk):
    """Tells news of sessions, and reads histories at a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.turn: FakeTurn | None = None
        self.reading = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    def start(self, turn: FakeTurn) -> FakeTurn:
        self.turn = turn
        self.tell(TurnStarted(turn))  # type: ignore[arg-type]
        return turn

    def running(self, _session_id: str) -> FakeTurn | None:
        return self.turn

    async def history(self, _session_id: str) -> list[Any]:
        self.reading.set()
        await self.gate.wait()
        return []


class GatedInstaller:
    """Tells its progress very often, then waits until it is cancelled or let through."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.log: list[str] = []

    async def add(self, what: str, *, on_progress: OnInstallProgress, on_news: OnNews) -> str:
        self.log.append(f"{what} begins")
        try:
            for number in range(1000):
                on_progress(InstallProgress("downloading", number / 1000))
            on_news(CHECKED)
            await self.gate.wait()
        finally:
            await asyncio.sleep(0)
            self.log.append(f"{what} ends")
        on_news(BuildReport(Path("a.so"), compiled=True, mappings=MAPPINGS))
        return what

    async def compile(self, name: str, *, on_progress: OnInstallProgress, on_news: OnNews) -> str:
        self.log.append(f"{name} is compiled")
        return name


@dataclass(eq=False)
class FakeTurn:
    """A turn with given events, one per loop iteration; None raises. It can stop until it may go on."""

    session_id: str
    given: list[Event | None]
    name: str = ""
    stops_after: int = -1
    question: None = None
    continues: bool = False
    read: asyncio.Event = field(default_factory=asyncio.Event)
    going_on: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def reply(self) -> Any:
        return SimpleNamespace(id=self.name or f"reply of {self.session_id}", parent_id=None)

    async def events(self) -> AsyncIterator[Event]:
        for number, event in enumerate(self.given):
            await (self.going_on.wait() if number == self.stops_after else asyncio.sleep(0))
            if event is None:
                raise RuntimeError("a bug")
            yield event
        self.read.set()


def session(session_id: str, title: str) -> SessionRecord:
    return SessionRecord(session_id, title, "", None, NOW, NOW)


class Opener:
    """Opens fake Tethers, after failing as often as told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.opened: list[FakeTether] = []

    def __call__(self) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        self.opened.append(FakeTether())
        return self.opened[-1]


class ThreadRecorder(QObject):
    """Notes in which thread ``opened`` arrives."""

    def __init__(self, worker: EngineWorker) -> None:
        super().__init__()
        self.threads: list[int] = []
        worker.opened.connect(self.take)

    @Slot(object)
    def take(self, _: object) -> None:
        self.threads.append(threading.get_ident())


class Order(QObject):
    """Notes in which order chats, turns and events arrive."""

    def __init__(self, worker: EngineWorker, log: list[object]) -> None:
        super().__init__()
        self._log = log
        worker.chat_read.connect(self.take_chat)
        worker.turn_started.connect(self.take_turn)
        worker.events_ready.connect(self.take_events)

    @Slot(object)
    def take_chat(self, read: ReadChat) -> None:
        self._log.append(f"read, in the middle of {read.turn.reply.id}" if read.turn else "read")

    @Slot(object)
    def take_turn(self, turn: StartedTurn) -> None:
        self._log.append(turn.reply.id)

    @Slot(str, str, object)
    def take_events(self, _session_id: str, _reply_id: str, events: list[Event]) -> None:
        self._log.append(events)


@in_gui_loop
async def test_a_coroutine_runs_in_the_worker_and_its_result_comes_back() -> None:
    opener = Opener()
    worker = EngineWorker(opener)
    worker.start()

    async def where(tether: Any) -> tuple[int, bool]:
        return threading.get_ident(), tether is opener.opened[0]

    thread, same = await worker.submit(where)
    assert thread == opener.opened[0].thread != threading.get_ident()
    assert same
    assert worker.stop()
    assert opener.opened[0].closed


@in_gui_loop
async def test_errors_come_back_as_exceptions() -> None:
    worker = EngineWorker(Opener())
    worker.start()

    async def fail(_: Any) -> None:
        raise StoreBusy("Busy", "Somebody else.", "Wait.")

    with pytest.raises(StoreBusy, match="Somebody else"):
        await worker.submit(fail)
    assert worker.stop()


@in_gui_loop
async def test_cancelling_the_future_cancels_the_coroutine() -> None:
    worker = EngineWorker(Opener())
    worker.start()
    began, ended = threading.Event(), threading.Event()

    async def wait(_: Any) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    future = worker.submit(wait)
    await until(began.is_set)
    future.cancel()
    await until(ended.is_set)
    assert worker.stop()


@in_gui_loop
async def test_every_event_comes_in_order_after_the_turn_began_and_in_few_signals() -> None:
    worker = EngineWorker(Opener())
    started, batches = Recorder(worker.turn_started), Recorder(worker.events_ready)
    worker.start()
    tokens: list[Event | None] = [Token(str(number)) for number in range(2000)]

    async def start(tether: Any) -> Any:
        return tether.sessions.start(FakeTurn("s", [*tokens, DONE]))

    turn = await worker.run_turn(start)
    assert turn.session_id == "s"
    await until(lambda: batches.calls and batches.calls[-1][2][-1] == DONE)
    assert [(call[0].session_id, call[0].asked_here) for call in started.calls] == [("s", True)]
    assert [event for call in batches.calls for event in call[2]] == [*tokens, DONE]
    assert all(call[:2] == ("s", "reply of s") for call in batches.calls)
    assert len(batches.calls) < 200
    assert worker.stop()


@in_gui_loop
async def test_signals_arrive_in_the_gui_thread() -> None:
    worker = EngineWorker(Opener())
    recorder = ThreadRecorder(worker)
    worker.start()
    await until(lambda: recorder.threads)
    assert recorder.threads == [threading.get_ident()]
    assert worker.stop()


@in_gui_loop
async def test_two_turns_do_not_mix() -> None:
    worker = EngineWorker(Opener())
    batches = Recorder(worker.events_ready)
    worker.start()

    def starter(name: str) -> Any:
        async def start(tether: Any) -> Any:
            return tether.sessions.start(FakeTurn(name, [*(Token(name) for _ in range(50)), DONE]))

        return start

    await asyncio.gather(worker.run_turn(starter("a")), worker.run_turn(starter("b")))
    await until(lambda: sum(call[2][-1] == DONE for call in batches.calls) == 2)
    for name in ("a", "b"):
        got = [event for call in batches.calls if call[0] == name for event in call[2]]
        assert got == [*[Token(name)] * 50, DONE]
    assert worker.stop()


@in_gui_loop
async def test_a_turn_that_breaks_ends_with_an_error_event() -> None:
    worker = EngineWorker(Opener())
    batches = Recorder(worker.events_ready)
    worker.start()

    async def start(tether: Any) -> Any:
        return tether.sessions.start(FakeTurn("s", [Token("Half"), None]))

    await worker.run_turn(start)
    await until(lambda: batches.calls and isinstance(batches.calls[-1][2][-1], ErrorEvent))
    assert batches.calls[0][2][0] == Token("Half")
    assert worker.stop()


@in_gui_loop
async def test_a_turn_that_another_client_begins_is_followed_as_well() -> None:
    worker = EngineWorker(Opener())
    started, batches = Recorder(worker.turn_started), Recorder(worker.events_ready)
    worker.start()

    async def begin_elsewhere(tether: Any) -> None:
        tether.sessions.start(FakeTurn("s", [Token("Hi"), DONE]))

    await worker.submit(begin_elsewhere)
    await until(lambda: batches.calls and batches.calls[-1][2][-1] == DONE)
    assert [call[0].asked_here for call in started.calls] == [False]
    assert [event for call in batches.calls for event in call[2]] == [Token("Hi"), DONE]
    assert worker.stop()


@in_gui_loop
async def test_one_turn_after_another_in_the_same_frame_keep_their_order() -> None:
    worker = EngineWorker(Opener())
    log: list[object] = []
    worker.start()

    async def begin_elsewhere(tether: Any) -> None:
        first = tether.sessions.start(FakeTurn("s", [Token("1"), DONE], "first"))
        await first.read.wait()
        tether.sessions.start(FakeTurn("s", [Token("2"), DONE], "second"))

    order = Order(worker, log)
    await worker.submit(begin_elsewhere)
    await until(lambda: len(log) >= 4)
    assert log == ["first", [Token("1"), DONE], "second", [Token("2"), DONE]]
    order.deleteLater()
    assert worker.stop()


@in_gui_loop
async def test_news_of_sessions_come_once_per_frame_and_the_newest_counts() -> None:
    worker = EngineWorker(Opener())
    news = Recorder(worker.sessions_changed)
    worker.start()

    async def change(tether: Any) -> None:
        for number in range(1000):
            tether.sessions.tell(SessionChanged(session("a", str(number))))
        tether.sessions.tell(SessionChanged(session("b", "gone soon")))
        tether.sessions.tell(BranchChanged("b"))
        tether.sessions.tell(SessionGone("b"))
        tether.sessions.tell(BranchChanged("a"))

    await worker.submit(change)
    await until(lambda: news.calls)
    assert news.calls == [(SessionsNews((session("a", "999"),), ("b",), ("a",)),)]
    assert worker.stop()


@in_gui_loop
async def test_a_chat_that_is_read_in_the_middle_of_a_turn_gets_its_events_from_the_first_one_on_and_each_once() -> (
    None
):
    worker = EngineWorker(Opener())
    log: list[object] = []
    worker.start()
    order = Order(worker, log)
    turn: list[FakeTurn] = []

    async def begin_elsewhere(tether: Any) -> None:
        turn.append(tether.sessions.start(FakeTurn("s", [Token("1"), Token("2"), Token("3"), DONE], stops_after=2)))

    await worker.submit(begin_elsewhere)
    await until(lambda: log == ["reply of s", [Token("1"), Token("2")]])
    log.clear()
    await worker.read_chat("s")
    assert log == ["read, in the middle of reply of s"]
    await until(lambda: log[1:] == [[Token("1"), Token("2")]])

    async def go_on(_: Any) -> None:
        turn[0].going_on.set()

    await worker.submit(go_on)
    await until(lambda: log[2:] == [[Token("3"), DONE]])
    order.deleteLater()
    assert worker.stop()


@in_gui_loop
async def test_a_turn_that_begins_while_a_chat_is_read_makes_it_be_read_again() -> None:
    opener = Opener()
    worker = EngineWorker(opener)
    log: list[object] = []
    worker.start()
    order = Order(worker, log)

    async def close_gate(tether: Any) -> None:
        tether.sessions.gate.clear()

    async def begin_elsewhere(tether: Any) -> None:
        await tether.sessions.reading.wait()
        tether.sessions.start(FakeTurn("s", [DONE]))
        tether.sessions.gate.set()

    await worker.submit(close_gate)
    await asyncio.gather(worker.read_chat("s"), worker.submit(begin_elsewhere))
    assert "read, in the middle of reply of s" in log
    await until(lambda: log[-1] == [DONE])
    order.deleteLater()
    assert worker.stop()


@in_gui_loop
async def test_opening_that_fails_is_told_and_can_be_tried_again() -> None:
    worker = EngineWorker(Opener(StoreBusy("Busy", "Somebody else.", "Wait."), RuntimeError("a bug")))
    failed, opened = Recorder(worker.failed), Recorder(worker.opened)
    worker.start()
    await until(lambda: len(failed.calls) == 1)
    assert isinstance(failed.calls[0][0], StoreBusy)

    async def nothing(_: Any) -> None:
        return None

    with pytest.raises(StoreBusy):
        await worker.submit(nothing)
    worker.retry()
    await until(lambda: len(failed.calls) == 2)
    assert type(failed.calls[1][0]) is TetherError
    assert "a bug" in failed.calls[1][0].message
    worker.retry()
    await until(lambda: opened.calls)
    await worker.submit(nothing)
    assert worker.stop()


@in_gui_loop
async def test_a_stopped_worker_refuses_work_and_can_be_stopped_again() -> None:
    worker = EngineWorker(Opener())
    assert worker.stop(), "it was never started"
    worker.start()
    assert worker.stop()
    assert worker.stop()
    assert not worker.is_running()

    async def nothing(_: Any) -> None:
        return None

    with pytest.raises(WorkerStopped):
        await worker.submit(nothing)


@in_gui_loop
async def test_stopping_cancels_what_still_waits() -> None:
    worker = EngineWorker(Opener())
    finished = Recorder(worker.finished)
    worker.start()
    began = threading.Event()

    async def wait(_: Any) -> None:
        began.set()
        await asyncio.Event().wait()

    future = worker.submit(wait)
    await until(began.is_set)
    assert worker.stop()
    with pytest.raises(asyncio.CancelledError):
        await future
    await until(lambda: finished.calls)


@in_gui_loop
async def test_an_installation_tells_its_progress_seldom_and_at_the_end_what_became_of_the_weights() -> None:
    opener = Opener()
    worker = EngineWorker(opener)
    progress, checked, models = (
        Recorder(worker.install_progressed),
        Recorder(worker.install_checked),
        Recorder(worker.models_changed),
    )
    worker.start()
    future = worker.add_model("a")
    await until(lambda: progress.calls and checked.calls)
    assert [call[0].progress for call in progress.calls] == [0.999]
    assert checked.calls == [(CHECKED,)]
    listed = len(models.calls)

    async def let_through(tether: Any) -> None:
        tether.installer.gate.set()

    await worker.submit(let_through)
    assert await future == Installed("a", MAPPINGS)
    await until(lambda: len(models.calls) > listed)
    assert await worker.prepare_model("b") == Installed("b")
    assert worker.stop()


@in_gui_loop
async def test_the_next_installation_waits_until_a_cancelled_one_has_tidied_up() -> None:
    opener = Opener()
    worker = EngineWorker(opener)
    progress = Recorder(worker.install_progressed)
    worker.start()
    first = worker.add_model("a")
    await until(lambda: progress.calls)
    first.cancel()
    await worker.prepare_model("b")
    assert opener.opened[0].installer.log == ["a begins", "a ends", "b is compiled"]
    assert worker.stop()


@in_gui_loop
async def test_what_is_submitted_too_late_to_be_started_is_cancelled() -> None:
    worker = EngineWorker(Opener())
    worker.start()
    loop = worker._loop
    assert loop is not None
    closing, submitted, close = threading.Event(), threading.Event(), loop.close

    def close_after_submission() -> None:
        closing.set()
        submitted.wait()
        close()

    loop.close = close_after_submission  # type: ignore[method-assign]
    worker.request_stop()
    await until(closing.is_set)
    late = worker.submit(lambda _tether: asyncio.sleep(0))
    submitted.set()
    with pytest.raises(asyncio.CancelledError):
        await late
    assert worker.stop()
