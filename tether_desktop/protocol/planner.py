"""Prepares a turn: stores its question and an empty reply, and settles which model answers how."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from tether_desktop.context.records import MessageRecord, SessionRecord
from tether_desktop.context.store import Store
from tether_desktop.errors import ContinuationRefused, MessageNotFound, SessionNotFound, SettingsError
from tether_desktop.messages import MODELS_CHOICE, Message, Role, ToolChoice
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.engine import Constraint, SamplingParams
from tether_desktop.protocol.model_choice import chosen_model, load_template, with_stop
from tether_desktop.protocol.prompt import PromptTemplate, UnrenderedMessages
from tether_desktop.protocol.titles import title_of
from tether_desktop.protocol.tool_use import AS_SET, ToolUse, offered_tools
from tether_desktop.settings import Settings, checked_overrides
from tether_desktop.tools.tool import Tool

_LOG = logging.getLogger(__name__)

Ask = Callable[[SessionRecord], "Asked"]
"""Stores the question, where it is a new one, once all else has been checked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a turn is to answer: the question's id, and its record when it is a new one."""

    id: str | None
    question: MessageRecord | None = None


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """Everything a turn is to do.

    Attributes:
        session: as it is now, with the question in it.
        branch: the messages from the first one to the question.
        question: the question, when this turn has stored it.
        reply: the stored reply, still empty unless it is continued.
        model: the model that answers.
        context_window: tokens to count on when the engine does not tell.
        template: the model's chat template.
        system: the system prompt; may be empty.
        params: how to sample, stop texts of the template included.
        settings: as they were when the turn began, with what holds in this session in their place.
        tools: what the model may call.
        choice: whether it may or must.
        tool_use: what the caller wants of tools.
        reply_format: what the reply has to be; None for free text.
        title: the title that the session has just got; empty for none.
        continues: whether the model goes on with what the reply says already.
    """

    session: SessionRecord
    branch: tuple[MessageRecord, ...]
    question: MessageRecord | None
    reply: MessageRecord
    model: str
    context_window: int
    template: PromptTemplate | UnrenderedMessages
    system: str
    params: SamplingParams
    settings: Settings
    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = MODELS_CHOICE
    tool_use: ToolUse = AS_SET
    reply_format: Constraint | None = None
    title: str = ""
    continues: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller wants of a turn.

    Attributes:
        model: who answers; None is the session's model, else the default one, else the first usable.
        params: how to sample; None is as the settings say.
        tool_use: what it may do with tools.
        reply_format: what the reply has to be; None for free text.
    """

    model: str | None = None
    params: SamplingParams | None = None
    tool_use: ToolUse = AS_SET
    reply_format: Constraint | None = None


class _Means(TypedDict):
    """The fields of a plan that say who answers, and how."""

    model: str
    context_window: int
    template: PromptTemplate | UnrenderedMessages
    system: str
    params: SamplingParams
    settings: Settings
    tools: tuple[Tool, ...]
    choice: ToolChoice
    tool_use: ToolUse
    reply_format: Constraint | None


class TurnPlanner:
    """Makes plans of turns; synchronous, for a thread."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def plan(
        self,
        session_id: str,
        ask: Ask,
        wanted: Wanted,
        settings: Settings,
        tools: Sequence[Tool],
        *,
        begins: bool = False,
    ) -> TurnPlan:
        """Check everything, then store the question and an empty reply, and name the session.

        Args:
            session_id: where to ask.
            ask: stores the question.
            wanted: what the caller wants.
            settings: hold for what it does not say.
            tools: what there is to call.
            begins: whether the session is to be made.

        Raises:
            TetherError: something cannot be used; nothing is stored then.
        """
        session = None if begins else self._open_session(session_id)
        settings = settings_in(settings, session.overrides) if session else settings
        names = (wanted.model, session.model if session else None, settings.default_model)
        means = self._means(chosen_model(self._catalog, *names), wanted, settings, tools)
        with self._store.together():
            session = session or self._store.create_session(session_id=session_id)
            asked = ask(session)
            self._store.add_message(session_id, Message("assistant"), parent_id=asked.id, model=means["model"])
            if session.model != means["model"]:
                self._store.set_session_model(session_id, means["model"])
            *branch, reply = self._store.history(session_id)
            title = self._name(session, branch)
            session = self._store.get_session(session_id)
        return TurnPlan(
            session=session,
            branch=tuple(branch),
            question=branch[-1] if asked.question else None,
            reply=reply,
            title=title,
            **means,
        )

    def plan_rest(
        self, reply_id: str, session_id: str, wanted: Wanted, settings: Settings, tools: Sequence[Tool]
    ) -> TurnPlan:
        """Check everything for going on with a reply; nothing is stored yet.

        Raises:
            MessageNotFound: the session has no such reply.
            ContinuationRefused: it is not the last message that is shown.
            TetherError: something cannot be used.
        """
        session = self._open_session(session_id)
        self._message(session, reply_id, "assistant")
        settings = settings_in(settings, session.overrides)
        *branch, reply = self._store.history(session_id)
        if reply.id != reply_id or not branch:
            raise ContinuationRefused(
                "Only the last reply can go on", "Other messages come after this one.", "Ask for it to be made again."
            )
        names = (wanted.model, reply.model, session.model, settings.default_model)
        means = self._means(chosen_model(self._catalog, *names), wanted, settings, tools)
        return TurnPlan(session=session, branch=tuple(branch), question=None, reply=reply, continues=True, **means)

    def _means(self, entry: ModelEntry, wanted: Wanted, settings: Settings, tools: Sequence[Tool]) -> _Means:
        """By what means a model answers."""
        template = load_template(entry)
        by_default = settings.tool_use == "on" or (settings.tool_use == "auto" and template.declares_tools)
        formatted = wanted.reply_format is not None
        offered, choice = offered_tools(wanted.tool_use, tools, by_default=by_default, formatted=formatted)
        return _Means(
            model=entry.name,
            context_window=entry.context_window,
            template=template,
            system=settings.system_prompt.strip(),
            params=with_stop(wanted.params or sampling_of(settings), template.stop),
            settings=settings,
            tools=offered,
            choice=choice,
            tool_use=wanted.tool_use,
            reply_format=wanted.reply_format,
        )

    def ask(self, question: Message, session: SessionRecord) -> Asked:
        """Ask at the end of the branch that is shown."""
        return self._store_question(session, question, parent_id=session.head_id)

    def ask_again(self, reply_id: str, session: SessionRecord) -> Asked:
        """Ask the question of a reply once more."""
        return Asked(self._message(session, reply_id, "assistant").parent_id)

    def ask_instead(self, question_id: str, question: Message, session: SessionRecord) -> Asked:
        """Ask beside an earlier question."""
        replaced = self._message(session, question_id, "user")
        return self._store_question(session, question, parent_id=replaced.parent_id)

    def _store_question(self, session: SessionRecord, question: Message, *, parent_id: str | None) -> Asked:
        record = self._store.add_message(session.id, question, parent_id=parent_id)
        return Asked(record.id, record)

    def _message(self, session: SessionRecord, message_id: str, role: Role) -> MessageRecord:
        record = self._store.get_message(session.id, message_id)
        if record.message.role != role:
            kind = "reply" if role == "assistant" else "question"
            raise MessageNotFound(f"Not a {kind}", f"Message {message_id} is not a {kind}.", f"Choose a {kind}.")
        return record

    def _open_session(self, session_id: str) -> SessionRecord:
        session = self._store.get_session(session_id)
        if session.deleted_at is not None:
            raise SessionNotFound("The conversation is in the bin", "It cannot go on there.", "Restore it first.")
        return session

    def _name(self, session: SessionRecord, branch: list[MessageRecord]) -> str:
        """Give a session without a title one, after its newest question; empty when it keeps its own."""
        title = "" if session.title or not branch else title_of(branch[-1].message)
        if title:
            self._store.rename_session(session.id, title)
        return title


def settings_in(settings: Settings, overrides: Mapping[str, Any]) -> Settings:
    """The settings as they hold in a session; what no longer fits the table is left out, with a note in the log."""
    return settings.model_copy(update=_fitting(overrides)) if overrides else settings


def _fitting(overrides: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {name: value for name, value in checked_overrides(overrides).items() if value is not None}
    except SettingsError as problem:
        if len(overrides) == 1:
            _LOG.warning("A conversation's own setting is left out: %s", problem.message)
            return {}
    return {key: each for name, value in overrides.items() for key, each in _fitting({name: value}).items()}


def sampling_of(settings: Settings) -> SamplingParams:
    """How the settings say to sample."""
    return SamplingParams(
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        min_p=settings.min_p,
        repetition_penalty=settings.repetition_penalty,
        max_tokens=settings.max_tokens,
    )
