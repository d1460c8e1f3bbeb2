"""Binds the window's commands to the parts that do them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from tether_desktop.ui.sessions.session_item_model import SESSION_ID_ROLE

if TYPE_CHECKING:
    from tether_desktop.ui.main_window import MainWindow


class WindowCommands(QObject):
    """Does what concerns several parts of the window, and asks one part for the rest."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        for name, slot in (
            ("new_chat", self.new_chat),
            ("temporary_chat", self.temporary_chat),
            ("search", self.search),
            ("next_chat", self.next_chat),
            ("previous_chat", self.previous_chat),
            ("choose_model", window.header.picker.open_popup),
            ("models", window.adding.open),
            ("answer_call", self.go_to_question),
            ("find", window.desk.answers.finding.open),
            ("regenerate", window.desk.answers.regenerate_newest),
            ("copy_answer", window.desk.answers.copy_newest),
            ("toggle_sidebar", window.pages.toggle_sidebar),
            ("settings", window.open_settings),
            ("shortcuts", window.open_shortcut_settings),
            ("stop", self.stop),
            ("quit", self.quit),
        ):
            window.shortcuts.bind(name, slot)
        sidebar = window.sidebar
        window.shortcuts.show_on(sidebar.new_button, "new_chat")
        window.shortcuts.show_on(sidebar.search, "search")
        window.shortcuts.show_on(sidebar.settings_button, "settings")

    @Slot()
    def new_chat(self) -> None:
        """Show an empty chat, whatever page is in its place."""
        self._window.desk.new()
        self._window.show_chat()

    @Slot()
    def temporary_chat(self) -> None:
        """Begin a chat that is never stored, or leave the empty one that is shown."""
        self._window.temporary.toggle()
        self._window.show_chat()

    @Slot()
    def quit(self) -> None:
        """End the program, after a question while something would be cut off."""
        if "system" in vars(self._window):
            self._window.system.closing.quit()
        else:
            self._window.leave()

    @Slot()
    def search(self) -> None:
        """Go to the search of chats, also while the sidebar is hidden."""
        if self._window.sidebar.isHidden():
            self._window.pages.toggle_sidebar()
        self._window.sidebar.focus_search()

    @Slot()
    def next_chat(self) -> None:
        """Show the chat below in the list."""
        self._step(1)

    @Slot()
    def previous_chat(self) -> None:
        """Show the chat above in the list."""
        self._step(-1)

    def _step(self, way: int) -> None:
        listed = self._window.sidebar.model
        rows = (listed.index(row).data(SESSION_ID_ROLE) for row in range(listed.rowCount()))
        chats = [str(session_id) for session_id in rows if session_id]
        shown = self._window.conversation.session_id
        place = chats.index(shown) + way if shown in chats else 0
        if 0 <= place < len(chats):
            self._window.desk.open(chats[place])
            self._window.show_chat()

    @Slot()
    def go_to_question(self) -> None:
        """Give the keyboard to a tool call that waits for permission, in this chat or else in another one."""
        window = self._window
        if window.conversation.waiting and window.pane.view.focus_question():
            return
        listed = window.sidebar.model
        waiting = [each.id for each in listed.sessions() if each.id in listed.waiting]
        if waiting:
            window.desk.open(waiting[0])

    @Slot()
    def stop(self) -> None:
        """Leave the search, or stop the answer, or go to the composer."""
        window = self._window
        search = window.sidebar.search
        if search.hasFocus() and search.text():
            search.clear()
        elif window.conversation.busy:
            window.desk.stop()
        else:
            window.pane.composer.edit.setFocus()
