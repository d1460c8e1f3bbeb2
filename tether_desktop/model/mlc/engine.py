"""MLC-LLM's own engine behind our protocol, where it is installed: the way to a graphics card.

Prompts are rendered and tokenized by us, since its own templates know neither our literal texts nor most tools.
What is worked around here was observed, or stands in its sources: its engine thread can die in silence, so every
step has a time limit; a request ends by cancelling the task that reads it, because ``abort`` leaves the reader
waiting for ever; and a prompt that nearly fills its KV cache is never begun, so the cache is a little larger.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tether_desktop.child_process import STUCK
from tether_desktop.errors import EngineError, LibraryMismatch, ModelBroken, TetherError
from tether_desktop.model.engine import (
    ConstraintKind,
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    OnProgress,
    Prompt,
)
from tether_desktop.model.mlc.reply import MlcReply, completion_options, failed, refused
from tether_desktop.model.refusals import check_constraint, check_prompt, not_loaded
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

logger = logging.getLogger(__name__)

_DEVICES = ("cuda", "metal", "rocm", "vulkan", "opencl")
"""Kinds of device code in a library; one without any of it computes on the processor."""

_CONSTRAINTS: tuple[ConstraintKind, ...] = ("json_schema",)
"""Its completions take a schema, and no expression or grammar."""

_SPARE_TOKENS = 32
"""Two pages of its KV cache, which it wants to see free, with eight tokens, before it begins to read a prompt."""


class Official(Protocol):
    """What we use of ``mlc_llm.AsyncMLCEngine``.

    Attributes:
        completions: makes replies to prompts.
        max_input_sequence_length: tokens of prompt and reply that the library and its KV cache have room for.
    """

    completions: Any
    max_input_sequence_length: int

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
        ImportError: it is not installed.
        FileNotFoundError: the model or the library is not there.
        ValueError: the device that the library is for is not there, or an option is refused.
    """
    # It would compile a library in a child of its own, which in an installed program starts the program again.
    os.environ["MLC_JIT_POLICY"] = "OFF"
    mlc_llm, tvm = importlib.import_module("mlc_llm"), importlib.import_module("tvm")
    config = importlib.import_module("mlc_llm.serve.config").EngineConfig
    name = _device_of(tvm.runtime.load_module(str(spec.library)))
    # An object: for the text "auto" it would look for devices in processes of its own, for seconds.
    device = tvm.runtime.device(name, 0)
    if not device.exist:
        raise ValueError(f"It is compiled for {name}, and MLC-LLM finds no such device")
    engine: Official = mlc_llm.AsyncMLCEngine(
        str(spec.model_dir),
        device,
        model_lib=str(spec.library),
        mode="interactive",
        engine_config=config(
            max_single_sequence_length=spec.context_window,
            max_total_sequence_length=spec.context_window + _SPARE_TOKENS,
        ),
    )
    return engine, name


