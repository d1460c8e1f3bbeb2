"""The double's engine: a thread that computes, and the asynchronous interface in front of it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import queue
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tests.helpers.mlc_double.machine import PairMachine
from tests.helpers.mlc_double.protocol import CompletionRequest, CompletionResponse, CompletionResponseChoice
from tests.helpers.mlc_double.requests import Delta, RunningRequest
from tests.helpers.mlc_double.text import TextStreamer

CHILDREN: list[str] = []
"""What the real engine would have started processes for."""

_WATERMARK = 8
"""Tokens that the KV cache must have room for beyond the prompt, before it is begun."""

_numbers = itertools.count(1)


@dataclass
class EngineConfig:
    """After ``mlc_llm.serve.config.EngineConfig``; what is used of it."""

    kv_cache_page_size: int = 16
    max_single_sequence_length: int | None = None
    max_total_sequence_length: int | None = None


@dataclass(frozen=True)
class Device:
    """A device as TVM names it."""

    name: str

    @property
    def exist(self) -> bool:
        """Whether this computer has it: the processor, and as far as the double goes, Vulkan."""
        return self.name in {"cpu", "vulkan"}


class AsyncMLCEngine:
    """See the package's docstring."""

    def __init__(
        self,
        model: str,
        device: str | Device = "auto",
        *,
        model_lib: str | None = None,
        mode: str = "local",
        engine_config: EngineConfig | None = None,
    ) -> None:
        config = engine_config or EngineConfig()
        if config.kv_cache_page_size != 16:
            raise ValueError("KV cache only supports page size 16")
        self.device = _detect(device) if isinstance(device, str) else device
        self.mode = mode
        folder = _model_folder(model)
        _check_library(model_lib)
        fields = json.loads((folder / "mlc-chat-config.json").read_text(encoding="utf-8"))
        window = int(fields["context_window_size"])
        single = min(config.max_single_sequence_length or window, window)
        total = config.max_total_sequence_length or single
        self.max_input_sequence_length = min(single, total)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        stop_tokens = fields["conv_template"]["stop_token_ids"]
        self._stop_texts = tuple(fields["conv_template"]["stop_str"])
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: dict[str, asyncio.Queue[Delta | None]] = {}
        self._terminated = False
        self._background = _Background(self._tokenizer, stop_tokens, self.max_input_sequence_length, total)
        self._background.dies_after = fields.get("double", {}).get("dies_after")
        # The thread must not keep the engine from being collected.
        self._background.start(weakref.WeakMethod(self._deliver))
        self.completions = _Completions(weakref.ref(self))

    def __del__(self) -> None:
        self.terminate()

    def terminate(self) -> None:
        """End the thread; idempotent."""
        if not getattr(self, "_terminated", True):
            self._terminated = True
            self._background.exit()

    async def abort(self, request_id: str) -> None:
        """End a request; whoever reads it is told nothing."""
        self._abort(request_id)

    async def stream(self, request: CompletionRequest, request_id: str) -> AsyncGenerator[CompletionResponse, None]:
        """The responses to a request."""
        request.check(self.max_input_sequence_length)
        if self._terminated:
            raise ValueError("The AsyncThreadedEngine has terminated.")
        # The first loop that asks is the one for ever.
        self._loop = self._loop or asyncio.get_running_loop()
        deltas = self._streams[request_id] = asyncio.Queue()
        self._background.add(request_id, request, self._stop_texts)
        streamer = TextStreamer(self._tokenizer)
        try:
            while (delta := await deltas.get()) is not None:
                response = _response(request, request_id, delta, streamer)
                if response is not None:
                    yield response
        except BaseException:
            self._abort(request_id)
            raise

    def _abort(self, request_id: str) -> None:
        self._streams.pop(request_id, None)
        self._background.abort(request_id)

    def _deliver(self, request_id: str, delta: Delta | None) -> None:
        """Called in the engine's thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._push, request_id, delta)

    def _push(self, request_id: str, delta: Delta | None) -> None:
        if request_id in self._streams:
            self._streams[request_id].put_nowait(delta)
            if delta is None:
                del self._streams[request_id]


class _Completions:
    """What ``engine.completions`` is."""

    def __init__(self, engine: weakref.ref[AsyncMLCEngine]) -> None:
        self._engine = engine

    async def create(
        self, *, prompt: list[int], stream: bool = False, request_id: str | None = None, **options: Any
    ) -> AsyncGenerator[CompletionResponse, None]:
        """Begin a stream; options are checked, the prompt only when something is read."""
        assert stream, "the double streams only"
        usage = bool((options.pop("stream_options", None) or {}).get("include_usage"))
        stop = options.pop("stop", None)
        given = {name: value for name, value in options.items() if value is not None}
        stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
        request = CompletionRequest(prompt, stop=stops, include_usage=usage, **given)
        request.validate()
        engine = self._engine()
        assert engine is not None
        return engine.stream(request, request_id or f"cmpl-{next(_numbers)}")


class _Background:
    """The engine's thread: one request at a time, others wait; it dies of any fault, and says nothing.

    Attributes:
        dies_after: tokens after which it dies, to be tried out.
    """

    def __init__(self, tokenizer: Tokenizer, stop_tokens: Sequence[int], longest: int, total: int) -> None:
        self.dies_after: int | None = None
        self._tokenizer = tokenizer
        self._stop_tokens = stop_tokens
        self._longest = longest
        self._total = total
        self._machine = PairMachine(tokenizer.get_vocab_size(), _no_words(tokenizer))
        self._instructions: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._waiting: dict[str, tuple[CompletionRequest, tuple[str, ...]]] = {}
        self._running: tuple[str, RunningRequest] | None = None
        self._cached: list[int] = []
        self._thread: threading.Thread | None = None

    def start(self, deliver: weakref.WeakMethod[Callable[[str, Delta | None], None]]) -> None:
        """Begin to work."""
        self._thread = threading.Thread(target=self._work, args=(deliver,), name="mlc double", daemon=False)
        self._thread.start()

    def add(self, request_id: str, request: CompletionRequest, stop_texts: tuple[str, ...]) -> None:
        """Put a request into the line."""
        self._instructions.put(("add", request_id, request, stop_texts))

    def abort(self, request_id: str) -> None:
        """Take a request out, wherever it is."""
        self._instructions.put(("abort", request_id))

    def exit(self) -> None:
        """End, and wait for it."""
        self._instructions.put(("exit",))
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _work(self, deliver: weakref.WeakMethod[Callable[[str, Delta | None], None]]) -> None:
        dead = False
        while self._obey(block=dead or self._running is None):
            if dead:
                continue
            try:
                self._begin()
                self._step(lambda *what: (target := deliver()) and target(*what))
            except Exception:  # noqa: BLE001 - the real thread ends here as well, without a word
                dead = True

    def _obey(self, *, block: bool) -> bool:
        """Follow what was asked for; False at the end."""
        while block or not self._instructions.empty():
            match self._instructions.get():
                case ("exit",):
                    return False
                case ("add", request_id, request, stop_texts):
                    self._waiting[request_id] = request, stop_texts
                case ("abort", request_id):
                    self._waiting.pop(request_id, None)
                    if self._running is not None and self._running[0] == request_id:
                        self._cached, self._running = self._running[1].tokens[:-1], None
            block = False
        return True

    def _begin(self) -> None:
        """Take the first in the line, if it fits; it waits for ever if it never does."""
        if self._running is None and self._waiting:
            request_id, (request, stop_texts) = next(iter(self._waiting.items()))
            if len(request.prompt) + _WATERMARK <= self._total:
                del self._waiting[request_id]
                everything = CompletionRequest(**{**vars(request), "stop": (*request.stop, *stop_texts)})
                self._running = request_id, RunningRequest(everything, self._tokenizer, self._stop_tokens)

    def _step(self, deliver: Callable[[str, Delta | None], object]) -> None:
        if self._running is None:
            return
        request_id, running = self._running
        if self.dies_after is not None and running.generated >= self.dies_after:
            raise RuntimeError("the thread dies, as it was told to")
        delta = running.step(self._machine, self._longest)
        deliver(request_id, delta)
        if running.finished:
            deliver(request_id, running.usage(self._common(running.request.prompt)))
            deliver(request_id, None)
            self._cached, self._running = running.tokens[:-1], None

    def _common(self, prompt: Sequence[int]) -> int:
        """Tokens that are in the cache; the last one of a prompt is always computed."""
        pairs = zip(self._cached, prompt[:-1], strict=False)
        return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _response(
    request: CompletionRequest, request_id: str, delta: Delta, streamer: TextStreamer
) -> CompletionResponse | None:
    """A response to a step; none where there is no text, even if there are probabilities."""
    if delta.usage is not None:
        return CompletionResponse(request_id, [], delta.usage) if request.include_usage else None
    text = streamer.put(delta.tokens) + (streamer.finish() if delta.finish_reason else "")
    if not text and delta.finish_reason is None:
        return None
    return CompletionResponse(request_id, [CompletionResponseChoice(text, delta.finish_reason, delta.logprobs)])


def _no_words(tokenizer: Tokenizer) -> list[int]:
    """Tokens that are marks, or parts of characters."""
    added = tokenizer.get_added_tokens_decoder()
    numbers = range(tokenizer.get_vocab_size())
    return [number for number in numbers if number in added or "\ufffd" in tokenizer.decode([number])]


def _detect(device: str) -> Device:
    CHILDREN.append("to look for devices")
    if device not in {"auto", "cpu", "vulkan"}:
        raise ValueError(f"Unknown device name: {device}.")
    return Device("cpu" if device == "auto" else device)


def _model_folder(model: str) -> Path:
    folder = Path(model)
    if not folder.is_dir():
        raise FileNotFoundError(f"Cannot find model {model}, directory does not exist")
    if not (folder / "mlc-chat-config.json").is_file():
        raise FileNotFoundError(f"Cannot find {folder / 'mlc-chat-config.json'} in the model directory provided")
    return folder


def _check_library(model_lib: str | None) -> None:
    if model_lib is None:
        if os.environ.get("MLC_JIT_POLICY") == "OFF":
            raise RuntimeError("JIT is disabled by MLC_JIT_POLICY=OFF")
        CHILDREN.append("to compile a library")
    elif not Path(model_lib).is_file():
        raise FileNotFoundError(f"The `model_lib` you passed in is not a file: {model_lib}.\n")
