"""One turn: prompt -> model -> events, stored as they happen."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace

from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.errors import EngineError, TetherError
from tether_desktop.events import Cancelled, Done, ErrorEvent, Event, HiddenThought, Stage, Status, Title, Token
from tether_desktop.messages import Timings, Usage
from tether_desktop.model.engine import Engine, EngineInfo, GenerationChunk, GenerationRequest
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.event_log import EventLog
from tether_desktop.protocol.history import exchanges_of
from tether_desktop.protocol.planner import TurnPlan
from tether_desktop.protocol.reply_writer import ReplyWriter
from tether_desktop.protocol.stream_parser import StreamParser, state_after_prompt
from tether_desktop.protocol.window import ContextWindow, Cut, FittedPrompt, reply_reserve

_LOG = logging.getLogger(__name__)

_Ending = Done | Cancelled | ErrorEvent


class Turn:
    """A question being answered.

    It runs as a task of its own: readers of its events come and go, only ``cancel`` stops it.

    Attributes:
        session_id: the session it belongs to.
        question: the question it has stored; None when an earlier one is answered again.
        reply: the reply as it is stored; complete after the terminal event.
    """

    def __init__(
        self,
        plan: TurnPlan,
        store: Store,
        pool: EnginePool,
        *,
        cuts: dict[str, Cut | None],
        on_end: Callable[[Turn], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start it.

        Args:
            plan: what to do.
            store: where the reply goes.
            pool: lends the engine.
            cuts: where each session's history was cut last; the turn keeps its own entry.
            on_end: called just before the terminal event.
            clock: seconds, for ``queued_s`` and thinking times.
        """
        self.session_id = plan.reply.session_id
        self.question = plan.question
        self.reply = plan.reply
        self._plan = plan
        self._pool = pool
        self._cuts = cuts
        self._on_end = on_end
        self._clock = clock
        self._log = EventLog()
        self._writer = ReplyWriter(store, plan.reply.id, clock=clock)
        self._cancelled = False
        self._generating = False
        self._work = asyncio.create_task(self._answer(), name=f"answer in {self.session_id}")
        self._task = asyncio.create_task(self._run(), name=f"turn in {self.session_id}")

    def events(self) -> AsyncIterator[Event]:
        """Every event from the first one on, ending after the one terminal event."""
        return self._log.read()

    async def cancel(self) -> None:
        """Stop it, whatever it is doing, and wait until what was said is stored."""
        if not self._cancelled:
            self._cancelled = True
            self._work.cancel()
        await self.wait()

    async def wait(self) -> MessageRecord:
        """Wait for the end; the reply as stored."""
        await asyncio.shield(self._task)
        return self.reply

    async def _run(self) -> None:
        await asyncio.wait({self._work})
        ending = await self._stored(self._ending())
        self._on_end(self)
        self._log.append(ending)

    async def _answer(self) -> Done:
        if self._plan.title:
            self._log.append(Title(self._plan.title))
        asked = self._clock()
        async with self._pool.lend(self._plan.model, self._tell) as engine:
            queued_s = self._clock() - asked
            self._tell("reading_prompt", 0.0)
            fitted = await self._fit(engine)
            last = await self._generate(engine, fitted)
        timings = replace(last.timings or Timings(), queued_s=queued_s)
        return Done(last.finish_reason or "stop", last.usage or Usage(), timings)

    async def _fit(self, engine: Engine) -> FittedPrompt:
        info = self._engine_info()
        window = info.context_window if info else self._plan.context_window
        fitted = await ContextWindow(
            engine,
            self._plan.template,
            self._plan.system,
            exchanges_of(self._plan.branch),
            window=window,
            reserve=reply_reserve(window, self._plan.params.max_tokens),
        ).fit(self._cuts.get(self.session_id))
        self._cuts[self.session_id] = fitted.cut
        if fitted.trimmed:
            self._log.append(fitted.trimmed)
        return fitted

    def _engine_info(self) -> EngineInfo | None:
        state = self._pool.states().get(self._plan.model)
        return state.info if state else None

    async def _generate(self, engine: Engine, fitted: FittedPrompt) -> GenerationChunk:
        """Stream the reply; its last chunk."""
        info, prompt = self._engine_info(), fitted.prompt
        parser = StreamParser(state_after_prompt("".join(piece.text for piece in prompt[-1:] if not piece.literal)))
        request = GenerationRequest(self.session_id, prompt, self._plan.params)
        if info and info.takes_messages:
            request = GenerationRequest(self.session_id, (), self._plan.params, fitted.messages)
        try:
            async with aclosing(engine.generate(request)) as chunks:
                async for chunk in chunks:
                    self._take(chunk, parser)
                    if chunk.finish_reason:
                        return chunk
        finally:
            self._say(parser.finish())
        raise EngineError(
            "The reply broke off", f"{self._plan.model} stopped in the middle of its reply.", "Try again."
        )

    def _take(self, chunk: GenerationChunk, parser: StreamParser) -> None:
        if chunk.progress is not None:
            self._tell("reading_prompt", chunk.progress)
        if chunk.text:
            if not self._generating:
                self._generating = True
                self._tell("generating", None)
            self._say(parser.feed(chunk.text))

    def _say(self, events: list[Token | HiddenThought]) -> None:
        for event in events:
            self._writer.add(event)
            self._log.append(event)

    def _tell(self, stage: Stage, progress: float | None) -> None:
        if not self._log.ended:
            self._log.append_change(Status(stage, progress))

    def _ending(self) -> _Ending:
        if self._work.cancelled():
            return Cancelled()
        error = self._work.exception()
        return self._work.result() if error is None else _error_event(error)

    async def _stored(self, ending: _Ending) -> _Ending:
        """Store the reply's end; a failure of that becomes the ending, unless there is another already."""
        try:
            self.reply = await self._finish_reply(ending)
        except Exception as failure:  # noqa: BLE001 — the turn's outermost boundary: it must end with an event
            _LOG.warning("Reply %s could not be stored", self.reply.id, exc_info=True)
            told = ending if isinstance(ending, ErrorEvent) else _error_event(failure)
            said = self._writer.message()
            self.reply = replace(self.reply, message=said, finish_reason="error", error=told.message)
            return told
        return ending

    async def _finish_reply(self, ending: _Ending) -> MessageRecord:
        match ending:
            case Done(reason, usage, timings):
                return await self._writer.finish(reason, usage=usage, timings=timings)
            case Cancelled():
                return await self._writer.finish("cancelled")
            case ErrorEvent(message):
                return await self._writer.finish("error", error=message)


def _error_event(error: BaseException) -> ErrorEvent:
    if isinstance(error, TetherError):
        return ErrorEvent(error.message, error.code, error.title, error.hint)
    _LOG.error("A turn failed unexpectedly", exc_info=error)
    return ErrorEvent(
        message="This is a mistake in the program, not yours. What was said so far is kept.",
        code="internal_error",
        title="Something went wrong inside Tether",
        hint="Try again; if it happens again, please report it together with the log.",
    )
