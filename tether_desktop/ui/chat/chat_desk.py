"""What a person does with the chat that is shown: open another one, ask, ask again, change, stop."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal, Slot

from tether_desktop.ui.chat.answer_desk import AnswerDesk
from tether_desktop.ui.chat.chat_pane import ChatPane
from tether_desktop.ui.chat.chats import Chats
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.composer.question_desk import QuestionDesk
from tether_desktop.ui.models.model_choice import ModelChoice
from tether_desktop.ui.sessions.session_list import SessionList
from tether_desktop.ui.tasks import Tasks


class ChatDesk(QObject):
    """Keeps pane, sidebar and conversations in step.

    Attributes:
        conversation: the one that is shown.
        questions: sends what is written, at once or when the model is free.
        answers: does what is asked for in messages.

    Signals:
        shown(): another conversation is shown, or this one got its place in the store.
    """

    shown = Signal()

    def __init__(self, chats: Chats, models: ModelChoice, pane: ChatPane, sidebar: SessionList, tasks: Tasks) -> None:
        super().__init__(pane)
        self._chats = chats
        self._models = models
        self._pane = pane
        self._sidebar = sidebar
        self._tasks = tasks
        self._wanted = ""
        self.conversation: Conversation = chats.new()
        self._unasked = self.conversation
        pane.show_conversation(self.conversation)
        self.questions = QuestionDesk(self, chats, models, pane, tasks)
        self.answers = AnswerDesk(self, chats, models, pane, tasks)
        pane.composer.stop_requested.connect(self.stop)
        chats.created.connect(self._on_stored)
        chats.dropped.connect(self._on_stored)

    @Slot()
    def new(self) -> None:
        """Show an empty chat; it is stored with its first question."""
        self._wanted = ""
        blank = self._blank()
        if self.conversation is not blank:
            self._show(blank)
        self._sidebar.select("")
        self._pane.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def new_temporary(self) -> None:
        """Show an empty chat that is never stored."""
        self._wanted = ""
        self._show(self._chats.new(temporary=True))
        self._sidebar.select("")
        self._pane.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        """Show an empty chat, because the one that is shown is gone; what was typed and not sent stays."""
        composer, gone = self._pane.composer, self.conversation
        keyboard = composer.edit.hasFocus()
        self._wanted = ""
        self._show(self._blank())
        self.conversation.writing.take_over(gone.writing)
        composer.show_text()
        self._sidebar.select("")
        if keyboard:
            self._pane.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(str)
    @Slot(str, str)
    def open(self, session_id: str, message_id: str = "", words: str = "") -> None:
        """Show a chat of the list, at a message of it where one is named, and mark words there."""
        self._tasks.start(self.open_now(session_id, message_id, words))

    async def open_now(self, session_id: str, message_id: str = "", words: str = "") -> None:
        """Show a chat of the list, unless another one is asked for while it is read."""
        self._wanted = session_id
        conversation = await self._chats.open(session_id, message_id)
        if conversation is not None and self._wanted == session_id:
            record = self._sidebar.model.session(session_id)
            self._show(conversation)
            self._models.prefer(record.model if record else "")
            self._sidebar.select(session_id)
            view_id = conversation.view_id(message_id) if message_id else ""
            if view_id:
                self._pane.view.focus_message(view_id)
                self.answers.finding.show_message(view_id, words)

    @Slot()
    def stop(self) -> None:
        """Stop the answer that is shown."""
        self._tasks.start(self._chats.stop(self.conversation))

    def _blank(self) -> Conversation:
        """A chat in which nothing was asked: the last such one, with what was typed there, or another one."""
        if self._unasked.session_id or self._unasked.views:
            self._unasked = self._chats.new()
        return self._unasked

    def _show(self, conversation: Conversation) -> None:
        self._pane.undo_bar.dismiss_note()
        self.conversation = conversation
        self._pane.show_conversation(conversation)
        self.shown.emit()

    def is_gone(self, conversation: Conversation) -> bool:
        """Whether a chat was deleted, or never came to be and has given its place to another blank one."""
        if conversation.temporary:
            return False
        if not conversation.session_id:
            return conversation not in {self.conversation, self._unasked}
        return self._sidebar.model.session(conversation.session_id) is None

    @Slot(object)
    def _on_stored(self, _session: object) -> None:
        self._sidebar.select(self.conversation.session_id)
        self.shown.emit()
