"""MLC-LLM's own engine behind our protocol, where it is installed: the way to a graphics card.

Prompts are rendered and tokenized by us, since its own templates know neither our literal texts nor most tools.
What is worked around here was observed: its engine thread can die in silence, so every step has a time limit, and
a request ends by cancelling the task that reads it, because ``abort`` leaves the reader waiting for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tether_desktop.errors import EngineError, LibraryMismatch, ModelBroken, PromptTooLong
from tether_desktop.messages import FinishReason, Timings, Usage
from tether_desktop.model.engine import (
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    OnProgress,
    Prompt,
    SamplingParams,
    TokenLogprob,
)
from tether_desktop.model.process import STUCK
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

logger = logging.getLogger(__name__)

_DEVICES = ("cuda", "metal", "rocm", "vulkan", "opencl")
"""Kinds of device code in a library; one without any of it computes on the processor."""

_MOST_LOGPROBS = 5
_END: dict[str, FinishReason] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}


class Official(Protocol):
    """What we use of ``mlc_llm.AsyncMLCEngine``."""

    completions: Any

    def terminate(self) -> None:
        """Free everything; must be called, since its threads keep a process alive."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds that a step may take before the engine counts as dead: the first token, and each further one."""

    first: float = 600.0
    next: float = 120.0


def load_official(spec: EngineSpec) -> tuple[Official, str]:
    """MLC-LLM's engine with the model loaded, and the name of its device.

    Raises:
        FileNotFoundError, ValueError: as the engine does for a missing file and an unknown device.
    """
    # It would compile a library in a child of its own, which in an installed program starts the program again.
    os.environ["MLC_JIT_POLICY"] = "OFF"
    mlc_llm, tvm = importlib.import_module("mlc_llm"), importlib.import_module("tvm")
    config = importlib.import_module("mlc_llm.serve.config").EngineConfig
    device = _device_of(tvm.runtime.load_module(str(spec.library)))
    engine: Official = mlc_llm.AsyncMLCEngine(
        str(spec.model_dir),
        # An object: for the text "auto" it would look for devices in processes of its own, for seconds.
        tvm.runtime.device(device, 0),
        model_lib=str(spec.library),
        mode="interactive",
        engine_config=config(max_single_sequence_length=spec.context_window),
    )
    return engine, device


