"""What it costs to hold a reply to a form: decode speed free and constrained, in turn, and the constraint by itself."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

from benchmarks.constrained_forms import FORMS
from benchmarks.engine_figures import median_ratio
from benchmarks.report import Cell, Report, Table, machine
from tether_desktop.errors import ModelError
from tether_desktop.model.discovery.catalog import Catalog, ModelEntry
from tether_desktop.model.engine import Constraint, EngineSpec, GenerationRequest, PromptPiece, SamplingParams
from tether_desktop.model.install.starter import STARTER
from tether_desktop.model.tvm.constraint import Constraints
from tether_desktop.model.tvm.engine import TvmEngine
from tether_desktop.model.tvm.tokenizer import ModelTokenizer
from tether_desktop.settings import load_settings

TARGET = 5.0
NOTES = (
    f"Target: holding a reply to an ordinary schema costs less than {TARGET:g} % of decode speed.",
    "Each form is written right after a free reply; the cost is the median of the ratios of such pairs.",
    "Below zero it is a gain: tokens that have to come (forced) are not chosen, and several of them are read at once.",
    "Alone is the time that the constraint itself takes, measured on the same reply without the model.",
)
NO_MODEL = "There is nothing to measure without the starter model: add it with `tether models add starter`."

_WINDOW = 2048
_PROMPT = (
    "<|im_start|>system\nYou write what you are asked for, as JSON or with a function call.<|im_end|>\n"
    "<|im_start|>user\nWrite about the people of a small town, one after the other.<|im_end|>\n<|im_start|>assistant\n"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A reply.

    Attributes:
        text: all of it.
        tokens: how many.
        rate: tokens per second of decode time.
    """

    text: str
    tokens: int
    rate: float


def run(*, quick: bool = False) -> Report:
    """Measure every form."""
    try:
        entry = Catalog(load_settings().dist_roots).get(STARTER.name)
    except ModelError as error:
        return Report("constrained", (), machine(), (NO_MODEL, error.message))
    before = machine()
    rows = asyncio.run(_rows(entry, rounds=3 if quick else 9, tokens=96 if quick else 192))
    columns = ("form", "prepare ms", "tokens", "forced %", "alone us/token", "alone %", "free tok/s", "held", "cost %")
    return Report("constrained", (Table("Decoding", columns, rows),), before, NOTES)


async def _rows(entry: ModelEntry, *, rounds: int, tokens: int) -> tuple[tuple[Cell, ...], ...]:
    engine = TvmEngine(EngineSpec(entry.name, "tvm", entry.model_dir, entry.library, _WINDOW))
    await engine.load(lambda _: None)
    tokenizer = ModelTokenizer(entry.model_dir)
    constraints = Constraints(tokenizer, tokenizer.vocab_size)
    await constraints.begin(Constraint("regex", "x"), frozenset())  # the vocabulary is prepared once
    rows = []
    for name, form in FORMS.items():
        started = time.perf_counter()
        await constraints.begin(form, frozenset())
        prepare_s = time.perf_counter() - started
        pairs = [await _pair(engine, form, tokens, seed) for seed in range(rounds)]
        frees, helds = [free for free, _ in pairs], [held for _, held in pairs]
        alone = await _alone(constraints, form, tokenizer.encode((PromptPiece(helds[-1].text, literal=True),)))
        rows.append((name, prepare_s * 1000, *_figures(frees, helds, alone)))
    await engine.close()
    return tuple(rows)


def _figures(frees: list[Written], helds: list[Written], alone: tuple[float, float]) -> tuple[Cell, ...]:
    free_rates, held_rates = [each.rate for each in frees], [each.rate for each in helds]
    free_rate, (alone_s, forced) = statistics.median(free_rates), alone
    return (
        *(statistics.median_low(each.tokens for each in helds), forced * 100),
        *(alone_s * 1e6, alone_s * free_rate * 100),
        *(free_rate, statistics.median(held_rates), (1 - median_ratio(held_rates, free_rates)) * 100),
    )


async def _pair(engine: TvmEngine, form: Constraint, tokens: int, seed: int) -> tuple[Written, Written]:
    """A free reply, and one that is held to a form."""
    await _write(engine, None, 8, seed)  # whatever went before, the prompt is read now
    return await _write(engine, None, tokens, seed), await _write(engine, form, tokens, seed)


async def _write(engine: TvmEngine, form: Constraint | None, tokens: int, seed: int) -> Written:
    params = SamplingParams(temperature=0.7, seed=seed, max_tokens=tokens)
    request = GenerationRequest("s", (PromptPiece(_PROMPT),), params, constraint=form)
    text = ""
    async for chunk in engine.generate(request):
        text += chunk.text
    assert chunk.usage is not None
    assert chunk.timings is not None
    return Written(text, chunk.usage.completion_tokens, chunk.usage.completion_tokens / chunk.timings.decode_s)


async def _alone(constraints: Constraints, form: Constraint, tokens: list[int]) -> tuple[float, float]:
    """Seconds per token that following a reply takes, and the share of tokens that had to come."""
    seconds, forced = [], 0
    for _ in range(3):
        held = await constraints.begin(form, frozenset())
        forced = 0
        started = time.perf_counter()
        for token in tokens:
            if token in held.forced()[:1]:
                forced += 1
            else:
                held.allowed()
            held.take(token)
        seconds.append(time.perf_counter() - started)
    return min(seconds) / len(tokens), forced / len(tokens)
