"""An engine that plays a script: for tests, and to try the window without a real model."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from itertools import takewhile
from typing import Protocol

from tether_desktop.errors import PromptTooLong
from tether_desktop.messages import Timings, Usage
from tether_desktop.model.engine import (
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    OnProgress,
    Prompt,
)
from tether_desktop.model.refusals import check_constraint, not_loaded
from tether_desktop.model.scripted.output import ScriptedOutput
from tether_desktop.model.scripted.script import (
    Bug,
    Delay,
    Die,
    Fail,
    Hang,
    Progress,
    Reply,
    Say,
    Script,
    Step,
    Wait,
    read_script,
    split_tokens,
)

_MESSAGE = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)
_RESULTS_IN_A_QUESTION = ("<tool_result", "<tool_response>")
"""How a message with what tools have said begins, where the chat template has no role for them: ours, and theirs."""


class Clock(Protocol):
    """Time as the engine sees it, in seconds; tests give one that does not wait."""

    def now(self) -> float:
        """Seconds since an arbitrary moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        ...


class RealClock:
    """The computer's clock."""

    def now(self) -> float:
        """Seconds since an arbitrary moment."""
        return time.perf_counter()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.sleep(seconds)


class ScriptedEngine:
    """Plays the script of its model folder.

    One step of a reply is one token of its usage. Tokens have no numbers, so that a bias on them changes
    nothing. The prompt of a session that begins as the last prompt and reply of it did counts as cached, as
    it would with a KV cache.
    """

    def __init__(
        self,
        spec: EngineSpec,
        *,
        script: Script | None = None,
        clock: Clock | None = None,
        die: Callable[[int], object] = os._exit,
    ) -> None:
        """Prepare; ``script`` replaces the folder's, ``die`` ends the process."""
        self._spec = spec
        self._script = script
        self._clock = clock or RealClock()
        self._die = die
        self._turns = {"question": 0, "result": 0}
        self._closed = False
        self._seen: dict[str, list[str]] = {}

    async def load(self, on_progress: OnProgress) -> EngineInfo:
        """Play the script's loading."""
        on_progress(0.0)
        for step in self._loaded_script().load:
            if isinstance(step, Progress):
                on_progress(step.fraction)
            await self._act(step)
        on_progress(1.0)
        return EngineInfo(self._spec.context_window, "Scripted")

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        """Play the script's next reply, or the one that matches the question."""
        check_constraint(request.constraint, ())
        prompt = _prompt_tokens(request.prompt)
        room = self._spec.context_window - len(prompt)
        if room < 1:
            raise _too_long(len(prompt), self._spec.context_window)
        cached = _common_length(self._seen.get(request.session_id, []), prompt)
        watch = _Stopwatch(self._clock)
        for step in self._loaded_script().prefill:
            if isinstance(step, Progress):
                yield GenerationChunk(progress=step.fraction)
            await self._act(step)
        watch.prefilled()
        output = ScriptedOutput(request.params, room)
        try:
            async with aclosing(self._speak(request.prompt, output, watch)) as texts:
                async for text in texts:
                    yield GenerationChunk(text, logprobs=output.take_logprobs())
        finally:
            self._seen[request.session_id] = prompt + output.tokens
        usage = Usage(len(prompt), cached, len(output.tokens))
        reason, logprobs = output.finish_reason or "stop", output.take_logprobs()
        yield GenerationChunk(output.rest(), None, reason, usage, watch.timings(), logprobs)

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """Words and marks of each prompt."""
        self._loaded_script()
        return [len(_prompt_tokens(prompt)) for prompt in prompts]

    async def close(self) -> None:
        """Forget the sessions."""
        self._closed = True
        self._seen.clear()

    async def _speak(self, prompt: Prompt, output: ScriptedOutput, watch: _Stopwatch) -> AsyncGenerator[str, None]:
        pace = self._loaded_script().tokens_per_second
        for step in self._choose(prompt).steps:
            if isinstance(step, Say):
                text = output.add(step.text)
                watch.token()
                if output.finish_reason:
                    return
                yield text
                await self._clock.sleep(1 / pace if pace else 0)
            await self._act(step)

    async def _act(self, step: Step) -> None:
        match step:
            case Delay(seconds):
                await self._clock.sleep(seconds)
            case Fail(error):
                raise error
            case Bug(message):
                raise RuntimeError(message)
            case Die(exit_code):
                self._die(exit_code)
            case Wait():
                await asyncio.get_running_loop().create_future()
            case Hang():
                threading.Event().wait()

    def _choose(self, prompt: Prompt) -> Reply:
        replies = self._loaded_script().replies
        question, result = _last_messages(prompt)
        if result is not None:
            answer = self._pick([reply for reply in replies if reply.after_tool], result, "result")
            if answer is not None:
                return answer
        to_questions = [reply for reply in replies if not reply.after_tool]
        answer = self._pick(to_questions, question, "question")
        return answer or self._next(to_questions, "question")

    def _pick(self, replies: Sequence[Reply], text: str, turn: str) -> Reply | None:
        """The reply whose pattern is found in a text; else the one whose turn it is, where some take turns."""
        matching = (reply for reply in replies if reply.match and reply.match.search(text))
        in_turn = [reply for reply in replies if reply.match is None]
        found = next(matching, None)
        return self._next(in_turn, turn) if found is None and in_turn else found

    def _next(self, replies: Sequence[Reply], turn: str) -> Reply:
        self._turns[turn] += 1
        return replies[(self._turns[turn] - 1) % len(replies)]

    def _loaded_script(self) -> Script:
        if self._closed:
            raise not_loaded(self._spec.model)
        if self._script is None:
            self._script = read_script(self._spec.model_dir)
        return self._script


class _Stopwatch:
    """The timings of one reply, in seconds of a clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = self._prefilled = self._last = clock.now()
        self._first: float | None = None

    def prefilled(self) -> None:
        self._prefilled = self._last = self._clock.now()

    def token(self) -> None:
        self._last = self._clock.now()
        self._first = self._last if self._first is None else self._first

    def timings(self) -> Timings:
        first = self._last if self._first is None else self._first
        return Timings(0.0, self._prefilled - self._start, first - self._start, self._last - first)


def _prompt_tokens(prompt: Prompt) -> list[str]:
    return [token for piece in prompt for token in split_tokens(piece.text)]


def _last_messages(prompt: Prompt) -> tuple[str, str | None]:
    """The last thing a person wrote, and what tools have said at the end; None where they have not.

    That is for prompts in ChatML, as our scripted models have it; of another one, all of it is the question.
    """
    # What somebody wrote ends no message, even where it looks like the mark that does.
    text = "".join(piece.text.replace("<|", "< |") if piece.literal else piece.text for piece in prompt)
    messages = _MESSAGE.findall(text)
    questions = [said for role, said in messages if role == "user" and not _is_result(role, said)]
    results = [said for _, said in takewhile(lambda message: _is_result(*message), reversed(messages))]
    return questions[-1] if questions else text, "\n".join(reversed(results)) if results else None


def _is_result(role: str, said: str) -> bool:
    return role == "tool" or said.startswith(_RESULTS_IN_A_QUESTION)


def _common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Tokens both begin with; the last one of ``second`` is always computed, as an engine must."""
    pairs = zip(first, second[:-1], strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(first), max(len(second) - 1, 0)))


def _too_long(tokens: int, window: int) -> PromptTooLong:
    return PromptTooLong(
        "The message is too long",
        f"It has {tokens} tokens; this model keeps {window} in mind.",
        "Shorten the message or choose a model with a larger context window.",
    )
