"""How fast a model answers on this computer: measured on request, by turns with everybody else who asks it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from tether_desktop.errors import EngineError
from tether_desktop.events import Stage
from tether_desktop.messages import decode_rate, text_message
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import Engine, EngineInfo, GenerationChunk, GenerationRequest, PromptPiece
from tether_desktop.model.engine import SamplingParams as Params
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.pool.slot import ModelState

DEPTHS = (512, 32)
"""Tokens of the prompts; the short one comes last, since the state that stays warm is that of the last one."""

RUNS = 3
WRITTEN = 33
"""Tokens that are written in each run."""

_ENOUGH_S = 40.0
"""A measure that has taken so long is not repeated."""

_SESSION = "speed test"
_FEWEST = 9
"""A reply of fewer tokens says nothing about speed."""

_PROSE = (
    "the river turned slowly past the old mill where a man with a grey coat counted boats and wrote every name into "
    "a small book while children threw stones from the bridge and somebody upstream was singing about winter "
)

SpeedStage = Literal["waiting", "loading", "measuring"]


@dataclass(frozen=True, slots=True)
class SpeedProgress:
    """How far a speed test is; ``progress`` is 0..1 of all of it, None while that cannot be said."""

    stage: SpeedStage
    progress: float | None = None


@dataclass(frozen=True, slots=True)
class SpeedResult:
    """What was measured of a model.

    Attributes:
        model: its name in the catalogue.
        measured: when.
        device: what it ran on, threads included, as the engine tells it.
        prefill_rate: tokens per second of reading a prompt of 512 tokens, or of as many as the window has room for.
        decode_rate: tokens per second of writing near the beginning of a conversation.
        deep_rate: the same after 512 tokens.
        memory_bytes: what the engine may take.
        load_s: seconds that loading took; None when it was loaded before.
    """

    model: str
    measured: datetime
    device: str
    prefill_rate: float
    decode_rate: float
    deep_rate: float
    memory_bytes: int = 0
    load_s: float | None = None


OnSpeedProgress = Callable[[SpeedProgress], None]


class SpeedTest:
    """Measures models; cancelling :meth:`run` stops the engine before its next token."""

    def __init__(self, pool: EnginePool, catalog: Catalog, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare; ``clock`` gives seconds."""
        self._pool = pool
        self._catalog = catalog
        self._clock = clock

    async def run(self, model: str, on_progress: OnSpeedProgress = lambda _: None) -> SpeedResult:
        """Measure a model, loading it first where that is due.

        Each single run waits its turn, so a question that somebody asks meanwhile is answered in between.

        Raises:
            ModelError: the model cannot be used.
            EngineError: it cannot be loaded, ends its replies at once, or runs on another computer.
        """
        entry = await asyncio.to_thread(self._catalog.get, model)
        if entry.kind == "remote":
            message = f"{model} runs on a server, whose speed changes with whatever else it does."
            raise EngineError("The speed cannot be measured", message, "Look at the speed beside its answers.")
        load_s = await self._load(model, on_progress)
        measuring = _Measuring(self._pool, model, on_progress, self._clock)
        rates = {depth: await measuring.at(depth) for depth in DEPTHS}
        state = self._pool.states().get(model, ModelState())
        info = state.info or measuring.info
        return SpeedResult(
            model,
            datetime.now(UTC).replace(microsecond=0),
            info.device if info else "",
            rates[DEPTHS[0]][0],
            rates[DEPTHS[-1]][1],
            rates[DEPTHS[0]][1],
            info.memory_bytes if info else 0,
            load_s,
        )

    async def _load(self, model: str, on_progress: OnSpeedProgress) -> float | None:
        if self._pool.states().get(model, ModelState()).state in {"ready", "busy"}:
            return None
        began = self._clock()
        on_progress(SpeedProgress("loading"))
        await self._pool.load(model, lambda part: on_progress(SpeedProgress("loading", part)))
        return self._clock() - began


class _Measuring:
    """The runs of one test."""

    def __init__(self, pool: EnginePool, model: str, on_progress: OnSpeedProgress, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._model = model
        self._on_progress = on_progress
        self._clock = clock
        self._done = 0
        self._began = datetime.now(UTC)
        self.info: EngineInfo | None = None

    async def at(self, depth: int) -> tuple[float, float]:
        """Medians of reading a prompt of so many tokens and of writing after it, in tokens per second."""
        read, written, began = list[float](), list[float](), self._clock()
        while len(read) < RUNS and (not read or self._clock() - began < _ENOUGH_S):
            prefill, decode = await self._run(depth)
            read.append(prefill)
            written.append(decode)
        self._done = (DEPTHS.index(depth) + 1) * RUNS
        return statistics.median(read), statistics.median(written)

    async def _run(self, depth: int) -> tuple[float, float]:
        self._tell("measuring")
        async with self._pool.lend(self._model, self._hear) as engine:
            self._tell("measuring")
            self.info = self._pool.states()[self._model].info
            text = await self._text(engine, depth)
            for heat in (0.0, 1.5):
                last = await self._last_chunk(engine, text, heat)
                rates = _rates(last)
                if rates is not None:
                    self._done += 1
                    self._tell("measuring")
                    return rates
        raise EngineError(
            "The speed cannot be measured",
            f"{self._model} ends its replies after a word or two, which is too little to measure.",
            "Ask it something longer, and look at the speed beside the answer.",
        )

    async def _text(self, engine: Engine, depth: int) -> str:
        """Words that make about so many tokens, beginning like nothing that was read before."""
        window = self.info.context_window if self.info else 0
        depth = min(depth, max(window - WRITTEN - 32, 8)) if window else depth
        begin = f"{self._began.timestamp():.0f}-{self._done} "
        words = (_PROSE * (depth // 10 + 1)).split()
        count = depth
        for _ in range(2):
            text = begin + " ".join(words[:count])
            (tokens,) = await engine.count_tokens([(PromptPiece(text, literal=True),)])
            if tokens == depth:
                break
            count = max(round(count * depth / max(tokens, 1)), 1)
        return begin + " ".join(words[:count])

    async def _last_chunk(self, engine: Engine, text: str, heat: float) -> GenerationChunk:
        params = Params(temperature=heat, top_p=1.0, seed=self._done, max_tokens=WRITTEN)
        prompt = (PromptPiece(text, literal=True),)
        request = GenerationRequest(_SESSION, prompt, params)
        if self.info is not None and self.info.takes_messages:
            request = GenerationRequest(_SESSION, (), params, (text_message("user", text),))
        last = GenerationChunk()
        async with aclosing(engine.generate(request)) as chunks:
            async for chunk in chunks:
                last = chunk
        return last

    def _hear(self, stage: Stage, progress: float | None) -> None:
        self._on_progress(SpeedProgress("waiting" if stage == "queued" else "loading", progress))

    def _tell(self, stage: SpeedStage) -> None:
        self._on_progress(SpeedProgress(stage, min(self._done / (RUNS * len(DEPTHS)), 1.0)))


def _rates(last: GenerationChunk) -> tuple[float, float] | None:
    """Of reading and of writing, in tokens per second; None when too little came to tell."""
    if last.usage is None or last.timings is None or last.usage.completion_tokens < _FEWEST:
        return None
    read = last.usage.prompt_tokens - last.usage.cached_tokens
    reading_s = last.timings.prefill_s or last.timings.first_token_s
    return read / reading_s if reading_s > 0 else 0.0, decode_rate(last.usage, last.timings) or 0.0
