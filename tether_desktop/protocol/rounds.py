"""The rounds of a turn: the model speaks, its calls are run, and it speaks again, until it has answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from tether_desktop.errors import EngineError, NoAnswer
from tether_desktop.events import Done
from tether_desktop.messages import (
    MODELS_CHOICE,
    FinishReason,
    Message,
    Part,
    Phase,
    Timings,
    ToolCall,
    ToolChoice,
    ToolDeclaration,
    ToolResult,
    Usage,
)
from tether_desktop.model.engine import Constraint, Engine, EngineInfo, GenerationChunk, GenerationRequest
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.call_grammar import call_constraint, no_call_constraint
from tether_desktop.protocol.calls import MOST_CALLS, Call, CallRunner
from tether_desktop.protocol.dialects import OURS, Dialect
from tether_desktop.protocol.history import exchanges_of, with_reply
from tether_desktop.protocol.output import TurnOutput
from tether_desktop.protocol.planner import TurnPlan
from tether_desktop.protocol.prompt import PromptTemplate
from tether_desktop.protocol.speech import Speech
from tether_desktop.protocol.stream_parser import StreamParser, state_after_prompt
from tether_desktop.protocol.tool_use import STOPPED
from tether_desktop.protocol.window import ContextWindow, Cut, FittedPrompt, reply_reserve

NO_CALLS = ToolChoice("none")

_OVER = "No more calls can be made in this reply: this one was not run."
_CUT_OFF = "The reply reached its longest length in the middle of this call."
_ANSWER_NOW = "(No more tools can be called in this reply. Answer now, with what is known.)"


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
        *,
        cuts: dict[str, Cut | None],
        clock: Callable[[], float],
    ) -> None:
        """Prepare; ``cuts`` holds where each session's history was cut last."""
        self._plan = plan
        self._pool = pool
        self._runner = runner
        self._out = out
        self._cuts = cuts
        self._clock = clock
        self._usage = Usage()
        self._timings = Timings()
        self._first_round = True
        self._facts: set[str] = set()
        self._told_cut: Cut | None = None

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
        asked = self._clock()
        async with self._pool.lend(self._plan.model, self._out.tell) as engine:
            self._timings = replace(self._timings, queued_s=self._timings.queued_s + self._clock() - asked)
            self._out.tell("reading_prompt", 0.0)
            fitted = await self._fit(engine, choice)
            return await self._generate(engine, fitted, choice)

    async def _fit(self, engine: Engine, choice: ToolChoice) -> FittedPrompt:
        plan = self._plan
        info = self._engine_info()
        window = info.context_window if info else plan.context_window
        fitted = await ContextWindow(
            engine,
            plan.template,
            plan.system,
            with_reply(exchanges_of(plan.branch), self._reply(choice)),
            window=window,
            reserve=reply_reserve(window, plan.params.max_tokens),
            tools=[tool.declaration for tool in plan.tools],
            thinking=self._thinks(choice),
        ).fit(self._cuts.get(plan.reply.session_id))
        self._cuts[plan.reply.session_id] = fitted.cut
        if fitted.trimmed and fitted.cut != self._told_cut:
            self._out.mention(fitted.trimmed)
        self._told_cut = fitted.cut
        return fitted

    def _reply(self, choice: ToolChoice) -> Message:
        """What was said so far as the model reads it.

        In the last round the newest answer says so, unless a grammar sees to it: small models answer to the words.
        """
        reply, info = self._out.reply(), self._engine_info()
        last = reply.parts[-1] if reply.parts else None
        if choice != NO_CALLS or not isinstance(last, ToolResult) or (info and "lark" in info.constraints):
            return reply
        return Message(reply.role, (*reply.parts[:-1], replace(last, result=f"{last.result}\n\n{_ANSWER_NOW}")))

    def _engine_info(self) -> EngineInfo | None:
        state = self._pool.states().get(self._plan.model)
        return state.info if state else None

    async def _generate(self, engine: Engine, fitted: FittedPrompt, choice: ToolChoice) -> Round:
        """Stream what the model says; a thought that has become too long is closed, and the model goes on."""
        speech = Speech(self._parser(fitted), self._out)
        request = self._request(fitted, choice)
        # Thoughts cannot be closed from here where the engine renders the prompt.
        limit = self._plan.settings.thinking_limit if request.prompt else 0
        try:
            last = await self._stream(engine, request, speech, limit)
            if last.finish_reason is None:
                last = await self._stream(engine, self._closing_thought(request, speech), speech, 0)
        except BaseException:  # stopped or broken off: what was written of calls is part of the reply all the same
            speech.finish()
            self._runner.refuse(speech.calls, STOPPED)
            raise
        speech.finish()
        self._count(last)
        return Round(tuple(speech.calls), last.finish_reason or "stop")

    def _parser(self, fitted: FittedPrompt) -> StreamParser:
        names = [tool.declaration.name for tool in self._plan.tools]
        return StreamParser(_state(fitted), dialects=self._dialects(), names=names, phase=self._phase())

    async def _stream(
        self, engine: Engine, request: GenerationRequest, speech: Speech, thinking_limit: int
    ) -> GenerationChunk:
        """The last chunk of a reply; one without a finish reason when its thoughts have reached the limit."""
        async with aclosing(engine.generate(request)) as chunks:
            async for chunk in chunks:
                speech.take(chunk)
                if chunk.finish_reason or 0 < thinking_limit <= speech.thought_tokens:
                    return chunk
        raise EngineError(
            "The reply broke off", f"{self._plan.model} stopped in the middle of its reply.", "Try again."
        )

    def _request(self, fitted: FittedPrompt, choice: ToolChoice) -> GenerationRequest:
        plan, info = self._plan, self._engine_info()
        session_id = plan.reply.session_id
        tools = tuple(tool.declaration for tool in plan.tools)
        constraint = plan.reply_format
        if info and info.takes_messages:
            messages = fitted.messages
            return GenerationRequest(session_id, (), plan.params, messages, tools, choice, constraint)
        if tools and info and "lark" in info.constraints:
            constraint = self._constraint(fitted, tools, choice)
        markers = plan.template.markers
        return GenerationRequest(session_id, fitted.prompt, plan.params, constraint=constraint, markers=markers)

    def _constraint(
        self, fitted: FittedPrompt, tools: Sequence[ToolDeclaration], choice: ToolChoice
    ) -> Constraint | None:
        """What holds the reply to valid calls of known tools, or to none."""
        plan, info = self._plan, self._engine_info()
        if choice == NO_CALLS:
            return no_call_constraint(plan.template.dialect)
        room = (info.context_window if info else plan.context_window) - fitted.tokens
        return call_constraint(
            plan.template.dialect,
            tools,
            choice,
            may_think=plan.template.can_switch_thinking and self._thinks(choice),
            state=_state(fitted),
            most_tokens=min(room, plan.params.max_tokens or room),
            # Models that were not made for tools go on calling whatever comes to their mind.
            most_calls=MOST_CALLS if plan.template.declares_tools else 1,
        )

    def _thinks(self, choice: ToolChoice) -> bool:
        """Whether the model may think first; where a call or a form is demanded, thoughts could take all the room."""
        plan = self._plan
        forced = choice.mode in {"required", "named"} or plan.reply_format is not None
        return plan.settings.thinking == "on" and not forced

    def _dialects(self) -> tuple[Dialect, ...]:
        """How the model may write calls: its own way, and ours, since it may have read of that."""
        if not self._plan.tools:
            return ()
        return tuple(dict.fromkeys((self._plan.template.dialect, OURS)))

    def _phase(self) -> Phase:
        return "post_tool" if any(isinstance(part, ToolResult) for part in self._out.reply().parts) else "pre_tool"

    def _closing_thought(self, request: GenerationRequest, speech: Speech) -> GenerationRequest:
        """The request that goes on after the thought so far."""
        self._usage = replace(self._usage, completion_tokens=self._usage.completion_tokens + speech.tokens)
        template = self._plan.template
        if not isinstance(template, PromptTemplate):
            return request
        speech.add(f"\n{template.thought_end}\n\n")
        return replace(request, prompt=template.continued(request.prompt, speech.text))

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


def _state(fitted: FittedPrompt) -> str:
    return state_after_prompt("".join(piece.text for piece in fitted.prompt[-1:] if not piece.literal))
