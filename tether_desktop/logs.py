"""The log files: what developers need to find a fault; never what was said in a conversation."""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import ExitStack
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from tether_desktop import paths

logger = logging.getLogger(__name__)

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(process)d %(threadName)s %(name)s: %(message)s"
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"
_LARGEST = 1_000_000
_OLD_FILES = 3
_CHATTY = ("alembic", "asyncio", "httpx2")
"""Packages whose everyday messages tell us nothing, or too much: addresses can hold keys."""

_started = ExitStack()


def log_file() -> Path:
    """The newest log file."""
    return paths.log_dir() / "tether.log"


def start_logging(level: int = logging.INFO, *, to_stderr: bool = False) -> None:
    """Write the log to its file, and what nobody caught as well; starting again starts afresh.

    Where the file cannot be written, warnings go to stderr.

    Args:
        level: the least important records to keep.
        to_stderr: show them in the terminal too, for debugging.
    """
    stop_logging()
    _add_handlers(to_stderr=to_stderr)
    root = logging.getLogger()
    _started.callback(root.setLevel, root.level)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    _started.callback(logging.captureWarnings, capture=False)
    _Uncaught().watch(_started)


def stop_logging() -> None:
    """Close the log files and leave everything as it was before start_logging; idempotent."""
    _started.close()


def _add_handlers(*, to_stderr: bool) -> None:
    try:
        paths.make_private_folder(log_file().parent)
        _add(RotatingFileHandler(log_file(), maxBytes=_LARGEST, backupCount=_OLD_FILES, encoding="utf-8"))
    except OSError as error:
        _add(logging.StreamHandler(), logging.NOTSET if to_stderr else logging.WARNING)
        logger.warning("The log cannot be written to %s: %s", log_file(), error.strerror)
    else:
        if to_stderr:
            _add(logging.StreamHandler())


def _add(handler: logging.Handler, level: int = logging.NOTSET) -> None:
    formatter = logging.Formatter(_FORMAT, _TIME_FORMAT)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.setLevel(level)
    root = logging.getLogger()
    root.addHandler(handler)
    _started.callback(handler.close)
    _started.callback(root.removeHandler, handler)


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
