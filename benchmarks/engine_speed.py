"""Prefill and decode of our engine beside llama.cpp's, and beside what memory allows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.engine_figures import bound, bytes_per_token, median_ratio
from benchmarks.engine_models import BenchmarkModel
from benchmarks.engine_process import Worker
from benchmarks.report import Cell, Table
from tether_desktop.model.tvm.weights import open_weights

OURS = "Tether"
PREFILL = 512
DEPTHS = (512, 32)
PASSES = 3
PAUSE_S = 0.02
"""Between two measurements: threads of the last one spin for a moment before they sleep."""


@dataclass(slots=True)
class Contender:
    """An engine at a number of threads, and its tokens per second by measure, round by round."""

    name: str
    threads: int
    worker: Worker
    rates: dict[str, list[float]] = field(default_factory=dict)

    def prefill(self) -> None:
        """Read the prompt."""
        self._note("prefill", PREFILL, self.worker.ask("prefill", count=PREFILL))

    def decode(self, depth: int, count: int) -> None:
        """Go on from a depth, token by token."""
        self._note(f"decode {depth}", count, self.worker.ask("decode", depth=depth, count=count))

    def _note(self, measure: str, count: int, seconds: float) -> None:
        self.rates.setdefault(measure, []).append(count / seconds)


@dataclass(frozen=True, slots=True)
class Speeds:
    """All that was measured; ``reads`` has bytes per second by threads, round by round."""

    model: BenchmarkModel
    contenders: Sequence[Contender]
    reads: Mapping[int, list[float]]

    def of(self, name: str, threads: int) -> Contender:
        """An engine at a number of threads."""
        return next(each for each in self.contenders if (each.name, each.threads) == (name, threads))


def measure_speeds(model: BenchmarkModel, *, threads: Sequence[int], rounds: int, count: int) -> Speeds:
    """Ask every engine in turn for each measure, round after round.

    Args:
        model: what is measured.
        threads: the numbers of threads to measure with.
        rounds: how often.
        count: tokens to decode each time.
    """
    tokens = model.tokens()
    with ExitStack() as stack:
        contenders: list[Contender] = []
        for number in threads:
            for each in _start(model, number, tokens):
                stack.callback(each.worker.close)
                contenders.append(each)
        readers = {number: stack.enter_context(Worker("memory", threads=number)) for number in threads}
        reads: dict[int, list[float]] = {number: [] for number in threads}
        for _ in range(rounds):
            _round(contenders, count)
            for number, reader in readers.items():
                reads[number].append(reader.ask("read", passes=PASSES))
        return Speeds(model, contenders, reads)


def engine_table(speeds: Speeds) -> Table:
    """Every engine's medians, and how many times as fast ours is at the same number of threads."""
    measures = ("prefill", *(f"decode {depth}" for depth in sorted(DEPTHS)))
    titles = (f"prefill {PREFILL}", *(f"decode at {depth}" for depth in sorted(DEPTHS)))
    rows: list[tuple[Cell, ...]] = []
    for each in speeds.contenders:
        medians = [statistics.median(each.rates[measure]) for measure in measures]
        ours = speeds.of(OURS, each.threads)
        ratios = [
            None if each is ours else median_ratio(ours.rates[measure], each.rates[measure]) for measure in measures
        ]
        rows.append((each.name, each.threads, *medians, *ratios))
    columns = ("engine", "threads", *(f"{title} tok/s" for title in titles), *(f"ours/its {each}" for each in titles))
    return Table(f"Engine: {speeds.model.title}", columns, tuple(rows))


def bound_table(speeds: Speeds) -> Table:
    """What reading all that a token needs allows, and how much of that our decode reaches."""
    rows: list[tuple[Cell, ...]] = []
    for threads, reads in speeds.reads.items():
        for depth in sorted(DEPTHS):
            size = read_per_token(speeds.model, depth)
            limits, rates = bound(reads, size), speeds.of(OURS, threads).rates[f"decode {depth}"]
            medians = map(statistics.median, (limits, rates))
            speed = statistics.median(reads) / 1e9
            rows.append((f"decode at {depth}", threads, speed, size / 1e6, *medians, median_ratio(rates, limits)))
    columns = ("of", "threads", "memory GB/s", "read per token MB", "bound tok/s", "ours tok/s", "reached")
    return Table(f"Bound by memory: {speeds.model.title}", columns, tuple(rows))


def read_per_token(model: BenchmarkModel, depth: int) -> int:
    """Bytes that our engine reads for one token."""
    sizes = {name: tensor.nbytes for name, tensor in open_weights(model.folder).items()}
    return bytes_per_token(sizes, per_position=model.shape.cache_bytes_per_position, depth=depth)


def _start(model: BenchmarkModel, threads: int, tokens: list[int]) -> Iterator[Contender]:
    """Start the engines one after the other."""
    common = {"tokens": tokens, "threads": threads}
    ours = Worker("ours", model_dir=str(model.folder), library=str(model.library), **common)
    yield Contender(OURS, threads, ours)
    for stored, path in model.peers.items():
        yield Contender(f"llama.cpp {stored}", threads, Worker("llama", path=str(path), **common))


def _round(contenders: Sequence[Contender], count: int) -> None:
    for each in contenders:
        each.prefill()
        time.sleep(PAUSE_S)
    for depth in DEPTHS:
        for each in contenders:
            each.decode(depth, count)
            time.sleep(PAUSE_S)
