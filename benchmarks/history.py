"""How a large history feels: searching it, opening what is in it, and how large it grows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.history_build import HistoryBuilder
from benchmarks.report import Cell, Report, Table, machine
from tether_desktop.context.database import Database
from tether_desktop.context.store import Store

TARGETS = "Targets: first 20 hits under 100 ms; last page of 10,000 messages under 50 ms; size grows linearly."

_MESSAGES = 1_000_000
_SESSIONS = 10_000
_LONG_SESSION = 10_000
_STEPS = 10
_ROUNDS = 9

Row = tuple[Cell, ...]


def run(*, quick: bool) -> Report:
    """Build a history of a million messages, or of a tenth of it, and measure."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tether.db"
        database = Database(f"sqlite:///{file}")
        builder = HistoryBuilder(database)
        growth = tuple(_grow(file, builder, _MESSAGES // 10 if quick else _MESSAGES))
        (long_session,) = builder.add_sessions(1)
        builder.add_branch(long_session, _LONG_SESSION)
        database.close()
        store = Store(f"sqlite:///{file}")
        searches, openings = tuple(_searches(store, builder.vocabulary)), tuple(_openings(store, long_session))
        store.close()
    tables = (
        Table("Search: first 20 hits", ("query", "hits", "ms", "slowest ms"), searches),
        Table("Opening", ("what", "rows", "ms", "slowest ms"), openings),
        Table("Growth", ("messages", "MB", "KB a message", "added a second"), growth),
    )
    return Report("History", tables, machine(), (TARGETS,))


def _grow(file: Path, builder: HistoryBuilder, messages: int) -> Iterator[Row]:
    """Add that many messages in steps; the file's size and the time after each."""
    sessions, before, step = builder.add_sessions(_SESSIONS), file.stat().st_size, messages // _STEPS
    for number in range(1, _STEPS + 1):
        begun = time.perf_counter()
        builder.add_messages(sessions, step)
        seconds, size = time.perf_counter() - begun, file.stat().st_size
        yield step * number, size / 1e6, (size - before) / 1e3 / step, step / seconds
        before = size


def _searches(store: Store, words: Sequence[str]) -> Iterator[Row]:
    """Queries of every kind; the first of the vocabulary is in nearly every message."""
    long = next(word for word in words if len(word) >= 5)
    queries = {
        "rare word": words[20_000],
        "word of every tenth message": words[40],
        "word of nearly every message": words[0],
        "two common words": f"{words[0]} {words[1]}",
        "common and rare word": f"{words[0]} {words[20_000]}",
        "two rare words": f"{words[5_000]} {words[6_000]}",
        "beginning of one letter": words[0][0],
        "beginning of two letters": words[0][:2],
        "beginning of three letters": long[:3],
        "beginning of four letters": long[:4],
        "nothing": "nowhere",
    }
    for name, query in queries.items():
        yield name, *_timed(partial(store.search_messages, query, 20))
    for name in ("rare word", "beginning of one letter", "nothing"):
        yield f"{name}, titles too", *_timed(partial(store.search, queries[name], 20))


def _openings(store: Store, long_session: str) -> Iterator[Row]:
    last = store.history(long_session, limit=50)
    opened: dict[str, Callable[[], Sequence[object]]] = {
        "last page of a session of 10,000 messages": lambda: store.history(long_session, limit=50),
        "the page before it": lambda: store.history(long_session, limit=50, before=last[0].id),
        "all of that session": lambda: store.history(long_session),
        "first page of 10,000 sessions": lambda: store.list_sessions(limit=50),
        "all 10,000 sessions": store.list_sessions,
    }
    for name, call in opened.items():
        yield name, *_timed(call)


def _timed(call: Callable[[], Sequence[object]]) -> tuple[int, float, float]:
    """How many rows came, and the median and the longest time in ms."""
    rows, times = 0, []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        rows = len(call())
        times.append((time.perf_counter() - begun) * 1e3)
    return rows, median(times), max(times)
