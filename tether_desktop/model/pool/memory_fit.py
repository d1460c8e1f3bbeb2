"""Whether a model fits into memory: its weights, the KV cache of a context window, and what computing takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from tether_desktop.model.decoder_shape import DecoderShape

Verdict = Literal["fits", "tight", "will_not_fit"]

VERDICT_TITLES: dict[Verdict, str] = {"fits": "fits", "tight": "may be slow", "will_not_fit": "will not fit"}
"""The verdicts in the words people read."""

_SPARE_SHARE = 0.15
_CACHE_SHARE = 0.5
_CHUNK = 64
_PROCESS_BYTES = 60_000_000
_VOCABULARY_BYTES = 700
_CONTEXT_STEP = 256
_ITEM_BYTES = {"uint8": 1, "float16": 2, "int32": 4, "float32": 4}


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of this computer that nobody holds on to.

    Attributes:
        free_bytes: what programs can still get, the page cache included.
        cached_bytes: how much of that is page cache.
    """

    free_bytes: int
    cached_bytes: int = 0

    @property
    def comfortable_bytes(self) -> int:
        """What can be taken while a reserve and half of the page cache stay."""
        spared = max(int(self.free_bytes * _SPARE_SHARE), int(self.cached_bytes * _CACHE_SHARE))
        return self.free_bytes - spared


@dataclass(frozen=True, slots=True)
class Needs:
    """What a loaded model takes, in bytes.

    Attributes:
        weights: mapped from their files; the system may drop them and read them again.
        cache: keys and values of one context window.
        working: the process, its tokenizer and what the kernels write to.
    """

    weights: int
    cache: int
    working: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.working


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model would fit.

    Attributes:
        verdict: "tight" works, but the rest of the computer will feel it.
        needed_bytes: in all.
        free_bytes: what there is.
        parts: what is needed for what.
    """

    verdict: Verdict
    needed_bytes: int
    free_bytes: int
    parts: Needs


def estimate(shape: DecoderShape, context_window: int, memory: Memory) -> Fit:
    """How a decoder with a context window of so many tokens would fit into that memory."""
    return judge(needs_of(shape, context_window), memory)


def judge(needs: Needs, memory: Memory) -> Fit:
    """How something with these needs would fit into that memory."""
    verdict: Verdict = "will_not_fit"
    if needs.total <= memory.comfortable_bytes:
        verdict = "fits"
    elif needs.total <= memory.free_bytes:
        verdict = "tight"
    return Fit(verdict, needs.total, memory.free_bytes, needs)


def needs_of(shape: DecoderShape, context_window: int) -> Needs:
    """What a loaded decoder takes with a context window of so many tokens."""
    weights = sum(prod(size) * _ITEM_BYTES[kind] for size, kind in shape.stored_tensors().values())
    return Needs(weights, shape.cache_bytes_per_position * context_window, _working_bytes(shape))


def largest_context(shape: DecoderShape, memory: Memory) -> int:
    """The largest context window that fits with ease, a multiple of 256 tokens; 0 when there is none."""
    left = memory.comfortable_bytes - needs_of(shape, 0).total
    return max(left // shape.cache_bytes_per_position // _CONTEXT_STEP * _CONTEXT_STEP, 0)


def memory_now() -> Memory:
    """The memory that this computer has left now."""
    import psutil  # the window opens without it

    state = psutil.virtual_memory()
    return Memory(state.available, max(state.available - state.free, 0))


def _working_bytes(shape: DecoderShape) -> int:
    """Activations of a chunk of the prompt, scores of the vocabulary, tokenizer, interpreter and runtime."""
    row = 3 * shape.hidden + shape.qkv + shape.heads * shape.head_dim + 3 * shape.intermediate
    scores = 3 * shape.vocab
    return 4 * (_CHUNK * row + scores) + _VOCABULARY_BYTES * shape.vocab + _PROCESS_BYTES