class MlcEngine:
    """One request at a time; lives in a process of its own, like our engine."""

    def __init__(
        self,
        spec: EngineSpec,
        load: Callable[[EngineSpec], tuple[Official, str]] = load_official,
        limits: TimeLimits = TimeLimits(),
        give_up: Callable[[int], None] = os._exit,
    ) -> None:
        """Prepare; nothing is imported yet.

        Args:
            spec: the model to load.
            load: makes MLC-LLM's engine.
            limits: after which it counts as dead.
            give_up: ends this process, since a dead engine thread cannot be ended otherwise.
        """
        self._spec = spec
        self._load = load
        self._limits = limits
        self._give_up = give_up
        self._engine: Official | None = None
        self._tokenizer: ModelTokenizer | None = None

    async def load(self, on_progress: OnProgress) -> EngineInfo:
        """Load the model; MLC-LLM does not tell how far it is."""
        on_progress(0.0)
        if self._spec.library is None:
            raise _no_library("It has no compiled library.")
        self._tokenizer = await asyncio.to_thread(ModelTokenizer, self._spec.model_dir)
        try:
            self._engine, device = await asyncio.to_thread(self._load, self._spec)
        except ImportError as error:
            raise EngineError(
                "MLC-LLM is not installed", f"{error}.", "Install it, or prepare the model for the built-in engine."
            ) from error
        except FileNotFoundError as error:
            raise ModelBroken("The model cannot be loaded", f"{error}.", "Fetch the model again.") from error
        except ValueError as error:
            raise _no_library(f"{error}.") from error
        except Exception as error:  # whatever native code reports about a foreign library
            raise _failed(error) from error
        on_progress(1.0)
        size = await asyncio.to_thread(_weight_bytes, self._spec.model_dir)
        return EngineInfo(self._spec.context_window, f"MLC-LLM, {device}", size)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        """Stream a reply; the last chunk has the engine's own counts."""
        engine, tokenizer = self._parts()
        tokens = tokenizer.encode(request.prompt)
        _check_length(len(tokens), self._spec.context_window)
        yield GenerationChunk(progress=0.0)
        reply = _Reply(len(tokens))
        responses: asyncio.Queue[Any] = asyncio.Queue()
        options = _options(request.params, self._spec.context_window - len(tokens))
        reader = asyncio.create_task(_read(engine, tokens, options, responses))
        try:
            async for response in self._watched(responses):
                for chunk in reply.take(response):
                    yield chunk
            yield reply.last_chunk()
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reader

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """Token count of each prompt."""
        _, tokenizer = self._parts()
        return [len(tokenizer.encode(prompt)) for prompt in prompts]

    async def close(self) -> None:
        """End its threads; idempotent."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(engine.terminate)

    async def _watched(self, responses: asyncio.Queue[Any]) -> AsyncIterator[Any]:
        """Responses until the last; gives up when none comes for too long."""
        limit = self._limits.first
        while True:
            try:
                response = await asyncio.wait_for(responses.get(), limit)
            except TimeoutError:
                logger.critical("MLC-LLM has not answered for %g seconds", limit)
                self._give_up(STUCK)
                raise _failed(RuntimeError("it does not answer any more")) from None
            if response is None:
                return
            if isinstance(response, BaseException):
                raise _told(response)
            yield response
            limit = self._limits.next

    def _parts(self) -> tuple[Official, ModelTokenizer]:
        if self._engine is None or self._tokenizer is None:
            raise RuntimeError("the model is not loaded")
        return self._engine, self._tokenizer


class _Reply:
    """A reply as its responses come."""

    def __init__(self, prompt_tokens: int) -> None:
        self._started = time.perf_counter()
        self._first_at = self._last_at = 0.0
        self._finish_reason: FinishReason = "stop"
        self._usage = Usage(prompt_tokens)

    def take(self, response: Any) -> list[GenerationChunk]:
        """The chunks of a response: one with text, or none."""
        if response.usage is not None:
            self._usage = Usage(response.usage.prompt_tokens, 0, response.usage.completion_tokens)
        return [self._chunk(choice) for choice in response.choices]

    def last_chunk(self) -> GenerationChunk:
        """How it ended, and what it took."""
        first = (self._first_at or time.perf_counter()) - self._started
        timings = Timings(prefill_s=first, first_token_s=first, decode_s=max(self._last_at - self._first_at, 0.0))
        return GenerationChunk(finish_reason=self._finish_reason, usage=self._usage, timings=timings)

    def _chunk(self, choice: Any) -> GenerationChunk:
        if choice.finish_reason is not None:
            if choice.finish_reason not in _END:
                raise _failed(RuntimeError(f"the reply ended with {choice.finish_reason!r}"))
            self._finish_reason = _END[choice.finish_reason]
        self._last_at = time.perf_counter()
        self._first_at = self._first_at or self._last_at
        return GenerationChunk(choice.text, logprobs=_logprobs(choice.logprobs))


async def _read(engine: Official, tokens: list[int], options: dict[str, Any], responses: asyncio.Queue[Any]) -> None:
    """Put all responses, then None, into the queue; cancelling this task is what ends the request there."""
    try:
        async for response in await engine.completions.create(prompt=tokens, stream=True, **options):
            responses.put_nowait(response)
    except Exception as error:  # noqa: BLE001 - handed to whoever reads the queue, who tells it
        responses.put_nowait(error)
    else:
        responses.put_nowait(None)


def _options(params: SamplingParams, room: int) -> dict[str, Any]:
    """Our parameters as those of a completion; it knows no top-k, min-p and repetition penalty."""
    return {
        "temperature": params.temperature,
        "top_p": params.top_p,
        "presence_penalty": params.presence_penalty,
        "frequency_penalty": params.frequency_penalty,
        "seed": params.seed,
        "max_tokens": room if params.max_tokens is None else min(room, params.max_tokens),
        "stop": list(params.stop) or None,
        "logit_bias": dict(params.logit_bias) or None,
        "logprobs": None if params.logprobs is None else min(params.logprobs, _MOST_LOGPROBS),
        "stream_options": {"include_usage": True},
    }


def _logprobs(given: Any) -> tuple[TokenLogprob, ...]:
    if given is None:
        return ()
    return tuple(
        TokenLogprob(text, logprob, tuple(sorted(best.items(), key=lambda item: -item[1])))
        for text, logprob, best in zip(given.tokens, given.token_logprobs, given.top_logprobs, strict=True)
    )


def _device_of(module: Any) -> str:
    """The device that a library is compiled for, by the kinds of code it carries."""
    kinds = {str(getattr(part, "kind", "")) for part in module.imports}
    return next((device for device in _DEVICES if device in kinds), "cpu")


def _weight_bytes(model_dir: Path) -> int:
    return sum(path.stat().st_size for path in model_dir.glob("*.bin"))


def _check_length(tokens: int, window: int) -> None:
    if tokens >= window:
        raise PromptTooLong(
            "The conversation is too long",
            f"The prompt has {tokens:,} tokens; the context window has room for {window:,} with the reply.",
            "Shorten the message, or choose a model with a larger context window.",
        )


def _told(error: BaseException) -> EngineError:
    if type(error).__name__ == "BadRequestError":
        return EngineError("The engine refused the request", f"{error}.", "Change the settings of the reply.")
    return _failed(error)


def _failed(error: BaseException) -> EngineError:
    first_line = str(error).strip().splitlines()[:1]
    reason = first_line[0] if first_line else type(error).__name__
    return EngineError("MLC-LLM failed", f"{reason}.", "Send the message again; the log has the details.")


def _no_library(reason: str) -> LibraryMismatch:
    return LibraryMismatch(
        "The library cannot be used", reason, "Fetch the library for this device, or prepare the model for our engine."
    )
