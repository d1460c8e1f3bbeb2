"""Finding words in the chat that is shown: the bar, the search and the marks together."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Slot

from tether_desktop.ui.chat.chat_pane import ChatPane
from tether_desktop.ui.chat.finder import Finder


class Finding(QObject):
    """Opens the bar, and shows what is found in the chat of a pane.

    Attributes:
        finder: the search.
    """

    def __init__(self, pane: ChatPane) -> None:
        super().__init__(pane)
        self._pane = pane
        self._marked = False
        self.finder = Finder(self)
        bar = pane.find_bar
        bar.words_changed.connect(self._on_words)
        bar.step_requested.connect(self.finder.step)
        bar.closed.connect(self._on_closed)
        self.finder.counted.connect(bar.show_count)
        self.finder.arrived.connect(self._on_arrived)
        pane.conversation_shown.connect(self._on_conversation)

    @Slot()
    def open(self) -> None:
        """Show the bar, unless there is nothing to look through."""
        if self._pane.conversation is not None and self._pane.conversation.views:
            self._pane.find_bar.open()

    def show_message(self, message_id: str, words: str = "") -> None:
        """Bring a message of the chat into view, with words marked in it; one that is not shown changes nothing."""
        if self._pane.conversation is not None and self._pane.conversation.view(message_id) is not None:
            self._marked = bool(words)
            self._pane.view.show_place(message_id, words)

    @Slot(str)
    def _on_words(self, words: str) -> None:
        conversation = self._pane.conversation
        if not words:
            self._pane.view.show_place("", "")
        self.finder.start(words, conversation.views if conversation is not None else ())

    @Slot(str, str, int)
    def _on_arrived(self, message_id: str, words: str, number: int) -> None:
        self._pane.view.show_place(message_id, words, number)

    @Slot()
    def _on_closed(self) -> None:
        self._pane.view.show_place("", "")
        self._pane.view.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _on_conversation(self) -> None:
        """Another chat has other places; what was looked for is looked for there."""
        if not self._pane.find_bar.isHidden():
            self._on_words(self._pane.find_bar.field.text())
        elif self._marked:
            self._marked = False
            self._pane.view.show_place("", "")
