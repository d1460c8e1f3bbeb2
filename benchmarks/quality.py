"""Whether our engine computes what the model says: perplexity and agreement with llama.cpp on the same file."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine_files import peer_there, requantized, source_files
from benchmarks.engine_models import BenchmarkModel, of_file
from benchmarks.engine_process import Worker
from benchmarks.quality_logits import Expectation, pieces
from benchmarks.report import Report, Table, machine
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

LARGEST_DIFFERENCE = 0.5
LEAST_AGREEMENT = 95.0
QUICK_PIECES = 1
NOTES = (
    "The text is the beginning of Alice's Adventures in Wonderland, in pieces that are read from an empty context.",
    "Both engines read the same tokens; the most likely token of each is compared at every position.",
    f"Targets: perplexity within {LARGEST_DIFFERENCE} % of llama.cpp's, agreement of at least {LEAST_AGREEMENT:g} %.",
)
NO_PEER = "There is nothing to compare with: `pip install llama-cpp-python` adds llama.cpp, built for this computer."


@dataclass(frozen=True, slots=True)
class Judgement:
    """What both engines expected of the same tokens."""

    model: str
    ours: Expectation
    theirs: Expectation

    def row(self) -> tuple[str, int, float, float, float, float, bool]:
        """For the table."""
        mine, other = (math.exp(statistics.fmean(side.losses)) for side in (self.ours, self.theirs))
        same = sum(one == another for one, another in zip(self.ours.best, self.theirs.best, strict=True))
        return (self.model, len(self.ours.losses), mine, other, *self._verdict(mine, other, same))

    def _verdict(self, mine: float, other: float, same: int) -> tuple[float, float, bool]:
        difference, agreement = (mine / other - 1) * 100, same / len(self.ours.best) * 100
        return difference, agreement, abs(difference) <= LARGEST_DIFFERENCE and agreement >= LEAST_AGREEMENT


def run(*, quick: bool = False, files: Sequence[Path] = ()) -> Report:
    """Judge the starter's file, the same with 8 bits, and ``files`` besides."""
    if not peer_there():
        return Report("quality", (), machine(), (NO_PEER,))
    text = (Path(__file__).parent / "alice.txt").read_text(encoding="utf-8")
    rows = tuple(_judge(path, text, quick=quick).row() for path in (*_starter_files(), *files))
    columns = ("model", "tokens", "perplexity ours", "llama.cpp's", "difference %", "agreement %", "reached")
    return Report("quality", (Table("Quality", columns, rows),), machine(), NOTES)


def _starter_files() -> Iterator[Path]:
    source = source_files().q4_1
    yield source
    yield requantized(source, "Q8_0")


def _judge(path: Path, text: str, *, quick: bool) -> Judgement:
    model = of_file(path)
    with Worker("llama logits", path=str(path)) as llama:
        tokens = pieces(llama.ask("tokenize", text=text), _bos(model))[: QUICK_PIECES if quick else None]
        theirs = Expectation(**llama.ask("read", tokens=tokens))
    vocab = ModelTokenizer(model.folder).vocab_size
    with Worker("logits", model_dir=str(model.folder), library=str(model.library), vocab=vocab) as worker:
        return Judgement(path.stem, Expectation(**worker.ask("read", tokens=tokens)), theirs)


def _bos(model: BenchmarkModel) -> int | None:
    config = json.loads((model.folder / "mlc-chat-config.json").read_text(encoding="utf-8"))
    bos: int | None = config["bos_token_id"]
    return bos
