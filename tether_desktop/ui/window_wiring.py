"""Who tells whom in the window: one place where the signals of its parts meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QApplication

from tether_desktop.errors import TetherError
from tether_desktop.ui.translation import mark, translate

if TYPE_CHECKING:
    from tether_desktop.ui.chat.chat_view import ChatView
    from tether_desktop.ui.main_window import MainWindow

TITLE = "Tether"
WAITING_TITLE = mark("WindowWiring", "Waiting for your approval - Tether")


class WindowWiring(QObject):
    """Connects the parts of the window; what concerns several of them is done here."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._lost: TetherError | None = None
        self._connect_chats()
        self._connect_sessions()
        self._connect_models()
        self._connect_header()
        window.tools.changed.connect(self._on_tools_changed)
        window.tasks.failed.connect(window.pane.banner.show_error)

    def _connect_chats(self) -> None:
        window = self._window
        window.pane.composer.typing_started.connect(window.models.warm_up)
        window.composing.personas.personas_requested.connect(window.open_personas)
        window.pane.measured.connect(self.measure)
        window.pane.view_made.connect(self._on_view_made)
        window.pane.banner.restart_requested.connect(self._on_restart_requested)
        window.chats.waiting_changed.connect(self._on_waiting_changed)

    def _connect_sessions(self) -> None:
        window, sidebar, sessions = self._window, self._window.sidebar, self._window.sessions
        sidebar.new_requested.connect(window.commands.new_chat)
        sidebar.chosen.connect(window.desk.open)
        sidebar.message_chosen.connect(self._on_message_chosen)
        sidebar.settings_requested.connect(window.open_settings)
        sidebar.port_requested.connect(window.open_port_settings)
        sessions.done.connect(window.pane.undo_bar.offer)
        sessions.said.connect(window.pane.undo_bar.note)
        sessions.left.connect(self._on_left)
        sessions.wanted.connect(window.desk.open)
        sessions.gone.connect(self._on_gone)
        window.pane.undo_bar.undo_requested.connect(sessions.undo)
        window.desk.shown.connect(self._on_shown)
        window.composing.drafts.saved.connect(sidebar.model.marks.set_draft)

    def _connect_models(self) -> None:
        window, picker = self._window, self._window.header.picker
        picker.chosen.connect(window.models.choose)
        picker.load_requested.connect(window.models.load)
        picker.unload_requested.connect(window.models.unload)
        picker.cancel_requested.connect(window.models.unload)
        picker.permission_requested.connect(self._on_permission_requested)
        picker.prepare_requested.connect(window.adding.prepare)
        picker.add_requested.connect(window.adding.open_catalogue)
        picker.manage_requested.connect(window.adding.open)
        picker.opened.connect(window.models.refresh)
        window.models.lost_changed.connect(self._on_lost_changed)
        window.adding.added.connect(self._on_model_added)
        window.adding.shown.connect(window.pages.show_beside)
        window.adding.left.connect(window.show_chat)
        window.adding.permission_requested.connect(self._on_permission_requested)
        window.adding.default_chosen.connect(self._on_default_chosen)
        window.adding.kept.connect(window.desk.open)

    def _connect_header(self) -> None:
        window, header = self._window, self._window.header
        header.sidebar_requested.connect(window.pages.toggle_sidebar)
        header.temporary_requested.connect(window.commands.temporary_chat)
        header.menu_requested.connect(self._on_menu_requested)
        window.temporary.changed.connect(self.show_title)
        window.chats.titled.connect(self.show_title)
        window.sidebar.model.dataChanged.connect(self.show_title)
        window.sidebar.model.rebuilt.connect(self.show_title)

    @Slot(object)
    def _on_view_made(self, view: ChatView) -> None:
        view.restart_requested.connect(self._on_restart_requested)

    @Slot()
    def _on_restart_requested(self) -> None:
        self._window.system.closing.restart()

    @Slot()
    def show_title(self, *_: object) -> None:
        """Show which chat it is."""
        window, shown = self._window, self._window.conversation
        record = window.sidebar.model.session(shown.session_id)
        title = record.title if record is not None else ""
        window.header.show_chat(title, stored=record is not None, temporary=shown.temporary)
        window.pane.empty.show_temporary(temporary=shown.temporary)

    @Slot()
    def _on_menu_requested(self) -> None:
        window, button = self._window, self._window.header.menu_button
        menu = window.sidebar.menu_of(window.conversation.session_id)
        if menu is not None:
            menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    @Slot(bool)
    def measure(self, calmly: bool) -> None:
        """Show memory, tokens and speed; ``calmly`` so that they can be read while they change."""
        shown = self._window.conversation
        self._window.header.show_status(self._window.models.current, shown.tokens, shown.rate, calmly=calmly)

    @Slot()
    def _on_tools_changed(self) -> None:
        pane, snapshot = self._window.pane, self._window.tools.snapshot
        pane.set_tools(snapshot.by_name)
        pane.composer.tool_button.show_prompts(snapshot.prompts)

    @Slot(str, bool)
    def _on_waiting_changed(self, _session_id: str, waiting: bool) -> None:
        window = self._window
        window.setWindowTitle(translate("WindowWiring", WAITING_TITLE) if window.sidebar.model.waiting else TITLE)
        if waiting and not window.isActiveWindow():
            QApplication.alert(window)

    @Slot(object)
    def _on_left(self, session_ids: Sequence[str]) -> None:
        if self._window.conversation.session_id in session_ids:
            self._window.desk.new()

    @Slot()
    def _on_shown(self) -> None:
        self._window.sessions.looked_at(self._window.conversation.session_id)

    @Slot(str, str)
    def _on_gone(self, session_id: str, title: str) -> None:
        window = self._window
        if session_id == window.conversation.session_id:
            window.desk.leave()
            window.pane.undo_bar.note(self.tr("“{title}” was deleted by another program.").format(title=title))

    @Slot(str, str)
    def _on_message_chosen(self, session_id: str, message_id: str) -> None:
        self._window.desk.open(session_id, message_id, self._window.sidebar.search.text())

    @Slot()
    def _on_lost_changed(self) -> None:
        """Say why another model answers than the one that did; where none can, the composer says so."""
        window, lost, now = self._window, self._window.models.lost, self._window.models.current
        window.pane.banner.withdraw(self._lost)
        self._lost = None
        if lost is not None and now is not None:
            title = self.tr("{model} cannot answer any more").format(model=lost.title)
            hint = self.tr("{model} answers from now on.").format(model=now.title)
            self._lost = TetherError(title, lost.reason, hint)
            window.pane.banner.show_calmly(self._lost)

    @Slot(str)
    def _on_model_added(self, name: str) -> None:
        window = self._window
        window.models.prefer(name)
        window.refresh()
        if window.pages.beside is not window.adding.page:
            window.pane.composer.edit.setFocus()

    @Slot(str)
    def _on_default_chosen(self, name: str) -> None:
        self._window.settings.save("default_model", name)

    @Slot(str)
    def _on_permission_requested(self, name: str) -> None:
        self._window.libraries.ask(name)
