"""The quick window and its shortcut: asks in a temporary chat, which is stored only when the person goes on with it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication

from tether_desktop.errors import TetherError
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.system.global_shortcut import GlobalShortcut

if TYPE_CHECKING:
    from tether_desktop.settings import Settings
    from tether_desktop.ui.main_window import MainWindow
    from tether_desktop.ui.system.quick_window import QuickWindow


class QuickDesk(QObject):
    """One question at a time, in a chat that is forgotten with the next one.

    Attributes:
        shortcut: brings the window up; its ``problem`` and ``told`` are for the settings.

    Signals:
        handed_over(session_id): the chat is stored now, as far as it could be, and to be shown in the big window.
        opened(): the big window is wanted, without a chat.
    """

    handed_over = Signal(str)
    opened = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._conversation: Conversation | None = None
        self.shortcut = GlobalShortcut(self)
        self.shortcut.pressed.connect(self.toggle)

    @cached_property
    def quick_window(self) -> QuickWindow:
        """Made when it is first wanted: what draws Markdown is not to be waited for at the start."""
        from tether_desktop.ui.system.quick_window import QuickWindow

        quick = QuickWindow()
        quick.asked.connect(self._on_asked)
        quick.stop_requested.connect(self._on_stop)
        quick.copy_requested.connect(self._on_copy)
        quick.open_requested.connect(self._on_open)
        quick.link_activated.connect(self._on_link)
        return quick

    def follow(self, settings: Settings) -> None:
        """Take the shortcut that the settings name."""
        self.shortcut.want(settings.quick_window)

    def has(self, session_id: str) -> bool:
        """Whether a chat is the one of the quick window."""
        return self._conversation is not None and self._conversation.session_id == session_id

    @Slot()
    def toggle(self) -> None:
        """Bring the window up, or put it away."""
        if self.quick_window.isVisible() and self.quick_window.isActiveWindow():
            self.quick_window.hide()
        else:
            self.show()

    @Slot()
    def show(self) -> None:
        """Bring the window up; an answer that is still being written is shown, an old one gives way."""
        if self._conversation is not None and not self._conversation.busy:
            self._forget()
        if self._conversation is None:
            self.quick_window.start_anew()
            self.quick_window.set_reason("" if self._window.models.name else self.tr("There is no model yet."))
        self.quick_window.appear()

    def close(self) -> None:
        """Give the shortcut back, and the window up."""
        self.shortcut.release()
        if "quick_window" in vars(self):
            self.quick_window.hide()
            self.quick_window.deleteLater()

    def _forget(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.changed.disconnect(self._on_changed)
            conversation.text_added.disconnect(self._on_changed)
            self._window.temporary.forget(conversation)

    def _begin(self) -> Conversation:
        conversation = self._window.chats.new(temporary=True)
        conversation.appended.connect(self._on_changed)
        conversation.changed.connect(self._on_changed)
        conversation.text_added.connect(self._on_changed)
        return conversation

    async def _ask(self, conversation: Conversation, text: str) -> None:
        try:
            await self._window.chats.send(conversation, text, self._window.models.name)
        except TetherError as error:
            self.quick_window.edit.set_text(text)
            self.quick_window.set_reason("")
            self.quick_window.tell(f"{error.title}. {error.message}")

    async def _hand_over(self, conversation: Conversation) -> None:
        try:
            await self._window.temporary.keep(conversation)
        except Exception:
            self.handed_over.emit(conversation.session_id)  # as it is, still temporary, so that it can be tried again
            raise
        self.handed_over.emit(conversation.session_id)

    @Slot(str)
    def _on_asked(self, text: str) -> None:
        if self._conversation is None:
            self._conversation = self._begin()
        self._window.tasks.start(self._ask(self._conversation, text))

    @Slot()
    def _on_changed(self, *_: object) -> None:
        views = self._conversation.views if self._conversation is not None else []
        if len(views) > 1:
            self.quick_window.show_reply(views[-2].text, views[-1])

    @Slot()
    def _on_stop(self) -> None:
        if self._conversation is not None:
            self._window.tasks.start(self._window.chats.stop(self._conversation))

    @Slot()
    def _on_copy(self) -> None:
        if self._conversation is not None and self._conversation.views:
            QApplication.clipboard().setText(self._conversation.views[-1].text)

    @Slot()
    def _on_open(self) -> None:
        conversation, self._conversation = self._conversation, None
        self.quick_window.hide()
        if conversation is not None and conversation.session_id:
            self._window.tasks.start(self._hand_over(conversation))
        else:
            self.opened.emit()

    @Slot(str)
    def _on_link(self, address: str) -> None:
        self.opened.emit()
        self._window.desk.answers.follow(address)
