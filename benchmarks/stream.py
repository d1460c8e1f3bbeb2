"""Whether the window stays free to answer while a reply streams into a long conversation."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil
from PySide6 import __version__ as pyside_version
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from benchmarks.report import Cell, Report, Table, machine
from tether_desktop.ui.chat.chat_view import ChatView
from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.look import theme
from tether_desktop.ui.markdown import parser as markdown

LENGTHS = (2_000, 10_000)
"""How many messages there are in the conversations that are measured."""
WORDS = 259
TOKENS_PER_S = 200
BATCH_MS = 33
PROBE_MS = 8
NOTES = (
    "Targets: lateness p95 < 8 ms and max < 33 ms, CPU < 30 % of one core, and memory of the longer conversation",
    "within 20 % of the shorter one's. Every run is a process of its own; the memory of the Python strings of 8,000",
    "more messages (about 15 MB) is in the figure.",
)
WINDOW = (1100, 800)

_PROSE = """the model reads a prompt and writes one token after another while memory holds weights and cache so that
each answer costs about as much as the last one did unless the context grows beyond what fits"""
_WORDS = _PROSE.split()
_CODE = """```python
def decode(state, limit=64):
    for step in range(limit):
        yield state.next()  # one token
```"""
_TABLE = """| name | size | speed |
|---|--:|--:|
| small | 0.1 GB | 90 |
| large | 4.9 GB | 12 |"""


@dataclass(slots=True)
class Lateness:
    """How late a timer fired, in milliseconds: what a click would have had to wait."""

    values: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The value that this share of all does not exceed."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Probe(QObject):
    """A timer that notes how late each of its ticks is."""

    def __init__(self, lateness: Lateness) -> None:
        super().__init__()
        self._lateness = lateness
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer, interval=PROBE_MS)
        self._timer.timeout.connect(self._on_tick)
        self._expected = 0.0

    def start(self) -> None:
        """Begin to watch."""
        self._expected = time.perf_counter() + PROBE_MS / 1000
        self._timer.start()

    def stop(self) -> None:
        """Stop watching."""
        self._timer.stop()

    def _on_tick(self) -> None:
        now = time.perf_counter()
        self._lateness.values.append(max(0.0, now - self._expected) * 1000)
        self._expected = now + PROBE_MS / 1000


class Feeder(QObject):
    """Adds a batch of tokens to one message at every tick."""

    def __init__(self, view: ChatView, message_id: str, tokens: Iterator[str]) -> None:
        super().__init__()
        self._view, self._id, self._tokens = view, message_id, tokens
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer, interval=BATCH_MS)
        self._timer.timeout.connect(self._on_tick)
        self._started = 0.0
        self.sent = 0

    def start(self) -> None:
        """Begin to stream."""
        self._started = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        """Stop streaming."""
        self._timer.stop()

    def _on_tick(self) -> None:
        due = int((time.perf_counter() - self._started) * TOKENS_PER_S)
        batch = "".join(next(self._tokens) for _ in range(due - self.sent))
        self.sent = due
        if batch:
            self._view.append_text(self._id, batch)


def run(*, quick: bool) -> Report:
    """Measure opening, then streaming, several times over, in conversations of several lengths."""
    rounds, seconds = (3, 6.0) if quick else (5, 20.0)
    runs: dict[int, list[tuple[float, ...]]] = {length: [] for length in LENGTHS}
    for _ in range(rounds):
        for length in LENGTHS:
            runs[length].append(_in_a_process(length, seconds))
    rows: list[tuple[Cell, ...]] = []
    for length, each in runs.items():
        rows += [(f"{length:,}", str(number), *row) for number, row in enumerate(each, 1)]
        rows.append(
            (f"{length:,}", "median", *(round(statistics.median(column), 2) for column in zip(*each, strict=True)))
        )
    columns = (
        "messages",
        "run",
        "open ms",
        "late p50 ms",
        "late p95 ms",
        "late max ms",
        "CPU %",
        "tokens",
        "memory MB",
    )
    title = f"{TOKENS_PER_S} tokens/s in {BATCH_MS} ms batches into messages of {WORDS} words"
    return Report("stream", (Table(title, columns, tuple(rows)),), _environment(), NOTES)


def _in_a_process(length: int, seconds: float) -> tuple[float, ...]:
    command = [sys.executable, "-m", "benchmarks.stream", str(length), str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return tuple(json.loads(done.stdout))


def _environment() -> dict[str, Cell]:
    platform = os.environ.get("QT_QPA_PLATFORM", "the desktop's")
    return machine() | {"pyside": pyside_version, "platform": platform, "window": "x".join(map(str, WINDOW))}


def _round(length: int, seconds: float) -> tuple[float, ...]:
    app = QApplication([])
    theme.install(app, "light")
    markdown.prewarm()
    view = ChatView()
    view.resize(*WINDOW)
    view.show()
    wait(0.2)
    open_ms = _open(view, length)
    lateness, cpu, tokens = _stream(view, seconds)
    memory = psutil.Process().memory_info().rss / 1e6
    view.close()
    quantiles = (lateness.quantile(0.5), lateness.quantile(0.95), max(lateness.values))
    return (round(open_ms, 1), *(round(value, 2) for value in quantiles), round(cpu, 1), tokens, round(memory))


def _open(view: ChatView, length: int) -> float:
    """Milliseconds until the newest messages of a long conversation are painted."""
    messages = list(_conversation(length))
    start = time.perf_counter()
    view.set_messages(messages)
    view.viewport().repaint()
    return (time.perf_counter() - start) * 1000


def _stream(view: ChatView, seconds: float) -> tuple[Lateness, float, int]:
    """Lateness, share of one core in percent, and tokens shown."""
    view.append(MessageView("reply", "assistant", model="Model", state="streaming"))
    lateness = Lateness()
    probe, feeder = Probe(lateness), Feeder(view, "reply", _tokens())
    process = psutil.Process()
    before, start = process.cpu_times(), time.perf_counter()
    probe.start()
    feeder.start()
    wait(seconds)
    probe.stop()
    feeder.stop()
    after, took = process.cpu_times(), time.perf_counter() - start
    cpu = (after.user + after.system - before.user - before.system) / took * 100
    return lateness, cpu, feeder.sent


def wait(seconds: float) -> None:
    """Let the window work for so many seconds."""
    loop = QEventLoop()
    timer = QTimer(singleShot=True, timerType=Qt.TimerType.PreciseTimer, interval=round(seconds * 1000))
    timer.timeout.connect(loop.quit)
    timer.start()
    loop.exec()


def _conversation(length: int) -> Iterator[MessageView]:
    source = random.Random(1)
    for number in range(length // 2):
        yield MessageView(f"q{number}", "user", _sentence(source, 30))
        text = _mixed(source, 2 * WORDS - 30)
        yield MessageView(f"a{number}", "assistant", text, model="Model", meta="Q4_1 · 80 tok/s")


def _tokens() -> Iterator[str]:
    source = random.Random(2)
    while True:
        for word in _mixed(source, WORDS).split(" "):
            yield word + " "
        yield "\n\n"


def _sentence(source: random.Random, words: int) -> str:
    return " ".join(source.choice(_WORDS) for _ in range(words)).capitalize() + "."


def _mixed(source: random.Random, words: int) -> str:
    """Markdown of about this many words: prose, a list, code and a table."""
    items = "\n".join(f"{number}. **{source.choice(_WORDS)}** {_sentence(source, 8)}" for number in range(1, 4))
    part = (words - 60) // 4
    halves = [f"{_sentence(source, part)} Use `{source.choice(_WORDS)}()`. {_sentence(source, part)}" for _ in "ab"]
    return "\n\n".join(["## " + _sentence(source, 4), halves[0], items, _CODE, halves[1], _TABLE])


if sys.platform == "linux" and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if __name__ == "__main__":
    print(json.dumps(_round(int(sys.argv[1]), float(sys.argv[2]))))
