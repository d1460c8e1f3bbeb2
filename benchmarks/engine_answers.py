"""Whole answers to be measured: from our engine alone, and through the whole program without its window."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace

from tether_desktop.app import Tether
from tether_desktop.events import Cancelled, Done, ErrorEvent, Token
from tether_desktop.messages import Usage, text_message
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import EngineSpec, GenerationRequest, SamplingParams
from tether_desktop.model.tvm.engine import TvmEngine
from tether_desktop.protocol.prompt import load_prompt_template
from tether_desktop.protocol.turn import Turn
from tether_desktop.settings import Settings

SYSTEM = "You are a helpful assistant."
_WARM_UP = "Say hello."
_WARM_UP_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as whoever asked has seen it.

    Attributes:
        text: all of it.
        first_s: from asking to the first text.
        decode_s: from the first text to the last.
        cpu_s: processor time of the process that asked, until the end.
        prompt_tokens, cached_tokens, completion_tokens: as the engine counted.
        session: the conversation it is in; empty without one.
    """

    text: str
    first_s: float
    decode_s: float
    cpu_s: float
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    session: str = ""

    @property
    def rate(self) -> float:
        """Tokens per second after the first one."""
        return (self.completion_tokens - 1) / self.decode_s


class Listener:
    """Notes when the pieces of an answer come; made when it is asked for."""

    def __init__(self) -> None:
        self._asked, self._cpu = time.perf_counter(), time.process_time()
        self._first = self._last = self._asked
        self._pieces: list[str] = []

    def hear(self, text: str) -> None:
        """Take in a piece that has just come."""
        self._last = time.perf_counter()
        if not self._pieces:
            self._first = self._last
        self._pieces.append(text)

    def answer(self, usage: Usage, session: str = "") -> Answer:
        """All of it, with what it took."""
        times = self._first - self._asked, self._last - self._first, time.process_time() - self._cpu
        counts = usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens
        return Answer("".join(self._pieces), *times, *counts, session)


class Direct:
    """Our engine in this process, asked by its protocol."""

    def __init__(self, dist: str, model: str, threads: int) -> None:
        entry = Catalog(Settings(dist_path=dist).dist_roots).get(model)
        self._engine = TvmEngine(
            EngineSpec(entry.name, entry.kind, entry.model_dir, entry.library, entry.context_window, threads)
        )
        self._template = load_prompt_template(entry.model_dir)
        self._runner = asyncio.Runner()
        self._runner.run(self._engine.load(lambda _: None))
        self.ask(_WARM_UP, _WARM_UP_TOKENS)

    def ask(self, question: str, tokens: int) -> dict[str, object]:
        """The answer to a question, at most so many tokens long."""
        return asdict(self._runner.run(self._answer(question, tokens)))

    def close(self) -> None:
        """Free the model."""
        self._runner.run(self._engine.close())
        self._runner.close()

    async def _answer(self, question: str, tokens: int) -> Answer:
        prompt = self._template.render([text_message("system", SYSTEM), text_message("user", question)])
        params = replace(_params(tokens), stop=self._template.stop)
        usage = Usage()
        listener = Listener()
        async with aclosing(self._engine.generate(GenerationRequest("", prompt, params))) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    listener.hear(chunk.text)
                usage = chunk.usage or usage
        return listener.answer(usage)


class Stack:
    """The program as the window has it: its service and store here, its engine in a child process."""

    def __init__(self, dist: str, model: str, threads: int) -> None:
        library = Catalog(Settings(dist_path=dist).dist_roots).get(model).library
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        os.environ["TETHER_DATA_DIR"] = self._folder.name
        if library is not None:
            # Allowed in the user's own data folder, of which this one knows nothing.
            trust.add(library)
        settings = Settings(
            dist_path=dist, sqlite_url="", default_model=model, threads=threads, system_prompt=SYSTEM, context_window=0
        )
        self._tether = Tether(settings)
        self._runner = asyncio.Runner()
        self._runner.run(self._tether.start())
        self.ask(_WARM_UP, _WARM_UP_TOKENS)

    def ask(self, question: str, tokens: int, session: str = "") -> dict[str, object]:
        """The answer to a question, in a new conversation or at the end of one."""
        return asdict(self._runner.run(self._answer(question, tokens, session)))

    def close(self) -> None:
        """End the engine and remove the conversations."""
        self._runner.run(self._tether.close())
        self._runner.close()
        self._folder.cleanup()

    async def _answer(self, question: str, tokens: int, session: str) -> Answer:
        sessions = self._tether.sessions
        session = session or (await sessions.create()).id
        listener = Listener()
        turn = await sessions.send(session, question, params=_params(tokens))
        return listener.answer(await _listen(turn, listener), session)


async def _listen(turn: Turn, listener: Listener) -> Usage:
    usage = Usage()
    async for event in turn.events():
        match event:
            case Token(content):
                listener.hear(content)
            case Done():
                usage = event.usage
            case ErrorEvent() | Cancelled():
                raise RuntimeError(f"the turn did not end well: {event}")
    return usage


def _params(tokens: int) -> SamplingParams:
    """The same choice of tokens everywhere."""
    return SamplingParams(temperature=0.0, seed=1, max_tokens=tokens)
