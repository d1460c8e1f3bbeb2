"""How our engine decodes while another program keeps a core busy."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from benchmarks.engine_models import BenchmarkModel
from benchmarks.engine_process import Worker
from benchmarks.report import Cell, Table
from tether_desktop.model.cpu import default_threads

DEPTH = 32
TOKENS = 48

CHOSEN = "chosen by measuring"

_BUSY = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True:
    pass
"""


def threads_table(model: BenchmarkModel, *, rounds: int) -> Table:
    """Tokens per second with threads chosen by measuring and with fixed ones, quiet and disturbed."""
    names = {CHOSEN: None, **{f"fixed, {number}": number for number in (default_threads(), 1)}}
    rates: list[dict[str, list[float]]] = []
    with ExitStack() as processes:
        workers = {
            name: processes.enter_context(
                Worker(
                    "ours",
                    model_dir=str(model.folder),
                    library=str(model.library),
                    tokens=model.tokens(),
                    threads=number,
                )
            )
            for name, number in names.items()
        }
        for worker in workers.values():
            worker.ask("prefill", count=DEPTH)
        rates.append(_rates(workers, rounds))
        with _busy_process():
            rates.append(_rates(workers, rounds))
    rows: list[tuple[Cell, ...]] = [(name, *(statistics.median(each[name]) for each in rates)) for name in names]
    return Table("Decode on chosen threads", ("threads", "quiet tok/s", "beside a busy process tok/s"), tuple(rows))


def _rates(workers: Mapping[str, Worker], rounds: int) -> dict[str, list[float]]:
    """Tokens per second of each worker, round by round, once the governor had time to settle."""
    workers[CHOSEN].ask("decode", depth=DEPTH, count=2 * TOKENS)
    rates: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            rates[name].append(TOKENS / worker.ask("decode", depth=DEPTH, count=TOKENS))
    return rates


@contextmanager
def _busy_process() -> Iterator[None]:
    """Something that takes a core, and ends with us."""
    process = subprocess.Popen([sys.executable, "-c", _BUSY], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.kill()
        process.communicate()
