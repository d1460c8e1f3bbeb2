"""The view model of one session: its messages as the chat view shows them, and what runs in it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from tether_desktop.context.records import MessageRecord
from tether_desktop.events import Event
from tether_desktop.messages import Attachment, Message, decode_rate
from tether_desktop.ui.chat.message_view import CallState, Figures, MessageView
from tether_desktop.ui.chat.reply_view import ReplyFold, message_view, meta_line
from tether_desktop.ui.composer.tool_mode import ToolMode
from tether_desktop.ui.composer.writing import Writing
from tether_desktop.ui.models.model_status import split_name
from tether_desktop.ui.worker.started_turn import StartedTurn

_local_ids = itertools.count(1)


def _local_id() -> str:
    return f"local-{next(_local_ids)}"


class Conversation(QObject):
    """The messages of one session and the reply that is being written.

    A message that was just asked is shown before the store knows it, under a local id that it keeps
    in the view; :meth:`message_id` tells the store's.

    Attributes:
        session_id: empty until the first question is sent.
        temporary: whether it is never stored.
        writing: what is typed and not sent yet, and what waits to be sent.
        persona: the name of the persona whose settings hold in it; empty for none.
        overrides: values that hold in it in place of the settings, by the rows' names.
        tool_mode: whether the model may use tools in this chat.
        stop_requested: the person pressed stop before the turn had begun.
        tokens: prompt and reply of the newest answer together, or None when not known.
        rate: tokens per second of the newest answer, or None when not known.

    Signals:
        reset(): the list of messages is another one.
        appended(MessageView): a message was added at the end.
        changed(view_id, MessageView): a message changed.
        text_added(view_id, text): visible text was added to the end of a message, and nothing else.
        busy_changed(bool): an answer began or ended.
        waiting_changed(bool): a tool call waits for the person's permission, or none does any more.
        titled(str): the session got its name.
    """

    reset = Signal()
    appended = Signal(object)
    changed = Signal(str, object)
    text_added = Signal(str, str)
    busy_changed = Signal(bool)
    waiting_changed = Signal(bool)
    titled = Signal(str)

    def __init__(self, session_id: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session_id = session_id
        self.temporary = False
        self.writing = Writing(self)
        self.persona = ""
        self.overrides: Mapping[str, Any] = {}
        self.tool_mode: ToolMode = "settings"
        self.stop_requested = False
        self.tokens: int | None = None
        self.rate: float | None = None
        self._views: list[MessageView] = []
        self._message_ids: dict[str, str] = {}
        self._reply_id = ""
        self._fold: ReplyFold | None = None
        self._replayed = False
        self._before: tuple[list[MessageView], dict[str, str]] = ([], {})
        self._waiting = False

    @property
    def views(self) -> list[MessageView]:
        """The messages, oldest first."""
        return list(self._views)

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited or being written."""
        return self._fold is not None

    @property
    def pending(self) -> bool:
        """Whether something was asked here whose turn has not begun yet."""
        return self._fold is not None and not self._reply_id

    @property
    def waiting(self) -> bool:
        """Whether a tool call waits for the person's permission."""
        return self._waiting

    @property
    def holds_something(self) -> bool:
        """Whether forgetting it would lose what the store does not know."""
        return self.temporary or self.busy or bool(self.writing) or self.tool_mode != "settings"

    def message_id(self, view_id: str) -> str:
        """The store's id of a shown message; empty while the store does not know it."""
        return self._message_ids.get(view_id, "")

    def view_id(self, message_id: str) -> str:
        """The shown message that is this one of the store; empty where none is."""
        return next((view.id for view in self._views if self._message_ids.get(view.id) == message_id), "")

    def view(self, view_id: str) -> MessageView | None:
        """A shown message; None for an unknown one."""
        return next((view for view in self._views if view.id == view_id), None)

    def load(self, records: Sequence[MessageRecord], turn: StartedTurn | None = None) -> None:
        """Show a stored history; of a turn that runs, the events from the first one on take the place of its reply."""
        was_busy = self.busy
        shown = [view for record in records if (view := message_view(record)) is not None]
        self._views = shown
        self._message_ids = {view.id: view.id for view in shown}
        self._fold, self._reply_id = None, ""
        if turn is not None and shown:
            self._views[-1] = self._begin_fold(turn, said=shown[-1])
        newest = next((record for record in reversed(records) if record.usage is not None), None)
        usage, timings = (newest.usage, newest.timings) if newest else (None, None)
        self.tokens = usage.prompt_tokens + usage.completion_tokens if usage else None
        self.rate = decode_rate(usage, timings) if usage and timings else None
        self.reset.emit()
        self._note_waiting()
        if self.busy != was_busy:
            self.busy_changed.emit(self.busy)

    def begin_send(self, text: str, model: str, attachments: Sequence[Attachment] = ()) -> None:
        """Show a question and the reply that is to come."""
        self._remember()
        question = MessageView(_local_id(), "user", text, attachments=tuple(attachments))
        self._views.append(question)
        self.appended.emit(question)
        reply = self._begin_reply(model)
        self.appended.emit(reply)
        self.busy_changed.emit(True)

    def begin_regenerate(self, view_id: str, model: str) -> None:
        """Put a reply that is to come in the place of one that is there."""
        index = self._index(view_id)
        self._remember()
        versions = self._views[index].versions + 1
        del self._views[index:]
        self._begin_reply(model, versions)
        self.reset.emit()
        self.busy_changed.emit(True)

    def begin_edit(self, view_id: str, text: str, model: str, attachments: Sequence[Attachment] = ()) -> None:
        """Put another question in the place of one that is there, and the reply that is to come."""
        index = self._index(view_id)
        self._remember()
        versions = self._views[index].versions + 1
        del self._views[index:]
        files = tuple(attachments)
        question = MessageView(_local_id(), "user", text, version=versions, versions=versions, attachments=files)
        self._views.append(question)
        self._begin_reply(model)
        self.reset.emit()
        self.busy_changed.emit(True)

    def begin_continue(self, view_id: str, model: str) -> None:
        """Let the newest reply, which ended too early, go on where it stands."""
        index = self._index(view_id)
        self._remember()
        self._await_reply(_going_on(self._views[index], model), model)
        self._views[index:] = [self._fold.view] if self._fold is not None else []
        self.changed.emit(view_id, self._views[index])
        self.busy_changed.emit(True)

    def abandon(self) -> None:
        """Take back what a ``begin_`` showed: the turn could not be started."""
        if self._fold is None:
            return
        self.writing.queue.hold()
        self._views, self._message_ids = self._before
        self._end()
        self.reset.emit()
        self.busy_changed.emit(False)

    def continues(self, turn: StartedTurn) -> bool:
        """Whether what a turn answers is shown, so that :meth:`follow` can show the turn."""
        return self._place(turn) is not None

    def follow(self, turn: StartedTurn) -> None:
        """Show the question and the reply of a turn that another client has begun."""
        del self._views[self._place(turn) :]
        question = message_view(turn.question) if turn.question is not None else None
        reply = self._begin_fold(turn)
        for view in filter(None, (question, reply)):
            self._views.append(view)
            self._message_ids[view.id] = view.id
        self.reset.emit()
        self.busy_changed.emit(True)

    def turn_started(self, turn: StartedTurn) -> None:
        """The store knows the question and the reply now."""
        if self._fold is None:
            return
        self._reply_id = turn.reply.id
        self._message_ids[self._views[-1].id] = turn.reply.id
        if turn.question is not None:
            self._message_ids[self._views[-2].id] = turn.question.id

    def apply(self, reply_id: str, events: Sequence[Event]) -> None:
        """Apply the events of one frame to the reply that is being written; one signal for all of them."""
        fold = self._fold
        if fold is None or reply_id != self._reply_id:
            return
        added = fold.apply(events)
        self._views[-1] = fold.view
        self._note_waiting()
        self.rate = fold.rate if fold.rate is not None else self.rate
        self.tokens = fold.tokens if fold.tokens is not None else self.tokens
        replayed, self._replayed = self._replayed, False
        if added is not None and not replayed:
            self.text_added.emit(fold.view.id, added)
        else:
            self.changed.emit(fold.view.id, fold.view)
        if fold.title is not None:
            self.titled.emit(fold.title)
            fold.title = None
        if fold.ended:
            self._end()
            self.busy_changed.emit(False)

    def mark_call(self, call_id: str, state: CallState) -> None:
        """Show that the person answered for a call ("answered"), or that their answer was not taken ("waiting")."""
        if self._fold is not None:
            self._fold.mark_call(call_id, state)
            self._views[-1] = self._fold.view
            self._note_waiting()
            self.changed.emit(self._fold.view.id, self._fold.view)

    def _note_waiting(self) -> None:
        waiting = self._fold is not None and bool(self._fold.view.waiting_calls)
        if waiting != self._waiting:
            self._waiting = waiting
            self.waiting_changed.emit(waiting)

    def _index(self, view_id: str) -> int:
        return next(index for index, view in enumerate(self._views) if view.id == view_id)

    def _remember(self) -> None:
        self._before = (list(self._views), dict(self._message_ids))

    def _place(self, turn: StartedTurn) -> int | None:
        """How many of the messages that are shown come before a turn; None when that is not known."""
        if turn.follows is None:
            return 0
        shown = [self.message_id(view.id) for view in self._views]
        return shown.index(turn.follows) + 1 if turn.follows in shown else None

    def _begin_fold(self, turn: StartedTurn, said: MessageView | None = None) -> MessageView:
        """Await a turn's events from the first one on; until they come, what was ``said`` of its reply is shown."""
        message = turn.reply.message if turn.continues else Message("assistant")
        blank = message_view(replace(turn.reply, message=message), running=True)
        assert blank is not None  # noqa: S101  (narrows: replies are shown)
        self._reply_id = turn.reply.id
        self.stop_requested = False
        self._fold = ReplyFold(blank, turn.reply.model)
        self._replayed = said is not None
        return blank if said is None else replace(said, state="streaming" if said.text else "waiting")

    def _begin_reply(self, model: str, versions: int = 1) -> MessageView:
        reply = MessageView(
            _local_id(),
            "assistant",
            model=split_name(model)[0] if model else "",
            meta=meta_line(model),
            state="waiting",
            version=versions,
            versions=versions,
        )
        self._views.append(reply)
        self._await_reply(reply, model)
        return reply

    def _await_reply(self, reply: MessageView, model: str) -> None:
        self._reply_id = ""
        self.stop_requested = False
        self._replayed = False
        self._fold = ReplyFold(reply, model)

    def _end(self) -> None:
        self._fold = None
        self._reply_id = ""
        self._before = ([], {})
        self._note_waiting()


def _going_on(view: MessageView, model: str) -> MessageView:
    """A reply that ended, as it is while more of it is awaited."""
    bare = replace(
        view, state="waiting", error_title="", error_message="", error_hint="", error_code="", figures=Figures()
    )
    return replace(bare, model=split_name(model)[0], meta=meta_line(model)) if model else bare
