"""What a person waits for in the window: chats to be listed, found and opened; and what it costs while idle."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from benchmarks.history_build import HistoryBuilder
from benchmarks.report import Cell, Report, Table, machine
from tests.helpers.gui import open_window, until
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.context.database import Database
from tether_desktop.ui.look import theme
from tether_desktop.ui.main_window import MainWindow

SESSIONS = 10_000
MESSAGES = 2_000
CHATS = 20
IDLE_S = 5.0
NOTES = (
    f"With {SESSIONS:,} chats in the database; chats that are opened have {MESSAGES:,} messages. Medians of the runs;",
    "every run is a process of its own. Painting is part of each figure.",
    "Targets: listing and every key of a search < 50 ms, switching < 80 ms, settings < 100 ms, idle CPU 0 and no timer",
    "that runs, memory after all turns within 5 % of what it was after a fifth of them.",
)

Figures = dict[str, float]


def run(*, quick: bool = False) -> Report:
    """Measure a window several times; once and with fewer turns with ``quick``."""
    turns = 200 if quick else 1_000
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        long_chats = _fill(Path(folder))
        runs = [_in_a_process(Path(folder), long_chats, turns) for _ in range(1 if quick else 3)]
    rows: list[tuple[Cell, ...]] = []
    for name in runs[0]:
        values = [each[name] for each in runs]
        rows.append((name, round(statistics.median(values), 2), round(max(values), 2)))
    table = Table("The window", ("what", "median", "worst"), tuple(rows))
    return Report("window", (table,), {**machine(), "turns": turns}, NOTES)


def _fill(folder: Path) -> list[str]:
    """A data folder with many chats, two of them long, and a model; returns the ids of the long ones."""
    (folder / "data").mkdir()
    write_scripted_model(folder / "dist", replies=[{"match": ".", "steps": ["Some words ", "of an answer."]}])
    database = Database(f"sqlite:///{folder / 'data' / 'tether.db'}")
    builder = HistoryBuilder(database)
    sessions = builder.add_sessions(SESSIONS)
    for session_id in sessions[:2]:
        builder.add_branch(session_id, MESSAGES)
    database.close()
    return sessions[:2]


def _in_a_process(folder: Path, long_chats: list[str], turns: int) -> Figures:
    own = {"TETHER_DATA_DIR": str(folder / "data"), "MLC_DIST_PATH": str(folder / "dist")}
    command = [sys.executable, "-m", "benchmarks.window", *long_chats, str(turns)]
    done = subprocess.run(command, stdout=subprocess.PIPE, env={**os.environ, **own}, check=True)
    figures: Figures = json.loads(done.stdout)
    return figures


async def _measure(long_chats: list[str], turns: int) -> Figures:
    figures: Figures = {}
    async with open_window() as window:
        await _settle()
        figures |= await _lists(window)
        figures |= await _switching(window, long_chats)
        figures |= await _settings(window)
        figures |= await _idle()
        figures |= await _turns(window, turns)
    return figures


async def _lists(window: MainWindow) -> Figures:
    records = window.sidebar.model.sessions()
    listed = _timed(lambda: window.sidebar.model.set_sessions(records))
    keys = []
    for text in ("t", "ta", "tan", "tan ", "tan t", "tan ta", ""):
        keys.append(_timed(partial(window.sidebar.search.setText, text)))
        await _settle()
    return {"list ms": listed, "key of a search ms": statistics.median(keys), "slowest key ms": max(keys)}


async def _switching(window: MainWindow, long_chats: list[str]) -> Figures:
    cold = [await _opening(window, each) for each in long_chats]
    warm = [await _opening(window, each) for each in long_chats * 3]
    return {"open a chat ms": statistics.median(cold), "switch to a chat ms": statistics.median(warm)}


async def _settings(window: MainWindow) -> Figures:
    took = []
    for _ in range(3):
        took.append(_timed(window.open_settings))
        dialog = window.settings.dialog
        assert dialog is not None
        dialog.reject()
        await _settle()
    return {"first settings ms": took[0], "settings ms": statistics.median(took[1:])}


async def _idle() -> Figures:
    await asyncio.sleep(1)
    process = psutil.Process()
    before = process.cpu_times()
    loop: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    QTimer.singleShot(int(IDLE_S * 1000), lambda: loop.set_result(None))
    await loop
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return {"idle CPU %": spent / IDLE_S * 100, "timers that run": float(_timers())}


async def _turns(window: MainWindow, turns: int) -> Figures:
    process, early = psutil.Process(), 0.0
    for number in range(turns):
        if number % (turns // CHATS) == 0:
            window.desk.new()
        await _ask(window, f"Question {number}")
        if number == turns // 5:
            early = process.memory_info().rss / 1e6
    late = process.memory_info().rss / 1e6
    return {"memory MB": late, "memory growth %": (late / early - 1) * 100}


async def _ask(window: MainWindow, question: str) -> None:
    answered = len(window.conversation.views) + 2
    window.pane.composer.set_text(question)
    window.pane.composer.button.click()
    await until(lambda: len(window.conversation.views) == answered and not window.conversation.busy)


def _timers() -> int:
    return sum(
        timer.isActive() and not timer.isSingleShot()
        for widget in QApplication.topLevelWidgets()
        for timer in widget.findChildren(QTimer)
    )


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    _paint()
    return (time.perf_counter() - start) * 1000


async def _opening(window: MainWindow, session_id: str) -> float:
    start = time.perf_counter()
    await window.desk.open_now(session_id)
    _paint()
    return (time.perf_counter() - start) * 1000


def _paint() -> None:
    QApplication.sendPostedEvents()
    for widget in QApplication.topLevelWidgets():
        if widget.isVisible():
            widget.repaint()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.01)


def main() -> None:
    """Measure once, in this process."""
    from qasync import QEventLoop

    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    theme.install(app, "light")
    with QEventLoop(app) as loop:
        print(json.dumps(loop.run_until_complete(_measure(sys.argv[1:3], int(sys.argv[3])))))


if sys.platform == "linux" and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if __name__ == "__main__":
    main()
