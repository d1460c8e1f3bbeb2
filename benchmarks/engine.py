"""How fast our engine is: beside llama.cpp, beside what memory allows, and as the whole program passes it on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks import engine_memory, engine_turns
from benchmarks.engine_files import peer_there
from benchmarks.engine_memory import load_table, memory_table
from benchmarks.engine_models import BenchmarkModel, of_file, starter, synthetic
from benchmarks.engine_speed import Speeds, bound_table, engine_table, measure_speeds
from benchmarks.engine_threads import threads_table
from benchmarks.engine_turns import Program, added_table, second_turn_table, switch_table
from benchmarks.report import Cell, Report, machine
from tether_desktop.errors import ModelError
from tether_desktop.model.cpu import default_threads
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.install.starter import STARTER
from tether_desktop.settings import load_settings

NOTES = (
    "Every engine lives in a process of its own and sleeps while others run; all read the same tokens.",
    "Figures are medians of rounds in which each has its turn; ratios are medians of the ratios in a round.",
    "The yardstick is llama.cpp's Q4_0 (the starter's is requantized): it is repacked for the fastest kernels there.",
    "The synthetic model has the shape of Qwen2.5 1.5B and random weights, which take as long as trained ones.",
    engine_turns.NOTE,
    engine_memory.NOTE,
    "Compare nothing while anything else runs: `load` was the load average before the first measurement.",
)
NO_PEER = "llama.cpp is left out: `pip install llama-cpp-python` adds it, built for this computer."
NO_MODEL = "There is nothing to measure without the starter model: add it with `tether models add starter`."


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        threads: the numbers of compute threads.
        speed_rounds, speed_tokens: of engines side by side, and the tokens that each decodes in a round.
        turn_rounds: of second turns.
        answer_rounds, answer_tokens: of answers through the whole program.
        other_rounds: of the rest.
    """

    threads: Sequence[int]
    speed_rounds: int
    speed_tokens: int
    turn_rounds: int
    answer_rounds: int
    answer_tokens: int
    other_rounds: int


def run(*, quick: bool = False, files: Sequence[Path] = ()) -> Report:
    """Measure everything, one thing at a time; ``files`` are GGUF models to be compared besides."""
    settings = load_settings()
    try:
        entry = Catalog(settings.dist_roots).get(STARTER.name)
    except ModelError as error:
        return Report("engine", (), machine(), (NO_MODEL, error.message))
    effort, before, model = _effort(quick=quick), machine(), starter(entry)
    speeds = [_measure(model, effort, effort.threads)]
    speeds += [_measure(other, effort, effort.threads[-1:]) for other in _others(files, quick=quick)]
    program = Program(os.pathsep.join(map(str, settings.dist_roots)), entry)
    tables = (
        *(table for each in speeds for table in (engine_table(each), bound_table(each))),
        second_turn_table(program, rounds=effort.turn_rounds),
        switch_table(program, rounds=effort.turn_rounds),
        added_table(program, threads=effort.threads, rounds=effort.answer_rounds, tokens=effort.answer_tokens),
        threads_table(model, rounds=effort.other_rounds),
        memory_table(entry, rounds=effort.other_rounds),
        load_table([each.model for each in speeds], rounds=effort.other_rounds),
    )
    notes = NOTES if peer_there() else (NO_PEER, *NOTES)
    return Report("engine", tables, {**before, **_environment(model)}, notes)


def _others(files: Sequence[Path], *, quick: bool) -> Iterator[BenchmarkModel]:
    """The models beside the starter; each is made just before it is measured."""
    yield from map(of_file, files)
    if not quick:
        yield synthetic()


def _measure(model: BenchmarkModel, effort: Effort, threads: Sequence[int]) -> Speeds:
    return measure_speeds(model, threads=threads, rounds=effort.speed_rounds, count=effort.speed_tokens)


def _effort(*, quick: bool) -> Effort:
    most = default_threads()
    if quick:
        return Effort((most,), 3, 32, 3, 3, 128, 2)
    return Effort(tuple(sorted({1, most})), 7, 64, 7, 9, 200, 5)


def _environment(model: BenchmarkModel) -> dict[str, Cell]:
    versions = {"llama-cpp-python": metadata.version("llama-cpp-python")} if peer_there() else {}
    return {"library": model.library.name, **versions}
