"""Whether the window stays free while it shows texts that are hard: long lines, deep lists, huge tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from benchmarks.report import Cell, Report, Table, machine
from benchmarks.stream import BATCH_MS, WINDOW, Lateness, Probe, wait
from tether_desktop.ui.chat.chat_view import ChatView
from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.composer.composer import Composer
from tether_desktop.ui.look import theme
from tether_desktop.ui.markdown import parser as markdown

CHARACTERS_PER_S = 20_000
NOTES = (
    f"Each text streams in at {CHARACTERS_PER_S:,} characters a second, twenty times what a fast model writes;",
    "then it is opened as a finished message. Every text is shown in a process of its own.",
    "Targets: lateness p95 < 50 ms.",
)

TEXTS: dict[str, Callable[[], str]] = {
    "one line of 100,000 characters": lambda: "word " * 20_000,
    "one word of 100,000 characters": lambda: "x" * 100_000,
    "10,000 lines of one word": lambda: "word\n" * 10_000,
    "lists 100 deep": lambda: "".join("  " * depth + f"- item {depth}\n" for depth in range(100)),
    "quotes 100 deep": lambda: "".join(">" * depth + f" quote {depth}\n" for depth in range(1, 100)),
    "broken Markdown": lambda: "**a _b `c [d](e ~~f | g\n```\n# h\n" * 1_500,
    "a table of 5,000 rows": lambda: "| a | b |\n|---|---|\n" + "".join(f"| {row} | word |\n" for row in range(5_000)),
    "code of 10,000 lines": lambda: "```python\n" + "value = compute(1, 'two')\n" * 10_000 + "```\n",
    "letters of every kind": lambda: (
        "\u202eabc\u202c a\u0301\u0302\u0303 👩‍👩‍👧‍👦 שלום مرحبا \u200b\ufeff\x00 " * 1_500
    ),
    "HTML and scripts": lambda: "<script>alert(1)</script><img src=x onerror=alert(1)> <b>bold</b>\n\n" * 1_000,
    "formulas": lambda: "$\\frac{a_1}{\\sqrt{b^2}}$ and $$\\sum_{i=0}^{n} x_i$$\n\n" * 1_000,
    "1 MB of prose": lambda: ("The model reads a prompt and writes one token after another. " * 8 + "\n\n") * 2_050,
}


def run(*, quick: bool = False) -> Report:
    """Show each text once; for a few seconds only with ``quick``."""
    seconds = 3.0 if quick else 10.0
    rows: list[tuple[Cell, ...]] = [(name, *_in_a_process(name, seconds)) for name in TEXTS]
    columns = ("text", "late p50 ms", "late p95 ms", "late max ms", "opened ms")
    paste = Table(
        "A paste of 1 MB into the composer", ("what", "ms"), (("until it is shown", _in_a_process("", 0)[0]),)
    )
    title = f"Streamed for up to {seconds:.0f} s into a window of {WINDOW[0]} x {WINDOW[1]}"
    return Report("odd_texts", (Table(title, columns, tuple(rows)), paste), machine(), NOTES)


def _in_a_process(name: str, seconds: float) -> tuple[float, ...]:
    command = [sys.executable, "-m", "benchmarks.odd_texts", name, str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return tuple(json.loads(done.stdout))


def _measure(name: str, seconds: float) -> tuple[float, ...]:
    text = TEXTS[name]()
    view = ChatView()
    view.resize(*WINDOW)
    view.show()
    wait(0.2)
    view.set_messages([MessageView("question", "user", "Go on."), MessageView("reply", "assistant", state="streaming")])
    lateness = Lateness()
    probe = Probe(lateness)
    probe.start()
    _stream(view, text, seconds)
    probe.stop()
    finished = [MessageView("other", "user", "Again."), MessageView("finished", "assistant", text)]
    start = time.perf_counter()
    view.set_messages(finished)
    view.viewport().repaint()
    opened = (time.perf_counter() - start) * 1000
    quantiles = (lateness.quantile(0.5), lateness.quantile(0.95), max(lateness.values))
    return (*(round(value, 2) for value in quantiles), round(opened, 1))


def _stream(view: ChatView, text: str, seconds: float) -> None:
    start, sent = time.perf_counter(), 0
    while sent < len(text) and time.perf_counter() - start < seconds:
        due = int((time.perf_counter() - start) * CHARACTERS_PER_S)
        view.append_text("reply", text[sent:due])
        sent = due
        wait(BATCH_MS / 1000)


def _paste() -> tuple[float, ...]:
    composer = Composer()
    composer.resize(800, 200)
    composer.show()
    wait(0.2)
    QGuiApplication.clipboard().setText("a line that somebody copied from somewhere\n" * 24_000)
    start = time.perf_counter()
    composer.edit.paste()
    composer.repaint()
    return (round((time.perf_counter() - start) * 1000, 1),)


def main() -> None:
    """Measure one text, in this process."""
    app = QApplication([])
    theme.install(app, "light")
    markdown.prewarm()
    name = sys.argv[1]
    sys.stdout.write(json.dumps(_measure(name, float(sys.argv[2])) if name else _paste()))


if sys.platform == "linux" and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if __name__ == "__main__":
    main()
