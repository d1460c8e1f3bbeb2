"""What is in the log, and what never is."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import stat
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.processes import running
from tests.helpers.rooms import open_rooms
from tether_desktop import logs, paths
from tether_desktop.events import Done
from tether_desktop.logs import log_file, of_request, request_id, start_logging, stop_logging

logger = logging.getLogger("tether_desktop.somewhere")


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    yield
    stop_logging()


def logged() -> str:
    return log_file().read_text(encoding="utf-8")


def failing() -> None:
    raise ZeroDivisionError("on purpose")


def test_the_log_tells_time_in_utc_place_and_message() -> None:
    start_logging()
    logger.info("Loaded %s", "a model")
    (line,) = logged().splitlines()
    assert line.endswith("MainThread tether_desktop.somewhere: Loaded a model")
    assert line[:24].endswith("Z")
    assert " INFO " in line


def test_the_level_decides_what_is_kept() -> None:
    start_logging(logging.WARNING)
    logger.info("small talk")
    logger.warning("news")
    assert "small talk" not in logged()
    assert "news" in logged()
    start_logging(logging.DEBUG)
    logger.debug("details")
    assert "details" in logged()


def test_starting_twice_writes_each_line_once() -> None:
    start_logging()
    start_logging()
    logger.info("once")
    assert logged().count("once") == 1


def test_stopping_leaves_everything_as_it_was() -> None:
    root = logging.getLogger()

    def state() -> tuple[object, ...]:
        return sys.excepthook, threading.excepthook, sys.unraisablehook, root.level, *root.handlers

    before = state()
    start_logging(logging.DEBUG, to_stderr=True)
    assert state() != before
    stop_logging()
    stop_logging()
    assert state() == before


def test_old_log_files_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_LARGEST", 500)
    start_logging()
    for number in range(100):
        logger.info("line %d", number)
    files = sorted(file.name for file in paths.log_dir().iterdir())
    assert files == ["tether.log", "tether.log.1", "tether.log.2", "tether.log.3"]
    assert "line 99" in logged()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists instead of modes")
def test_only_its_owner_may_look_into_the_log_folder() -> None:
    start_logging()
    assert stat.S_IMODE(paths.log_dir().stat().st_mode) == 0o700


def test_a_terminal_sees_the_log_only_when_it_asks(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging()
    logger.error("for the file")
    start_logging(logging.DEBUG, to_stderr=True)
    logger.debug("for both")
    shown = capsys.readouterr().err
    assert "for the file" not in shown
    assert "for both" in shown
    assert "for both" in logged()


def test_where_no_file_can_be_written_warnings_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    paths.log_dir().parent.mkdir(parents=True, exist_ok=True)
    paths.log_dir().touch()
    start_logging()
    logger.info("small talk")
    logger.warning("news")
    shown = capsys.readouterr().err
    assert f"The log cannot be written to {log_file()}" in shown
    assert "news" in shown
    assert "small talk" not in shown


@pytest.mark.parametrize(
    ("chosen", "kept"), [("debug", "details small news"), ("WARNING", "news"), ("loud", "small news")]
)
def test_the_environment_decides_what_is_kept(monkeypatch: pytest.MonkeyPatch, chosen: str, kept: str) -> None:
    monkeypatch.setenv("TETHER_LOG_LEVEL", chosen)
    start_logging()
    logger.debug("details")
    logger.info("small")
    logger.warning("news")
    said = [line.rsplit(" ", 1)[1] for line in logged().splitlines() if "somewhere" in line]
    assert " ".join(said) == kept


@pytest.mark.parametrize("name", ["TETHER_LOG_LEVEL", "TETHER_LOG_FORMAT"])
def test_a_choice_that_there_is_not_is_told_in_the_log(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "loud")
    start_logging()
    (line,) = logged().splitlines()
    assert f"{name} is 'loud', but has to be one of" in line


def test_as_json_every_line_is_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_LOG_FORMAT", "json")
    start_logging()
    with of_request("abc"):
        logger.info("Two\nlines of %s \ud83d", "größe", extra={"facts": {"status": 200}})
    try:
        failing()
    except ZeroDivisionError:
        logger.exception("It failed")
    first, second = map(json.loads, logged().splitlines())
    assert first.pop("time")[10:] > "T"
    assert first.pop("process")
    assert first == {
        "level": "info",
        "logger": "tether_desktop.somewhere",
        "message": "Two\nlines of größe \ud83d",
        "thread": "MainThread",
        "request_id": "abc",
        "status": 200,
    }
    assert "in failing" in second["exception"]
    assert "request_id" not in second


def test_collectors_of_stderr_get_the_same_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TETHER_LOG_STDERR", "on")
    start_logging()
    logger.info("for both")
    assert capsys.readouterr().err == logged()


async def test_the_lines_of_a_request_have_its_id_in_tasks_and_threads_too() -> None:
    async def task() -> None:
        logger.info("in a task")
        await asyncio.to_thread(logger.info, "in a thread")

    start_logging()
    logger.info("before")
    with of_request("abc"):
        assert request_id() == "abc"
        await asyncio.create_task(task())
    logger.info("after")
    said = [line.split("somewhere: ")[1] for line in logged().splitlines()]
    assert said == ["before", "[abc] in a task", "[abc] in a thread", "after"]


async def test_what_a_task_logs_after_its_request_belongs_to_none() -> None:
    over = asyncio.Event()

    async def engine() -> None:
        await over.wait()
        logger.info("long after")

    start_logging()
    with of_request("abc"):
        task = asyncio.create_task(engine())
    over.set()
    await task
    assert logged().endswith("somewhere: long after\n")


@pytest.mark.parametrize("name", ["uvicorn.access", "uvicorn.error", "httpx", "httpx2", "httpcore"])
def test_addresses_that_libraries_tell_of_are_not_logged_at_any_level(name: str) -> None:
    start_logging(logging.DEBUG)
    logging.getLogger(name).info("GET /?token=secret")
    assert "secret" not in logged()


def test_warnings_go_to_the_log() -> None:
    start_logging()
    with warnings.catch_warnings(action="always"):
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("this will be gone", FutureWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "this will be gone" in logged()


def test_an_exception_in_a_thread_is_logged_with_its_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    start_logging()
    thread = threading.Thread(target=failing, name="a busy thread")
    thread.start()
    thread.join()
    assert "not caught in a busy thread" in logged()
    assert "in failing" in logged()
    shown = capsys.readouterr().err
    assert shown == f"Something went wrong inside Tether. The log has the details: {log_file()}\n"


def test_hooks_that_somebody_else_has_set_are_called_too(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []
    for module, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(module, name, lambda *arguments: heard.append(arguments[0]))
    start_logging()
    error = ZeroDivisionError("on purpose")
    sys.excepthook(ZeroDivisionError, error, None)
    thread = threading.Thread(target=failing)
    thread.start()
    thread.join()
    fail_in_finalizer()
    assert heard[0] is ZeroDivisionError
    assert len(heard) == 3
    assert "An exception could not be raised" in logged()


def fail_in_finalizer() -> None:
    class Stubborn:
        def __del__(self) -> None:
            failing()

    Stubborn()
    gc.collect()


def test_what_a_task_leaves_behind_is_logged_with_its_traceback() -> None:
    async def main() -> None:
        async def task() -> None:
            failing()

        running_task = asyncio.ensure_future(task())
        await asyncio.sleep(0)
        del running_task
        gc.collect()

    start_logging()
    asyncio.run(main())
    assert "never retrieved" in logged()
    assert "in failing" in logged()


CRASH = """
from tether_desktop.logs import start_logging
start_logging()
def failing():
    raise ZeroDivisionError("on purpose")
