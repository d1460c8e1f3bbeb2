"""How long our engine's process takes to load a model, and how much memory it takes."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import aclosing

import psutil

from benchmarks.engine_models import BenchmarkModel
from benchmarks.engine_process import Worker
from benchmarks.report import Cell, Table
from tether_desktop.model.discovery.catalog import ModelEntry
from tether_desktop.model.engine import EngineSpec, GenerationRequest, PromptPiece, SamplingParams
from tether_desktop.model.hosting.host import HostedEngine

ABOVE_WEIGHTS_MB = 120
LOAD_S, LOAD_S_PER_GB = 0.3, 0.1
NOTE = f"Target: the engine's process takes less than its weights and {ABOVE_WEIGHTS_MB} MB; the resident set is meant."

_PROMPT = "The history of the lighthouse begins with " * 40
_TOKENS = 64


def memory_table(model: ModelEntry, *, rounds: int) -> Table:
    """Load again and again, files in the page cache, and answer once each time."""
    runs = [asyncio.run(_run(model)) for _ in range(1 + rounds)][1:]
    load_s, loaded, answer_s, answered = (statistics.median(column) for column in zip(*runs, strict=True))
    weights = model.size_bytes / 1e6
    rows: tuple[tuple[Cell, ...], ...] = (
        ("start and load", load_s, loaded / 1e6, weights, loaded / 1e6 - weights),
        (f"a prompt and {_TOKENS} tokens", answer_s, answered / 1e6, weights, answered / 1e6 - weights),
    )
    columns = ("after", "took s", "resident MB", "weights MB", "above weights MB")
    return Table("Load and memory of the engine's process", columns, rows)


def load_table(models: Sequence[BenchmarkModel], *, rounds: int) -> Table:
    """Seconds from an imported runtime to a decoder with its weights, files in the page cache."""
    rows: list[tuple[Cell, ...]] = []
    for model in models:
        with Worker("load", model_dir=str(model.folder), library=str(model.library)) as worker:
            runs = [worker.ask("load") for _ in range(1 + rounds)][1:]
        gigabytes = sum(path.stat().st_size for path in model.folder.glob("*.bin")) / 1e9
        rows.append((model.title, gigabytes, statistics.median(runs), LOAD_S + LOAD_S_PER_GB * gigabytes))
    return Table("Load from the page cache", ("model", "weights GB", "took s", "at most s"), tuple(rows))


async def _run(model: ModelEntry) -> tuple[float, int, float, int]:
    """Seconds to load, bytes then, seconds to answer, bytes then."""
    engine = HostedEngine(EngineSpec(model.name, model.kind, model.model_dir, model.library, model.context_window))
    started = time.perf_counter()
    await engine.load(lambda _: None)
    loaded, process = time.perf_counter(), psutil.Process(engine.pid)
    try:
        before = process.memory_info().rss
        asked = time.perf_counter()
        await _answer(engine)
        return loaded - started, before, time.perf_counter() - asked, process.memory_info().rss
    finally:
        await engine.close()


async def _answer(engine: HostedEngine) -> None:
    request = GenerationRequest("", (PromptPiece(_PROMPT),), SamplingParams(temperature=0.0, max_tokens=_TOKENS))
    async with aclosing(engine.generate(request)) as chunks:
        async for _ in chunks:
            pass
