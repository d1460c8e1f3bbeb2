"""How long the window takes to be shown, to be usable and to answer, and how much memory it idles with."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.history_build import HistoryBuilder
from benchmarks.report import Cell, Report, Table, machine
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.context.database import Database
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.catalog import Catalog, ModelEntry
from tether_desktop.settings import Settings

SESSIONS = 10_000
QUESTION = "Name three colours."
SETTLE_S = 2.0
LONGEST_S = 60.0
NOTES = (
    "From the start of the process; medians of interleaved runs, files in the page cache.",
    "Targets: shown within 3 times of the bare window, GUI process idle under 150 MB, engine under weights + 120 MB.",
    "Memory is the resident set: for the engine it includes the pages of the weights' files that were read.",
)

BARE = """
import json, os, sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, self.note)

    def note(self):
        with open(os.environ["TETHER_TRACE_STARTUP"], "a") as file:
            file.write(json.dumps({"instant": "shown", "time": time.time()}) + "\\n")
        self.note = lambda: None
        import threading
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()

app = QApplication([])
window = Window()
window.resize(1180, 820)
window.show()
app.exec()
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One start.

    Attributes:
        instants: seconds from the start of the process, by name.
        gui_bytes, engine_bytes: resident once everything had settled; 0 for none.
    """

    instants: Mapping[str, float]
    gui_bytes: int
    engine_bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the program is started: its own data folder and the model folders."""

    folder: Path
    dist: str

    def environment(self, trace: Path) -> dict[str, str]:
        """The environment of a start that traces itself."""
        own = {
            "TETHER_DATA_DIR": str(self.folder / "data"),
            "MLC_DIST_PATH": self.dist,
            "TETHER_TRACE_STARTUP": str(trace),
        }
        if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
            own["QT_QPA_PLATFORM"] = "offscreen"
        return {**os.environ, **own}


def run(*, quick: bool = False) -> Report:
    """Measure starts; a few with ``quick``."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        model, dist = _model(Path(folder))
        place = Place(Path(folder), dist)
        _fill(Path(folder) / "data")
        _trust(model, Path(folder) / "data")
        commands = {
            "bare PySide6 window": (["-c", BARE], "shown"),
            "window, idle": (["-m", "benchmarks.startup_drive", ""], "usable"),
            "window, one answer": (["-m", "benchmarks.startup_drive", QUESTION], "first_token"),
        }
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for number in range(1 + (3 if quick else 9)):
            for name, (arguments, last) in commands.items():
                measured = _start(arguments, last, place)
                if number:  # the first start fills the caches
                    runs[name].append(measured)
    return Report("startup", (_times(runs), _memory(runs, model)), {**machine(), "model": model.name}, NOTES)


def _model(folder: Path) -> tuple[ModelEntry, str]:
    """The first model of ours that works, else a scripted one."""
    settings = Settings()
    real = [entry for entry in Catalog(settings.dist_roots).list() if entry.usable and entry.kind == "tvm"]
    if real:
        return real[0], settings.dist_path
    write_scripted_model(folder / "dist", "Scripted", replies=["An answer."] * 2, tokens_per_second=50)
    return Catalog([folder / "dist"]).list()[0], str(folder / "dist")


def _trust(model: ModelEntry, data: Path) -> None:
    """Allow the model's library in a data folder that knows nothing of the user's own."""
    if model.library is None:
        return
    before = os.environ.get("TETHER_DATA_DIR")
    os.environ["TETHER_DATA_DIR"] = str(data)
    trust.add(model.library)
    if before is None:
        del os.environ["TETHER_DATA_DIR"]
    else:
        os.environ["TETHER_DATA_DIR"] = before


def _fill(data: Path) -> None:
    """A history of many sessions, as after months."""
    data.mkdir()
    database = Database(f"sqlite:///{data / 'tether.db'}")
    HistoryBuilder(database).add_sessions(SESSIONS)
    database.close()


def _start(arguments: list[str], last: str, place: Place) -> Run:
    """Start once, wait for the last instant and for quiet, measure memory, and end it."""
    trace = place.folder / "trace.ndjson"
    trace.unlink(missing_ok=True)
    shutil.rmtree(place.folder / "data" / "logs", ignore_errors=True)
    began = time.time()
    process = subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=place.environment(trace)
    )
    try:
        instants = _wait_for(last, trace, process)
        time.sleep(SETTLE_S)
        memory = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        sizes = [each.memory_info().rss for each in memory]
        process.communicate(timeout=LONGEST_S)
    finally:
        process.kill()
        process.wait()
    return Run({name: at - began for name, at in instants.items()}, sizes[0], sum(sizes[1:]))


def _wait_for(last: str, trace: Path, process: subprocess.Popen[bytes]) -> dict[str, float]:
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline and process.poll() is None:
        lines = trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []
        instants = {entry["instant"]: entry["time"] for entry in map(json.loads, lines)}
        if last in instants:
            return instants
        time.sleep(0.05)
    raise RuntimeError(f"the window did not reach {last!r} (exit status {process.poll()})")


def _times(runs: dict[str, list[Run]]) -> Table:
    def median(name: str, instant: str) -> float | None:
        values = [run.instants[instant] * 1000 for run in runs[name] if instant in run.instants]
        return statistics.median(values) if values else None

    bare = median("bare PySide6 window", "shown") or 1.0
    rows: list[tuple[Cell, ...]] = []
    for name in runs:
        shown = median(name, "shown")
        ratio = shown / bare if shown else None
        rows.append((name, shown, ratio, median(name, "usable"), median(name, "first_token")))
    return Table("Time", ("start of", "shown ms", "of bare", "usable ms", "first token ms"), tuple(rows))


def _memory(runs: dict[str, list[Run]], model: ModelEntry) -> Table:
    rows = []
    for name, each in runs.items():
        engine = statistics.median(run.engine_bytes for run in each) / 1e6
        weights = model.size_bytes / 1e6 if engine else None
        rows.append((name, statistics.median(run.gui_bytes for run in each) / 1e6, engine or None, weights))
    return Table("Memory once settled", ("process", "GUI MB", "engine MB", "weights MB"), tuple(rows))
