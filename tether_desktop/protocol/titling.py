"""Has models name conversations, behind the back of everybody who waits for them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from tether_desktop.context.records import SessionRecord
from tether_desktop.context.store import Store
from tether_desktop.errors import TetherError
from tether_desktop.events import Token
from tether_desktop.messages import Message, text_message
from tether_desktop.model.engine import Constraint, Engine, EngineInfo, SamplingParams
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.history import exchanges_of
from tether_desktop.protocol.planner import TurnPlan
from tether_desktop.protocol.prompt import state_of
from tether_desktop.protocol.speaking import Assignment, parser_for, request_for, speak
from tether_desktop.protocol.speech import Heard, Speech
from tether_desktop.protocol.stream_parser import VISIBLE
from tether_desktop.protocol.title_gate import fit_title
from tether_desktop.protocol.turn import Turn
from tether_desktop.protocol.window import FittedPrompt

_LOG = logging.getLogger(__name__)

_TASK = "Write a title for this conversation: two to five words that say what it is about, and nothing else."
_MOST_TOKENS = 16
_ONE_LINE = Constraint("regex", r"[^\s\x00-\x1f\"'*#<>`|\[\]{}()_~:.!?-][^\x00-\x1f\"*#<>`|\[\]{}_~]{1,120}")
_MOST_WAITING = 100
"""Conversations that are to be named after their next answer, since this time somebody else wanted the model."""


class TitleWriter:
    """Asks models for titles; all of it belongs to one asyncio loop.

    The model goes on with the prompt that it has just answered, under the same session, so that it reads but a
    sentence more, and the session's KV state stays as long as it was. It is asked only while it is loaded and nobody
    waits for it, and the request is ended as soon as somebody does.
    """

    def __init__(
        self,
        store: Store,
        pool: EnginePool,
        *,
        exclusive: Callable[[str], asyncio.Lock],
        told: Callable[[SessionRecord], object],
    ) -> None:
        """Prepare.

        Args:
            store: where titles are kept.
            pool: lends the engines.
            exclusive: the lock of a session, for what must not come in between.
            told: gets a session that has another title.
        """
        self._store = store
        self._pool = pool
        self._exclusive = exclusive
        self._told = told
        self._titles: OrderedDict[str, str] = OrderedDict()
        self._tasks: dict[asyncio.Task[None], str] = {}

    def begin(self, turn: Turn) -> None:
        """Name the conversation of a turn that has ended, if it is called after its question still."""
        plan = turn.plan
        if plan.title:
            self._titles[plan.session.id] = plan.title
        if len(self._titles) > _MOST_WAITING:
            self._titles.popitem(last=False)
        title = self._titles.get(plan.session.id)
        if title is None or plan.settings.chat_titles != "model" or turn.reply.finish_reason not in {"stop", "length"}:
            return
        task = asyncio.create_task(self._name(plan, turn.reply.message, title), name="title")
        self._tasks[task] = plan.model
        task.add_done_callback(self._tasks.pop)

    def give_way(self, model: str) -> None:
        """End what the model is asked for here, since somebody wants it."""
        for task, wanted in self._tasks.items():
            if wanted == model:
                task.cancel()

    async def settle(self) -> None:
        """Wait until nothing is being named."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """End all requests."""
        for task in self._tasks:
            task.cancel()
        await self.settle()

    async def _name(self, plan: TurnPlan, reply: Message, title: str) -> None:
        session_id = plan.session.id
        try:
            said = await self._ask(plan, reply)
            self._titles.pop(session_id, None)
            question = next((each.message.text for each in plan.branch if each.message.role == "user"), "")
            if found := fit_title(said, question, reply.text):
                await self._rename(session_id, title, found)
        except TetherError:
            _LOG.info("A conversation keeps the title of its question", exc_info=True)

    async def _ask(self, plan: TurnPlan, reply: Message) -> str:
        """What the model says to the request; empty where it could not say it whole."""
        if not self._is_free(plan.model):
            return ""
        async with self._pool.lend(plan.model, lambda *_: None) as engine:
            info = self._pool.states()[plan.model].info
            task = _task(plan, info)
            fitted = await _prompt(engine, task, plan, reply, info)
            return await self._said(engine, task, fitted, info) if fitted else ""

    async def _said(self, engine: Engine, task: Assignment, fitted: FittedPrompt, info: EngineInfo | None) -> str:
        heard = Heard()
        speech = Speech(parser_for(task, fitted), heard)
        reason = None
        async with aclosing(speak(engine, request_for(task, fitted, info), speech, task)) as chunks:
            async for chunk in chunks:
                if self._pool.waiting().get(task.template.model):
                    return ""
                reason = chunk.finish_reason
        # What was cut off is no title: models that have none go on and on.
        return "".join(each.content for each in heard.fetch() if isinstance(each, Token)) if reason == "stop" else ""

    def _is_free(self, model: str) -> bool:
        state = self._pool.states().get(model)
        return state is not None and state.state == "ready" and not self._pool.waiting().get(model)

    async def _rename(self, session_id: str, title: str, found: str) -> None:
        """Change the title, unless somebody has done that meanwhile."""
        async with self._exclusive(session_id):
            renamed = await asyncio.to_thread(self._renamed, session_id, title, found)
        if renamed is not None:
            self._told(renamed)

    def _renamed(self, session_id: str, title: str, found: str) -> SessionRecord | None:
        with self._store.together():
            if self._store.get_session(session_id).title != title:
                return None
            return self._store.rename_session(session_id, found)


def _task(plan: TurnPlan, info: EngineInfo | None) -> Assignment:
    """What the model is to do."""
    params = SamplingParams(temperature=0.0, max_tokens=_MOST_TOKENS, stop=(*plan.params.stop, "\n"))
    held = _ONE_LINE if info and "regex" in info.constraints else None
    return Assignment(plan.session.id, plan.template, params, plan.context_window, may_think=False, reply_format=held)


async def _prompt(
    engine: Engine, task: Assignment, plan: TurnPlan, reply: Message, info: EngineInfo | None
) -> FittedPrompt | None:
    """The conversation with the request at its end, tools and all as it was read before; None without room for it."""
    messages = _conversation(plan, reply)
    tools = [tool.declaration for tool in plan.tools]
    prompt = await asyncio.to_thread(partial(task.template.render, messages, tools=tools, thinking=False))
    if state_of(prompt) != VISIBLE:
        return None
    (tokens,) = await engine.count_tokens([prompt])
    fits = tokens + _MOST_TOKENS <= task.window(info)
    return FittedPrompt(prompt, tokens, tuple(messages)) if fits else None


def _conversation(plan: TurnPlan, reply: Message) -> Sequence[Message]:
    answered = replace(plan.reply, message=reply)
    said = [message for exchange in exchanges_of([*plan.branch, answered]) for message in exchange.messages]
    system = [text_message("system", plan.system)] if plan.system else []
    return [*system, *said, text_message("user", _TASK)]
