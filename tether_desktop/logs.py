"""The log files: what developers need to find a fault; never what was said in a conversation."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tether_desktop import paths

_FORMAT = "%(asctime)s %(levelname)s %(process)d %(threadName)s %(name)s: %(message)s"
_LARGEST = 1_000_000
_OLD_FILES = 3


def log_file() -> Path:
    """The newest log file."""
    return paths.log_dir() / "tether.log"


def start_logging(level: int = logging.INFO) -> None:
    """Write the log to its file; where that cannot be written, only warnings go to stderr."""
    handler: logging.Handler
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(log_file(), maxBytes=_LARGEST, backupCount=_OLD_FILES, encoding="utf-8")
    except OSError:
        handler = logging.StreamHandler()
        handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(capture=True)
