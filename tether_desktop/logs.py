"""The log files: what developers need to find a fault; never what was said in a conversation."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from tether_desktop import paths

logger = logging.getLogger(__name__)

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(process)d %(threadName)s %(name)s: %(request_mark)s%(message)s"
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"
_LARGEST = 1_000_000
_OLD_FILES = 3
_CHATTY = (
    *("alembic", "asyncio", "filelock", "httpcore", "httpcore2", "httpx", "httpx2"),
    *("uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error"),
)
"""Packages whose everyday messages tell us nothing, or too much: addresses can hold keys."""

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
"""The values of TETHER_LOG_LEVEL."""
FORMATS = ("text", "json")
"""The values of TETHER_LOG_FORMAT."""

_started = ExitStack()
_request: ContextVar[_Request | None] = ContextVar("request", default=None)


def log_file() -> Path:
    """The newest log file."""
    return paths.log_dir() / "tether.log"


def start_logging(level: int | None = None, *, to_stderr: bool = False) -> None:
    """Write the log to its file, and what nobody caught as well; starting again starts afresh.

    Where the file cannot be written, warnings go to stderr. ``TETHER_LOG_FORMAT=json`` makes an object of each line,
    and ``TETHER_LOG_STDERR=on`` writes them to stderr as well, for whoever collects logs there. These are no settings,
    since the log begins before the settings are read.

    Args:
        level: the least important records to keep; None is as ``TETHER_LOG_LEVEL`` says, or INFO.
        to_stderr: show them in the terminal too, for debugging.
    """
    stop_logging()
    level = LEVELS[_chosen("TETHER_LOG_LEVEL", LEVELS, "info")] if level is None else level
    _add_handlers(to_stderr=to_stderr or _chosen("TETHER_LOG_STDERR", ("on", "off"), "off") == "on")
    root = logging.getLogger()
    _started.callback(root.setLevel, root.level)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    _started.callback(logging.captureWarnings, capture=False)
    _Uncaught().watch(_started)
    _tell_wrong_choices()


def stop_logging() -> None:
    """Close the log files and leave everything as it was before start_logging; idempotent."""
    _started.close()


@contextmanager
def of_request(request_id: str) -> Iterator[None]:
    """Mark every line that is logged inside with the request it belongs to; tasks begun inside are part of it."""
    request = _Request(request_id)
    before = _request.set(request)
    try:
        yield
    finally:
        # A task may go on for long, as that of an engine does: what it logs later belongs to no request.
        request.id = ""
        _request.reset(before)


def request_id() -> str:
    """The request that is being answered here; empty outside of one."""
    request = _request.get()
    return request.id if request else ""


class _Request:
    """A request, for as long as it has an id."""

    __slots__ = ("id",)

    def __init__(self, request_id: str) -> None:
        self.id = request_id


def _chosen(name: str, choices: Collection[str], default: str) -> str:
    """What an environment variable chooses; the default where it is none of the choices."""
    value = os.environ.get(name, "").strip().lower()
    return value if value in choices else default


def _tell_wrong_choices() -> None:
    for name, choices in (("TETHER_LOG_LEVEL", LEVELS), ("TETHER_LOG_FORMAT", FORMATS)):
        value = os.environ.get(name, "")
        if value and value.strip().lower() not in choices:
            logger.warning("%s is %.40r, but has to be one of %s", name, value, ", ".join(choices))


def _add_handlers(*, to_stderr: bool) -> None:
    try:
        paths.make_private_folder(log_file().parent)
        _add(_LogFile(log_file(), maxBytes=_LARGEST, backupCount=_OLD_FILES, encoding="utf-8"))
    except OSError as error:
        _add(logging.StreamHandler(), logging.NOTSET if to_stderr else logging.WARNING)
        logger.warning("The log cannot be written to %s: %s", log_file(), error.strerror)
    else:
        if to_stderr:
            _add(logging.StreamHandler())


def _add(handler: logging.Handler, level: int = logging.NOTSET) -> None:
    kind = _JsonLines if _chosen("TETHER_LOG_FORMAT", FORMATS, "text") == "json" else _TextLines
    formatter = kind(_FORMAT, _TIME_FORMAT)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.setLevel(level)
    root = logging.getLogger()
    root.addHandler(handler)
    _started.callback(handler.close)
    _started.callback(root.removeHandler, handler)


class _LogFile(RotatingFileHandler):
    """Begins another file after the line that makes this one too large: Python's own one formats each line twice."""

    def shouldRollover(self, _record: logging.LogRecord) -> int:  # noqa: N802  logging's own name
        return self.stream is not None and self.stream.tell() >= self.maxBytes


class _TextLines(logging.Formatter):
    """Lines for people, with the request that they belong to."""

    def format(self, record: logging.LogRecord) -> str:
        request = request_id()
        record.request_mark = f"[{request}] " if request else ""
        return super().format(record)


class _JsonLines(logging.Formatter):
    """One JSON object for each record; what it has as ``facts`` are fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{self.formatTime(record, _TIME_FORMAT)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            "thread": record.threadName,
        }
        if request := request_id():
            line["request_id"] = request
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "facts", {}), default=str)


class _Uncaught:
    """Logs the exceptions that nobody caught.

    Python's own hooks would print a traceback at people; hooks that somebody else has set are called as well.
    Asyncio needs none of this: its loops log what their tasks leave behind.
    """

    def __init__(self) -> None:
        self._before = sys.excepthook, threading.excepthook, sys.unraisablehook

    def watch(self, until: ExitStack) -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = self.in_main, self.in_thread, self.in_finalizer
        until.callback(self._restore)

    def _restore(self) -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before

    def in_main(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        _log_fault("An exception was not caught", error)
        if self._before[0] is not sys.__excepthook__:
            self._before[0](kind, error, traceback)

    def in_thread(self, uncaught: threading.ExceptHookArgs) -> None:
        name = uncaught.thread.name if uncaught.thread else "a thread"
        _log_fault(f"An exception was not caught in {name}", uncaught.exc_value)
        if self._before[1] is not threading.__excepthook__:
            self._before[1](uncaught)

    def in_finalizer(self, uncaught: sys.UnraisableHookArgs) -> None:
        logger.error("An exception could not be raised", exc_info=uncaught.exc_value)
        if self._before[2] is not sys.__unraisablehook__:
            self._before[2](uncaught)


def _log_fault(what: str, error: BaseException | None) -> None:
    logger.critical(what, exc_info=error)
    # A program without a console has no stderr.
    if sys.stderr is not None:
        sys.stderr.write(f"Something went wrong inside Tether. The log has the details: {log_file()}\n")
