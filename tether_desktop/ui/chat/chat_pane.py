"""The right-hand side: the conversation or its greeting, and the composer below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from tether_desktop.ui import startup_trace
from tether_desktop.ui.banner import Banner
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.chat.empty_chat import EmptyChat
from tether_desktop.ui.chat.find_bar import FindBar
from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.composer.composer import Composer
from tether_desktop.ui.composer.tool_mode import ToolMode
from tether_desktop.ui.look import spacing
from tether_desktop.ui.sessions.undo_bar import UndoBar
from tether_desktop.ui.system.temporary_bar import TemporaryBar

if TYPE_CHECKING:
    from tether_desktop.ui.chat.chat_view import ChatView
    from tether_desktop.ui.tools.tool_facts import ToolFacts

COMPOSER_WIDTH = 800


class ChatPane(QWidget):
    """Shows one conversation at a time.

    Signals:
        measured(calmly): tokens and speed of the conversation may have changed.
        view_made(ChatView): the view of messages was made, because there are messages now.
        conversation_shown(): another conversation is shown.
    """

    measured = Signal(bool)
    view_made = Signal(object)
    conversation_shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.conversation: Conversation | None = None
        self._view: ChatView | None = None
        self._tools: dict[str, ToolFacts] = {}
        self._models: Sequence[tuple[str, str]] = ()
        self._devices: dict[str, str] = {}
        self.find_bar = FindBar()
        self.empty = EmptyChat()
        self.banner = Banner()
        self.undo_bar = UndoBar()
        self.temporary_bar = TemporaryBar()
        self.composer = Composer()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._lay_out()
        self.empty.example_chosen.connect(self._on_example)
        self.composer.tool_mode_chosen.connect(self._on_tool_mode)

    @property
    def view(self) -> ChatView:
        """The chat view, made when it is first needed: the first frame of the window does not wait for it."""
        if self._view is None:
            self._view = self._make_view()
            self.view_made.emit(self._view)
        return self._view

    def set_tools(self, tools: Mapping[str, ToolFacts]) -> None:
        """Take what is known of the tools, by name."""
        self._tools = dict(tools)
        self.composer.set_tools(tools)
        if self._view is not None:
            self._view.set_tools(tools)

    def set_models(self, models: Sequence[tuple[str, str]]) -> None:
        """Take who can answer, as name and title."""
        self._models = models
        if self._view is not None:
            self._view.set_models(models)

    def set_devices(self, devices: Mapping[str, str]) -> None:
        """Take what models run on: nobody knows it any more once one has failed."""
        self._devices.update(devices)
        if self._view is not None:
            self._view.set_devices(devices)

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
        self.composer.show_writing(conversation.writing)
        self.composer.set_busy(conversation.busy)
        self.composer.tool_button.show_mode(conversation.tool_mode)
        self.conversation_shown.emit()

    def _make_view(self) -> ChatView:
        from tether_desktop.ui.chat.chat_view import ChatView

        view = ChatView()
        view.set_tools(self._tools)
        view.set_models(self._models)
        view.set_devices(self._devices)
        view.can_branch = self._can_branch
        self._pages.addWidget(view)
        return view

    def _can_branch(self) -> bool:
        return self.conversation is not None and not self.conversation.temporary

    def _leave(self) -> None:
        conversation = self.conversation
        if conversation is None:
            return
        conversation.reset.disconnect(self._on_reset)
        conversation.appended.disconnect(self._on_appended)
        conversation.changed.disconnect(self._on_changed)
        conversation.text_added.disconnect(self._on_text_added)
        conversation.busy_changed.disconnect(self.composer.set_busy)

    def _lay_out(self) -> None:
        bottom = QVBoxLayout()
        bottom.setSpacing(spacing.SMALL)
        for widget in (self.banner, self.undo_bar, self.temporary_bar, self.composer):
            bottom.addWidget(widget)
        column = QWidget()
        column.setLayout(bottom)
        bottom.setContentsMargins(0, 0, 0, 0)
        centred = _centred(column)
        centred.setContentsMargins(spacing.WIDE, spacing.SMALL, spacing.WIDE, spacing.LARGE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(_centred(self.find_bar))
        layout.addWidget(self._pages, 1)
        layout.addLayout(centred)

    def _show_page(self) -> None:
        has_messages = self.conversation is not None and bool(self.conversation.views)
        self._pages.setCurrentWidget(self.view if has_messages else self.empty)

    @Slot()
    def _on_reset(self) -> None:
        views = self.conversation.views if self.conversation is not None else []
        if views or self._view is not None:
            self.view.set_messages(views)
        self._show_page()
        self.measured.emit(False)

    @Slot(object)
    def _on_appended(self, view: MessageView) -> None:
        self.view.append(view)
        self._show_page()

    @Slot(str, object)
    def _on_changed(self, view_id: str, view: MessageView) -> None:
        self.view.update_message(view_id, view)
        if view.running and view.text:
            startup_trace.mark("first_token")
        self.measured.emit(view.running)

    @Slot(str, str)
    def _on_text_added(self, view_id: str, text: str) -> None:
        self.view.append_text(view_id, text)
        self.measured.emit(True)

    @Slot(str)
    def _on_example(self, text: str) -> None:
        self.composer.set_text(text)
        self.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(str)
    def _on_tool_mode(self, mode: ToolMode) -> None:
        if self.conversation is not None:
            self.conversation.tool_mode = mode
        self.composer.tool_button.show_mode(mode)


def _centred(widget: QWidget) -> QHBoxLayout:
    widget.setMaximumWidth(COMPOSER_WIDTH)
    row = QHBoxLayout()
    row.setContentsMargins(spacing.WIDE, spacing.SMALL, spacing.WIDE, 0)
    row.addStretch(1)
    row.addWidget(widget, 1000)
    row.addStretch(1)
    return row
