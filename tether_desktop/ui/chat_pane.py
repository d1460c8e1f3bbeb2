"""The right-hand side: the conversation or its greeting, and the composer below."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from tether_desktop.ui.banner import Banner
from tether_desktop.ui.chat_view import ChatView
from tether_desktop.ui.composer import Composer
from tether_desktop.ui.conversation import Conversation
from tether_desktop.ui.empty_chat import EmptyChat
from tether_desktop.ui.message_view import MessageView
from tether_desktop.ui.undo_bar import UndoBar

COMPOSER_WIDTH = 800


class ChatPane(QWidget):
    """Shows one conversation at a time.

    Signals:
        measured(calmly): tokens and speed of the conversation may have changed.
    """

    measured = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.conversation: Conversation | None = None
        self.view = ChatView()
        self.view.setAccessibleName("Conversation")
        self.empty = EmptyChat()
        self.banner = Banner()
        self.undo_bar = UndoBar()
        self.composer = Composer()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self.view)
        self._lay_out()
        self.empty.example_chosen.connect(self._on_example)

    def show_conversation(self, conversation: Conversation) -> None:
        """Show another conversation, with its draft in the composer."""
        if conversation is self.conversation:
            return
        self._leave()
        self.conversation = conversation
        conversation.reset.connect(self._on_reset)
        conversation.appended.connect(self._on_appended)
        conversation.changed.connect(self._on_changed)
        conversation.text_added.connect(self._on_text_added)
        conversation.busy_changed.connect(self.composer.set_busy)
        self._on_reset()
        self.composer.set_text(conversation.draft)
        self.composer.set_busy(conversation.busy)

    def _leave(self) -> None:
        conversation = self.conversation
        if conversation is None:
            return
        conversation.draft = self.composer.text()
        conversation.reset.disconnect(self._on_reset)
        conversation.appended.disconnect(self._on_appended)
        conversation.changed.disconnect(self._on_changed)
        conversation.text_added.disconnect(self._on_text_added)
        conversation.busy_changed.disconnect(self.composer.set_busy)

    def _lay_out(self) -> None:
        bottom = QVBoxLayout()
        bottom.setSpacing(8)
        for widget in (self.banner, self.undo_bar, self.composer):
            bottom.addWidget(widget)
        column = QWidget()
        column.setMaximumWidth(COMPOSER_WIDTH)
        column.setLayout(bottom)
        bottom.setContentsMargins(0, 0, 0, 0)
        centred = QHBoxLayout()
        centred.setContentsMargins(20, 8, 20, 18)
        centred.addStretch(1)
        centred.addWidget(column, 1000)
        centred.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._pages, 1)
        layout.addLayout(centred)

    def _show_page(self) -> None:
        has_messages = self.conversation is not None and bool(self.conversation.views)
        self._pages.setCurrentWidget(self.view if has_messages else self.empty)

    @Slot()
    def _on_reset(self) -> None:
        if self.conversation is not None:
            self.view.set_messages(self.conversation.views)
        self._show_page()
        self.measured.emit(False)

    @Slot(object)
    def _on_appended(self, view: MessageView) -> None:
        self.view.append(view)
        self._show_page()

    @Slot(str, object)
    def _on_changed(self, view_id: str, view: MessageView) -> None:
        self.view.update_message(view_id, view)
        self.measured.emit(view.running)

    @Slot(str, str)
    def _on_text_added(self, view_id: str, text: str) -> None:
        self.view.append_text(view_id, text)
        self.measured.emit(True)

    @Slot(str)
    def _on_example(self, text: str) -> None:
        self.composer.set_text(text)
        self.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)
