"""What a model reads in a turn: the history as far as it fits, with a summary of the rest where one is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tether_desktop.errors import PromptTooLong
from tether_desktop.messages import Message, Part, ToolResult
from tether_desktop.model.engine import Engine, EngineInfo
from tether_desktop.protocol.attachments.rendering import question_text
from tether_desktop.protocol.history import Exchange, exchanges_of, split_begun, with_reply
from tether_desktop.protocol.output import TurnOutput
from tether_desktop.protocol.planner import TurnPlan
from tether_desktop.protocol.speaking import NO_CALLS, Assignment
from tether_desktop.protocol.summary import sum_up, with_summary
from tether_desktop.protocol.window import ContextWindow, Cut, FittedPrompt, counted_alone, reply_reserve

_ANSWER_NOW = "(No more tools can be called in this reply. Answer now, with what is known.)"


class Reading:
    """The prompts of one turn.

    Attributes:
        question_tokens: length of the question; None until it is counted.
    """

    def __init__(self, plan: TurnPlan, out: TurnOutput, cuts: dict[str, Cut | None]) -> None:
        """Prepare; ``cuts`` holds where each session's history was cut last, and keeps this one's."""
        self.question_tokens: int | None = None
        self._plan = plan
        self._out = out
        self._cuts = cuts
        self._told_cut: Cut | None = None
        self._begun: tuple[Part, ...] = ()

    async def fit(self, engine: Engine, assignment: Assignment, info: EngineInfo | None) -> FittedPrompt:
        """The prompt of the next round.

        Raises:
            PromptTooLong: the newest question does not fit even alone.
        """
        if self._plan.question is not None and self.question_tokens is None:
            text = question_text(self._plan.question.message)
            (self.question_tokens,) = await engine.count_tokens([counted_alone(text, assignment.template)])
        said, self._begun = split_begun(self._reply(assignment, info))
        exchanges = with_reply(exchanges_of(self._plan.branch), said)
        session_id = self._plan.reply.session_id
        previous = _still_there(self._cuts.get(session_id), exchanges)
        system = with_summary(self._plan.system, previous.summary if previous else "")
        fitted = await self._fit(engine, assignment, info, system, exchanges, previous)
        fitted = await self._with_summary(engine, assignment, info, fitted, exchanges, previous)
        self._cuts[session_id] = fitted.cut
        if fitted.trimmed and fitted.cut != self._told_cut:
            self._out.mention(fitted.trimmed)
        self._told_cut = fitted.cut
        return fitted

    async def _fit(
        self,
        engine: Engine,
        assignment: Assignment,
        info: EngineInfo | None,
        system: str,
        exchanges: Sequence[Exchange],
        previous: Cut | None,
    ) -> FittedPrompt:
        window = assignment.window(info)
        reserve = reply_reserve(window, assignment.params.max_tokens)
        return await ContextWindow(
            engine,
            assignment.template,
            system,
            exchanges,
            window=window,
            reserve=reserve,
            tools=assignment.tools,
            thinking=assignment.thinks,
            begun=self._begun,
        ).fit(previous)

    async def _with_summary(
        self,
        engine: Engine,
        assignment: Assignment,
        info: EngineInfo | None,
        fitted: FittedPrompt,
        exchanges: Sequence[Exchange],
        previous: Cut | None,
    ) -> FittedPrompt:
        """The prompt with a summary of what is left out, where one is wanted and there is none yet."""
        earlier = previous.summary if previous else ""
        if fitted.cut is None or self._plan.settings.history_summary == "off":
            return fitted
        if previous and previous.exchange_id == fitted.cut.exchange_id:
            return _told(fitted, earlier)
        first, last = _place(previous, exchanges), _place(fitted.cut, exchanges)
        self._out.tell("summing_up", None)
        summary = await sum_up(engine, assignment, exchanges[first:last], earlier=earlier, info=info)
        self._out.tell("reading_prompt", 0.0)
        system = with_summary(self._plan.system, summary)
        try:
            return _told(await self._fit(engine, assignment, info, system, exchanges, fitted.cut), summary)
        except PromptTooLong:
            return fitted

    def _reply(self, assignment: Assignment, info: EngineInfo | None) -> Message:
        """What was said so far as the model reads it.

        In the last round the newest answer says so, unless a grammar sees to it: small models answer to the words.
        """
        reply = self._out.reply()
        last = reply.parts[-1] if reply.parts else None
        held = info is not None and "lark" in info.constraints
        if assignment.choice != NO_CALLS or not isinstance(last, ToolResult) or held:
            return reply
        return Message(reply.role, (*reply.parts[:-1], replace(last, result=f"{last.result}\n\n{_ANSWER_NOW}")))


def _still_there(cut: Cut | None, exchanges: Sequence[Exchange]) -> Cut | None:
    return cut if cut and any(exchange.id == cut.exchange_id for exchange in exchanges) else None


def _place(cut: Cut | None, exchanges: Sequence[Exchange]) -> int:
    ids = [exchange.id for exchange in exchanges]
    return ids.index(cut.exchange_id) if cut else 0


def _told(fitted: FittedPrompt, summary: str) -> FittedPrompt:
    """The prompt, with the summary in what is remembered and told of the cut."""
    cut = fitted.cut and replace(fitted.cut, summary=summary)
    return replace(fitted, cut=cut, trimmed=fitted.trimmed and replace(fitted.trimmed, summary=summary))
