"""The rounds of a turn: the model speaks, its calls are run, and it speaks again, until it has answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from tether_desktop.errors import NoAnswer
from tether_desktop.events import Done
from tether_desktop.messages import (
    MODELS_CHOICE,
    FinishReason,
    Part,
    Phase,
    Timings,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from tether_desktop.model.engine import Engine, EngineInfo, GenerationChunk
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.calls import CallRunner
from tether_desktop.protocol.output import TurnOutput
from tether_desktop.protocol.planner import TurnPlan
from tether_desktop.protocol.reading import Reading
from tether_desktop.protocol.speaking import NO_CALLS, Assignment, parser_for, request_for, speak
from tether_desktop.protocol.speech import Call, Speech
from tether_desktop.protocol.tool_use import STOPPED
from tether_desktop.protocol.window import FittedPrompt

_OVER = "No more calls can be made in this reply: this one was not run."
_CUT_OFF = "The reply reached its longest length in the middle of this call."


@dataclass(frozen=True, slots=True)
class Round:
    """What the model said in one round.

    Attributes:
        calls: what it called, in order.
        finish_reason: why it stopped.
    """

    calls: tuple[Call, ...]
    finish_reason: FinishReason


class Rounds:
    """Answers one question."""

    def __init__(
        self,
        plan: TurnPlan,
        pool: EnginePool,
        runner: CallRunner,
        out: TurnOutput,
        reading: Reading,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._plan = plan
        self._pool = pool
        self._runner = runner
        self._out = out
        self._reading = reading
        self._clock = clock
        # Those of a reply that is continued count on from what it took before, as far as that is known.
        self._usage = plan.reply.usage or Usage()
        self._timings = plan.reply.timings or Timings()
        self._first_round = plan.reply.usage is None
        self._facts: set[str] = set()

    async def answer(self) -> Done:
        """Go round until there is an answer, or no more rounds.

        Raises:
            NoAnswer: the model went on calling tools when nothing new could come of it.
            TetherError: as the engine.
        """
        choice, rounds = self._plan.choice, self._plan.settings.tool_rounds
        for _ in range(rounds):
            said = await self._round(choice)
            if said.finish_reason == "length" or not said.calls:
                return self._done(said, _CUT_OFF)
            await self._runner.run(said.calls)
            if not self._learned_something() or self._has_what_was_demanded(choice):
                break
            choice = MODELS_CHOICE
        said = await self._round(NO_CALLS)
        done = self._done(said, _OVER)
        if not self._out.has_answer():
            raise NoAnswer(
                "No answer",
                f"{self._plan.model} called tools again and again and gave no answer.",
                "Ask in another way, choose another model, or allow more rounds of tools in the settings.",
            )
        return done

    def _learned_something(self) -> bool:
        """Whether the calls of the last round were others than those before, or had other answers."""
        parts = self._out.reply().parts
        results = {part.id: (part.result, part.is_error) for part in parts if isinstance(part, ToolResult)}
        facts = {repr((part.name, part.arguments, part.text, results.get(part.id))) for part in _calls(parts)}
        new = facts - self._facts
        self._facts = facts
        return bool(new)

    def _has_what_was_demanded(self, choice: ToolChoice) -> bool:
        """Whether a demanded call was all there is to call: a model not made for tools would go on with any others."""
        return choice.mode in {"required", "named"} and not self._plan.template.declares_tools

    def _done(self, said: Round, refusal: str) -> Done:
        self._runner.refuse(said.calls, refusal)
        reason = "stop" if said.finish_reason == "tool_calls" else said.finish_reason
        return Done(reason, self._usage, self._timings)

    async def _round(self, choice: ToolChoice) -> Round:
        assignment = self._assignment(choice)
        asked = self._clock()
        async with self._pool.lend(self._plan.model, self._out.tell) as engine:
            self._timings = replace(self._timings, queued_s=self._timings.queued_s + self._clock() - asked)
            self._out.tell("reading_prompt", 0.0)
            fitted = await self._reading.fit(engine, assignment, self._engine_info())
            return await self._generate(engine, fitted, assignment)

    def _assignment(self, choice: ToolChoice) -> Assignment:
        plan = self._plan
        return Assignment(
            plan.reply.session_id,
            plan.template,
            plan.params,
            plan.context_window,
            tuple(tool.declaration for tool in plan.tools),
            choice,
            plan.reply_format,
            may_think=plan.settings.thinking == "on",
            thinking_limit=plan.settings.thinking_limit,
        )

    def _engine_info(self) -> EngineInfo | None:
        state = self._pool.states().get(self._plan.model)
        return state.info if state else None

    async def _generate(self, engine: Engine, fitted: FittedPrompt, assignment: Assignment) -> Round:
        """Stream what the model says."""
        speech = Speech(parser_for(assignment, fitted, self._phase()), self._out)
        request = request_for(assignment, fitted, self._engine_info())
        last = GenerationChunk()
        try:
            async with aclosing(speak(engine, request, speech, assignment)) as chunks:
                async for chunk in chunks:
                    last = chunk
        except BaseException:  # stopped or broken off: what was written of calls is part of the reply all the same
            speech.finish()
            self._runner.refuse(speech.calls, STOPPED)
            raise
        self._count(last)
        return Round(tuple(speech.calls), last.finish_reason or "stop")

    def _phase(self) -> Phase:
        return "post_tool" if any(isinstance(part, ToolResult) for part in self._out.reply().parts) else "pre_tool"

    def _count(self, last: GenerationChunk) -> None:
        usage, timings = last.usage or Usage(), last.timings or Timings()
        self._timings = Timings(
            self._timings.queued_s,
            self._timings.prefill_s + timings.prefill_s,
            self._timings.first_token_s or timings.first_token_s,
            self._timings.decode_s + timings.decode_s,
        )
        written = self._usage.completion_tokens
        cached = usage.cached_tokens if self._first_round else self._usage.cached_tokens
        # What was written in this reply so far is in the prompt again, and counted already.
        self._usage = Usage(max(0, usage.prompt_tokens - written), cached, written + usage.completion_tokens)
        self._first_round = False


def _calls(parts: Sequence[Part]) -> list[ToolCall]:
    return [part for part in parts if isinstance(part, ToolCall)]