class MlcEngine:
    """One request at a time; lives in a process of its own, like our engine."""

    def __init__(
        self,
        spec: EngineSpec,
        load: Callable[[EngineSpec], tuple[Official, str]] = load_official,
        limits: TimeLimits = TimeLimits(),
        give_up: Callable[[int], object] = os._exit,
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
        self._loaded: tuple[Official, ModelTokenizer, int] | None = None
        self._ends: tuple[str, ...] = ()
        self._abandoned = False

    async def load(self, on_progress: OnProgress) -> EngineInfo:
        """Load the model; MLC-LLM does not tell how far it is."""
        on_progress(0.0)
        if self._spec.library is None:
            raise _no_library("It has no compiled library.")
        tokenizer = await asyncio.to_thread(ModelTokenizer, self._spec.model_dir)
        self._ends = _other_ends(tokenizer, self._spec.model_dir)
        engine, device = await self._load_engine()
        window = min(self._spec.context_window, engine.max_input_sequence_length)
        self._loaded = engine, tokenizer, window
        on_progress(1.0)
        size = await asyncio.to_thread(_weight_bytes, self._spec.model_dir)
        return EngineInfo(window, f"MLC-LLM, {device}", size, constraints=_CONSTRAINTS)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        """Stream a reply; the last chunk has the engine's own counts."""
        engine, tokenizer, window = self._parts()
        check_constraint(request.constraint, _CONSTRAINTS)
        tokens = tokenizer.encode(request.prompt)
        check_prompt(len(tokens), window)
        reply = MlcReply(request, len(tokens), tokenizer, self._ends)
        options = completion_options(request, window - len(tokens), tokenizer.vocab_size)
        yield GenerationChunk(progress=0.0)
        responses: asyncio.Queue[Any] = asyncio.Queue()
        reader = asyncio.create_task(_read(engine, tokens, options, responses))
        try:
            async for response in self._watched(responses):
                for chunk in reply.take(response):
                    yield chunk
                if reply.stopped:
                    break
            yield reply.last_chunk()
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """Token count of each prompt."""
        _, tokenizer, _ = self._parts()
        return [len(tokenizer.encode(prompt)) for prompt in prompts]

    async def close(self) -> None:
        """End its threads; idempotent."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            await asyncio.to_thread(loaded[0].terminate)

    async def _load_engine(self) -> tuple[Official, str]:
        try:
            return await asyncio.to_thread(self._load_unless_abandoned)
        except asyncio.CancelledError:
            self._abandoned = True
            raise
        except ImportError as error:
            hint = "Install it, or prepare the model for the built-in engine."
            raise EngineError("MLC-LLM is not installed", f"{error}.", hint) from error
        except FileNotFoundError as error:
            raise ModelBroken("The model cannot be loaded", f"{error}.", "Fetch the model again.") from error
        except ValueError as error:
            raise _no_library(f"{error}.") from error
        except Exception as error:  # whatever native code reports about a foreign library
            raise failed(error) from error

    def _load_unless_abandoned(self) -> tuple[Official, str]:
        """Load in a thread, which goes on when the load is cancelled, and must not leave an engine behind then."""
        engine, device = self._load(self._spec)
        if self._abandoned:
            engine.terminate()
        return engine, device

    async def _watched(self, responses: asyncio.Queue[Any]) -> AsyncIterator[Any]:
        """Responses until the last; gives up when none comes for too long."""
        limit = self._limits.first
        while True:
            try:
                async with asyncio.timeout(limit):
                    response = await responses.get()
            except TimeoutError:
                logger.critical("MLC-LLM has not answered for %g seconds", limit)
                self._give_up(STUCK)
                raise failed(RuntimeError("it does not answer any more")) from None
            if response is None:
                return
            if isinstance(response, Exception):
                raise _told(response)
            yield response
            limit = self._limits.next

    def _parts(self) -> tuple[Official, ModelTokenizer, int]:
        if self._loaded is None:
            raise not_loaded(self._spec.model)
        return self._loaded


async def _read(engine: Official, tokens: list[int], options: dict[str, Any], responses: asyncio.Queue[Any]) -> None:
    """Put all responses, then None, into the queue; cancelling this task is what ends the request there."""
    try:
        async for response in await engine.completions.create(prompt=tokens, stream=True, **options):
            responses.put_nowait(response)
    except Exception as error:  # noqa: BLE001 - handed to whoever reads the queue, who tells it
        responses.put_nowait(error)
    else:
        responses.put_nowait(None)


def _device_of(module: Any) -> str:
    """The device that a library is compiled for, by the kinds of code it carries."""
    kinds = set(_kinds(module))
    return next((device for device in _DEVICES if device in kinds), "cpu")


def _kinds(module: Any) -> Iterator[str]:
    yield str(module.kind)
    for part in module.imports:
        yield from _kinds(part)


def _other_ends(tokenizer: ModelTokenizer, model_dir: Path) -> tuple[str, ...]:
    """Tokens that end a reply, as text, of which the engine does not know: it knows those of the template alone."""
    config = json.loads((model_dir / "mlc-chat-config.json").read_text(encoding="utf-8"))
    template = config.get("conv_template")
    known = template.get("stop_token_ids") if isinstance(template, dict) else None
    return tuple(tokenizer.token_text(token) for token in sorted(tokenizer.eos_ids - set(known or ())))


def _weight_bytes(model_dir: Path) -> int:
    return sum(path.stat().st_size for path in model_dir.glob("*.bin"))


def _told(error: Exception) -> TetherError:
    return refused(error) if isinstance(error, ValueError) else failed(error)


def _no_library(reason: str) -> LibraryMismatch:
    return LibraryMismatch(
        "The library cannot be used", reason, "Fetch the library for this device, or prepare the model for our engine."
    )