failing()
"""


def test_a_program_that_crashes_shows_no_traceback_but_logs_it(capfd: pytest.CaptureFixture[str]) -> None:
    with running(CRASH) as process:
        assert process.wait() == 1
    assert capfd.readouterr().err == f"Something went wrong inside Tether. The log has the details: {log_file()}\n"
    assert "CRITICAL" in logged()
    assert "in failing" in logged()


STOPPED = """
import sys
from tether_desktop.logs import start_logging
start_logging()
sys.stderr = None
try:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    sys.excepthook(ZeroDivisionError, ZeroDivisionError(), None)
finally:
    print("alive")
"""


def test_a_program_without_a_console_logs_too_and_an_interrupt_is_no_fault() -> None:
    with running(STOPPED) as process:
        assert process.communicate()[0] == "alive\n"
    assert "ZeroDivisionError" in logged()
    assert "KeyboardInterrupt" not in logged()


REPLIES = ["my confidential answer", {"steps": ["confidential", {"bug": "out of tune"}]}]


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
async def test_what_is_said_in_a_conversation_is_never_logged(tmp_path: Path, level: int) -> None:
    start_logging(level)
    async with open_rooms(tmp_path, replies=REPLIES) as rooms:
        session = await rooms.sessions.create("a discreet title")
        _, events = await rooms.ask("a delicate question", session.id)
        assert isinstance(events[-1], Done)
        await rooms.sessions.rename(session.id, "a discreet name")
        await rooms.ask("a second delicate question", session.id)
        await rooms.sessions.erase(session.id)
    assert "out of tune" in logged()
    for word in ("delicate", "confidential", "discreet"):
        assert word not in logged()
