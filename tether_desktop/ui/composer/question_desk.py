"""Sends what is written: at once, or when what is being answered in its chat is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeGuard
from weakref import WeakSet

from PySide6.QtCore import QObject, Slot

from tether_desktop.ui.composer.question import Question
from tether_desktop.ui.tasks import Tasks

if TYPE_CHECKING:
    from tether_desktop.ui.chat.chat_pane import ChatPane
    from tether_desktop.ui.chat.chats import Chats
    from tether_desktop.ui.chat.conversation import Conversation
    from tether_desktop.ui.models.model_choice import ModelChoice

_WENT_WELL = {"done", "cut_off"}


class Desk(Protocol):
    """Knows which chat is shown."""

    conversation: Conversation

    def is_gone(self, conversation: Conversation) -> bool:
        """Whether a chat was deleted."""


class QuestionDesk(QObject):
    """Sends questions, and keeps the queues of all chats going, whichever chat is shown."""

    def __init__(self, desk: Desk, chats: Chats, models: ModelChoice, pane: ChatPane, tasks: Tasks) -> None:
        super().__init__(pane)
        self._desk = desk
        self._chats = chats
        self._models = models
        self._pane = pane
        self._tasks = tasks
        self._followed: WeakSet[Conversation] = WeakSet()
        self._starting: WeakSet[Conversation] = WeakSet()
        composer = pane.composer
        composer.send_requested.connect(self.ask)
        composer.queue.send_now_requested.connect(self.send_now)
        composer.queue.send_next_requested.connect(self.send_next)
        composer.edit.past = self.past

    def past(self) -> list[str]:
        """The questions that were asked in the chat that is shown, oldest first, none twice in a row."""
        asked = [view.text for view in self._desk.conversation.views if view.role == "user" and view.text]
        return [text for before, text in zip(["", *asked], asked, strict=False) if text != before]

    @Slot(object)
    def ask(self, question: Question) -> None:
        """Send a question in the chat that is shown; while an answer is written there, it waits."""
        conversation = self._desk.conversation
        self._follow(conversation)
        self._pane.banner.hide()
        self._pane.undo_bar.dismiss_note()
        if conversation.busy or conversation in self._starting:
            conversation.writing.queue.add(question)
        else:
            self._starting.add(conversation)
            self._tasks.start(self._send(conversation, question))

    @Slot(int)
    def send_now(self, key: int) -> None:
        """Send one of the questions that wait, stopping what is being answered."""
        conversation = self._desk.conversation
        queue = conversation.writing.queue
        self._follow(conversation)
        queue.move(key, 0)
        queue.edit(0)
        if conversation.busy:
            queue.urgent = True
            queue.release()
            self._tasks.start(self._chats.stop(conversation))
        else:
            self.send_next()

    @Slot()
    def send_next(self) -> None:
        """Go on with the questions that wait."""
        conversation = self._desk.conversation
        self._follow(conversation)
        conversation.writing.queue.release()
        self._tasks.start(self._go_on(conversation))

    def _follow(self, conversation: Conversation) -> None:
        """Notice when an answer ends there, or its queue changes."""
        if conversation not in self._followed:
            self._followed.add(conversation)
            conversation.busy_changed.connect(self._on_busy_changed)
            conversation.writing.queue.changed.connect(self._on_queue_changed)

    async def _go_on(self, conversation: Conversation) -> None:
        queue = conversation.writing.queue
        if not conversation.busy and queue.due and not self._desk.is_gone(conversation):
            await self._send(conversation, queue.take())

    async def _send(self, conversation: Conversation, question: Question) -> None:
        # In a chat that is not shown, the model that answered there answers again.
        self._starting.discard(conversation)  # from here on it is busy
        model = self._models.name if conversation is self._desk.conversation or not conversation.session_id else ""
        try:
            await self._chats.send(conversation, question.text, model, question.demanded, question.attachments)
        except Exception:  # whatever went wrong, what was written must not be lost
            self._give_back(conversation, question)
            raise

    def _give_back(self, conversation: Conversation, question: Question) -> None:
        """What could not be sent goes back to where it was written; if that is deleted, to where the person is."""
        shown = self._desk.conversation
        conversation.writing.queue.hold()
        target = shown if self._desk.is_gone(conversation) else conversation
        if target is shown:
            self._pane.composer.keep()
        target.writing.give_back(question)
        if target is shown:
            self._pane.composer.show_text()

    @Slot(bool)
    def _on_busy_changed(self, busy: bool) -> None:
        conversation = self.sender()
        if busy or not self._knows(conversation):
            return
        state = conversation.views[-1].state if conversation.views else "error"
        conversation.writing.queue.settle(went_well=state in _WENT_WELL)
        if conversation.writing.queue.due:
            self._tasks.start(self._go_on(conversation))

    @Slot()
    def _on_queue_changed(self) -> None:
        """A question that was being changed when its turn came is sent once it is changed."""
        queue = self.sender()
        for conversation in self._followed:
            if conversation.writing.queue is queue and queue.due and not conversation.busy:
                self._tasks.start(self._go_on(conversation))

    def _knows(self, conversation: QObject) -> TypeGuard[Conversation]:
        return conversation in self._followed
