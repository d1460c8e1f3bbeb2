"""Our engine: a compiled decoder behind the Engine protocol, run in its own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from tether_desktop.errors import LibraryMismatch
from tether_desktop.model.cpu import isa_title
from tether_desktop.model.engine import (
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    OnProgress,
    Prompt,
)
from tether_desktop.model.refusals import not_loaded
from tether_desktop.model.tvm.constraint import Constraints
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.grammar_text import KINDS
from tether_desktop.model.tvm.reply import Reply
from tether_desktop.model.tvm.runtime import Runtime
from tether_desktop.model.tvm.states import KvStates
from tether_desktop.model.tvm.tokenizer import ModelTokenizer


class TvmEngine:
    """Computes in the loop's own thread, and lets the loop breathe between tokens.

    That is right where it lives: in a process that does nothing else, whose requests are read by
    another thread.
    """

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._loaded: tuple[Decoder, ModelTokenizer, KvStates, Constraints] | None = None

    async def load(self, on_progress: OnProgress) -> EngineInfo:
        """Map the weights, load the library, and bring the weights into memory."""
        if self._spec.library is None:
            raise LibraryMismatch(
                "The model cannot be loaded", "It has no compiled library.", "Compile it for this computer."
            )
        runtime = Runtime(self._spec.threads)
        decoder = Decoder(runtime, self._spec.model_dir, self._spec.library, self._spec.context_window)
        if self._spec.threads:
            decoder.use_threads(runtime.threads)
        for fraction in decoder.touch_weights():
            on_progress(fraction * 0.9)
            await asyncio.sleep(0)
        decoder.warm_up()
        tokenizer = ModelTokenizer(self._spec.model_dir)
        on_progress(1.0)
        states = KvStates(decoder.new_cache, self._spec.cache_bytes)
        self._loaded = decoder, tokenizer, states, Constraints(tokenizer, decoder.shape.vocab)
        threads = f"{runtime.threads} thread{'s' if runtime.threads > 1 else ''}"
        device = f"CPU, {isa_title(decoder.isa)}, {threads}"
        return EngineInfo(decoder.context_window, device, self._memory_bytes(decoder), constraints=KINDS)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        """Read what is new of the prompt, then choose, show and read token after token.

        Raises:
            ConstraintRefused: the reply cannot be held to what is asked for; every state stays as it was.
        """
        decoder, tokenizer, states, constraints = self._parts()
        held = None
        if request.constraint is not None:
            held = await constraints.begin(request.constraint, tokenizer.marker_ids(request.markers))
        reply = Reply(request, decoder, tokenizer, states, held)
        for progress in reply.read_prompt():
            yield GenerationChunk(progress=progress)
            await asyncio.sleep(0)
        for chunk in reply.write():
            yield chunk
            await asyncio.sleep(0)
        yield reply.last_chunk()

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """Token count of each prompt."""
        tokenizer = self._parts()[1]
        return [len(tokenizer.encode(prompt)) for prompt in prompts]

    async def close(self) -> None:
        """Let go of weights and caches; the process is about to end."""
        self._loaded = None

    def _memory_bytes(self, decoder: Decoder) -> int:
        """Weights, and what the KV states may take: the one in use may fill its window, whatever the budget is."""
        window = decoder.shape.cache_bytes_per_position * decoder.context_window
        return decoder.weight_bytes + max(self._spec.cache_bytes, window)

    def _parts(self) -> tuple[Decoder, ModelTokenizer, KvStates, Constraints]:
        if self._loaded is None:
            raise not_loaded(self._spec.model)
        return self._loaded
