"""The window: puts the parts together, and says which of them is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from tether_desktop import paths
from tether_desktop.errors import TetherError
from tether_desktop.ui import startup_trace
from tether_desktop.ui.chat.chat_desk import ChatDesk
from tether_desktop.ui.chat.chat_pane import ChatPane
from tether_desktop.ui.chat.chats import Chats
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.commands import Shortcuts, read_shortcuts
from tether_desktop.ui.composer.prompts_desk import PromptsDesk
from tether_desktop.ui.header import Header
from tether_desktop.ui.look import theme
from tether_desktop.ui.models.add_model_desk import AddModelDesk
from tether_desktop.ui.models.model_choice import ModelChoice
from tether_desktop.ui.port.port_desk import PortDesk
from tether_desktop.ui.sessions.session_list import SessionList
from tether_desktop.ui.sessions.sessions_desk import SessionsDesk
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.tools.tools_desk import ToolsDesk
from tether_desktop.ui.window_state import WindowState, write_state
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.settings import Settings
    from tether_desktop.ui.models.library_desk import LibraryDesk
    from tether_desktop.ui.models.welcome_page import WelcomePage
    from tether_desktop.ui.notice_page import NoticePage
    from tether_desktop.ui.settings.settings_desk import SettingsDesk

TITLE = "Tether"
WAITING_TITLE = "Waiting for your approval - Tether"
OPENING = "Opening your conversations…"
NO_MODEL = "There is no model yet, so nothing can be answered. Start a new chat to add one."

_SAVE_AFTER_MS = 800
_SMALLEST = QSize(680, 440)
_FIRST = QSize(1180, 820)
_FRAME = QSize(24, 56)
"""What a window's frame takes at most, so that the first window fits on a small screen with it."""


def first_size(screen: QSize) -> QSize:
    """The window's size at its first start, on a screen with so much room."""
    return _FIRST.boundedTo(screen - _FRAME).expandedTo(_SMALLEST)


class MainWindow(QMainWindow):
    """The one window of the program.

    Attributes:
        tasks: the coroutines that the window runs.
        chats: the conversations.
        models: which models there are, and which one answers.
        tools: which tools there are.
        desk: the chat that is shown.
        adding: adds and prepares models.
        port: keeps the local port as the settings say.
        shortcuts: the keys of commands.

    Signals:
        painted(): the first frame is on the screen.
        usable(): the chats are listed and a question can be typed.
        close_requested(): the person closes the window; it hides at once and its owner ends the program.
    """

    painted = Signal()
    usable = Signal()
    close_requested = Signal()

    def __init__(self, worker: EngineWorker, state: WindowState = WindowState()) -> None:  # noqa: B008  (frozen)
        super().__init__()
        self._worker = worker
        self._state = state
        self._opened = False
        self._painted = False
        self._settings: Settings | None = None
        self._welcome: WelcomePage | None = None
        self._notice: NoticePage | None = None
        self._libraries: LibraryDesk | None = None
        self._settings_desk: SettingsDesk | None = None
        self.tasks = Tasks(self)
        self.chats = Chats(worker, self.tasks, self)
        self.models = ModelChoice(worker, self.tasks, state.model, self)
        self.tools = ToolsDesk(worker, self.tasks, self)
        self._make_parts()
        self.prompts = PromptsDesk(worker, self.tasks, self.pane.composer, self)
        self.desk = ChatDesk(self.chats, self.models, self.pane, self.sidebar, self.tasks)
        self.adding = AddModelDesk(worker, self.tasks, self.header.install_strip, self)
        self.sessions = SessionsDesk(worker, self.chats, self.sidebar.model, self.tasks, self)
        self.port = PortDesk(worker, self.tasks, self.sidebar.port_sign, self.pane.banner, self)
        self.shortcuts = Shortcuts(self)
        self._save_timer = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._lay_out()
        self._connect()
        self._bind_commands()
        self._refresh()

    @property
    def conversation(self) -> Conversation:
        """The conversation that is shown."""
        return self.desk.conversation

    @property
    def state(self) -> WindowState:
        """What the window looks like, to be saved."""
        return replace(
            self._state,
            geometry=bytes(self.saveGeometry().toBase64().data()).decode("ascii"),
            sidebar_width=self._splitter.sizes()[0] or self._state.sidebar_width,
            session_id=self.conversation.session_id,
            model=self.models.name or self._state.model,
        )

    @property
    def welcome(self) -> WelcomePage:
        """The page that offers the starter model, made when there is no model."""
        if self._welcome is None:
            self._welcome = self._make_welcome()
        return self._welcome

    @property
    def notice(self) -> NoticePage:
        """The page for errors that keep the program from working, made when there is one."""
        if self._notice is None:
            self._notice = self._make_notice()
        return self._notice

    @property
    def libraries(self) -> LibraryDesk:
        """Asks about libraries that were not compiled here, made when there is one."""
        if self._libraries is None:
            from tether_desktop.ui.models.library_desk import LibraryDesk

            self._libraries = LibraryDesk(self._worker, self.tasks, self)
            self._libraries.allowed.connect(self.models.choose)
        return self._libraries

    async def save_state(self) -> None:
        """Write the state, away from the GUI thread."""
        state = self.state

        async def save(_tether: Tether) -> None:
            import asyncio

            await asyncio.to_thread(write_state, state)

        if self._opened:
            await self._worker.submit(save)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  (Qt's name)
        """Disappear at once; what runs is ended in order by the owner."""
        event.ignore()
        self.hide()
        self.close_requested.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Tell when the first frame is there: what is slow starts only then."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self._on_first_frame)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Coming back to the window, a model may have been put into its folder."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow() and not self.models.name:
            self.models.refresh()

    def _make_parts(self) -> None:
        self.sidebar = SessionList()
        self.header = Header()
        self.pane = ChatPane()
        self._right = QStackedWidget()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setObjectName("main_splitter")
        self._pages = QStackedWidget()

    def _make_welcome(self) -> WelcomePage:
        from tether_desktop.ui.models.welcome_page import WelcomePage

        page = WelcomePage()
        page.set_folder(self._model_folder())
        page.look_again_requested.connect(self.models.refresh)
        self.adding.serve(page)
        self._right.addWidget(page)
        return page

    def _make_notice(self) -> NoticePage:
        from tether_desktop.ui.notice_page import NoticePage

        page = NoticePage()
        page.retry_requested.connect(self._on_retry)
        page.quit_requested.connect(self.close)
        self._pages.addWidget(page)
        return page

    def _model_folder(self) -> str:
        roots = self._settings.dist_roots if self._settings is not None else ()
        return str(roots[0]) if roots else ""

    def _lay_out(self) -> None:
        self._right.addWidget(self.pane)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._right, 1)
        self._splitter.addWidget(self.sidebar)
        self._splitter.addWidget(right)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([self._state.sidebar_width, _FIRST.width() - self._state.sidebar_width])
        self._pages.addWidget(self._splitter)
        self.setCentralWidget(self._pages)
        self.setWindowTitle(TITLE)
        self.setMinimumSize(_SMALLEST)
        self.resize(first_size(self.screen().availableSize()))
        if self._state.geometry:
            self.restoreGeometry(QByteArray.fromBase64(self._state.geometry.encode("ascii")))

    def _connect(self) -> None:
        self._worker.opened.connect(self._on_opened)
        self._worker.failed.connect(self._on_failed)
        self.tasks.failed.connect(self.pane.banner.show_error)
        self.models.changed.connect(self._refresh)
        self._save_timer.timeout.connect(self._on_save)
        self._connect_sessions()
        self.desk.shown.connect(self._on_shown)
        self.pane.composer.typing_started.connect(self.models.warm_up)
        self.pane.measured.connect(self._on_measured)
        picker = self.header.picker
        picker.chosen.connect(self.models.choose)
        picker.load_requested.connect(self.models.load)
        picker.unload_requested.connect(self.models.unload)
        picker.cancel_requested.connect(self.models.unload)
        picker.permission_requested.connect(self._on_permission_requested)
        picker.prepare_requested.connect(self.adding.prepare)
        picker.add_requested.connect(self.adding.open)
        picker.opened.connect(self.models.refresh)
        self.adding.added.connect(self._on_model_added)
        self.tools.changed.connect(self._on_tools_changed)
        self.chats.waiting_changed.connect(self._on_waiting_changed)

    def _connect_sessions(self) -> None:
        self.sidebar.new_requested.connect(self.desk.new)
        self.sidebar.chosen.connect(self.desk.open)
        self.sidebar.settings_requested.connect(self.open_settings)
        self.sidebar.port_requested.connect(self.open_port_settings)
        self.sidebar.rename_requested.connect(self.sessions.rename)
        self.sidebar.pin_requested.connect(self.sessions.pin)
        self.sidebar.delete_requested.connect(self.sessions.delete)
        self.sessions.deleted.connect(self._on_deleted)
        self.sessions.restored.connect(self.desk.open)
        self.sessions.gone.connect(self._on_gone)
        self.pane.undo_bar.undo_requested.connect(self.sessions.restore)

    def _bind_commands(self) -> None:
        for name, slot in (
            ("new_chat", self.desk.new),
            ("search", self.sidebar.focus_search),
            ("settings", self.open_settings),
            ("choose_model", self.header.picker.open_popup),
            ("answer_call", self.go_to_question),
            ("stop", self._on_escape),
        ):
            self.shortcuts.bind(name, slot)

    @property
    def settings(self) -> SettingsDesk:
        """Opens the settings, made when they are first wanted."""
        if self._settings_desk is None:
            from tether_desktop.ui.settings.settings_desk import SettingsDesk

            self._settings_desk = SettingsDesk(self._worker, self.tasks, self.tools, self.port, self)
            self._settings_desk.theme_chosen.connect(self._on_theme)
            self._settings_desk.settings_changed.connect(self._on_settings_changed)
        return self._settings_desk

    @Slot()
    def go_to_question(self) -> None:
        """Give the keyboard to a tool call that waits for permission, in this chat or else in another one."""
        if self.conversation.waiting and self.pane.view.focus_question():
            return
        waiting = [each.id for each in self.sidebar.model.sessions() if each.id in self.sidebar.model.waiting]
        if waiting:
            self.desk.open(waiting[0])

    @Slot()
    def open_settings(self) -> None:
        """Show the settings."""
        self._open_settings("General")

    @Slot()
    def open_port_settings(self) -> None:
        """Show the settings of the local port."""
        self._open_settings("Local port")

    def _open_settings(self, page: str) -> None:
        folders = {"Conversations": paths.data_dir()}
        if self._model_folder():
            folders["Models"] = Path(self._model_folder())
        self.settings.open(self._settings, folders, page)

    async def _fill(self) -> None:
        records = await self.sessions.fill()
        wanted = self._state.session_id
        if not self.conversation.views and any(record.id == wanted for record in records):
            await self._worker.prewarm()
            await self.desk.open_now(wanted)
        self._opened = True
        self._refresh()
        self.pane.composer.edit.setFocus()
        startup_trace.mark("usable")
        self.usable.emit()
        if self._settings is not None:
            self.port.follow(self._settings)

    @Slot()
    def _refresh(self) -> None:
        """Show what follows from the models and the conversation."""
        models = self.models
        self.header.picker.show_models(models.models, models.name)
        lacking = self._opened and models.known and not models.name
        if lacking and not self.conversation.views:
            self.welcome.show_models(models.models)
            self._right.setCurrentWidget(self.welcome)
        else:
            self._right.setCurrentWidget(self.pane)
        self.header.picker.setVisible(not lacking or bool(models.models))
        self.pane.composer.set_reason(OPENING if not self._opened else NO_MODEL if lacking else "")
        self.pane.composer.set_model_title(models.current.title if models.current else "")
        self._on_measured(calmly=False)

    @Slot()
    def _on_tools_changed(self) -> None:
        self.pane.set_tools(self.tools.snapshot.by_name)
        self.pane.composer.tool_button.show_prompts(self.tools.snapshot.prompts)

    @Slot(str, bool)
    def _on_waiting_changed(self, _session_id: str, waiting: bool) -> None:
        self.setWindowTitle(WAITING_TITLE if self.sidebar.model.waiting else TITLE)
        if waiting and not self.isActiveWindow():
            QApplication.alert(self)

    @Slot(bool)
    def _on_measured(self, calmly: bool) -> None:
        shown = self.conversation
        self.header.show_status(self.models.current, shown.tokens, shown.rate, calmly=calmly)

    @Slot()
    def _on_first_frame(self) -> None:
        startup_trace.mark("shown")
        self.painted.emit()

    @Slot(object)
    def _on_opened(self, settings: Settings) -> None:
        self._settings = settings
        self.shortcuts.use(read_shortcuts(settings.shortcuts))
        self._pages.setCurrentWidget(self._splitter)
        self.models.prefer(settings.default_model)
        self._use_theme(settings.theme)
        self.tasks.start(self._fill())

    @Slot(object)
    def _on_failed(self, error: TetherError) -> None:
        self.notice.show_error(error)
        self._pages.setCurrentWidget(self.notice)

    @Slot()
    def _on_retry(self) -> None:
        self.notice.set_retrying(retrying=True)
        self._worker.retry()

    @Slot()
    def _on_shown(self) -> None:
        self._refresh()
        self._save_timer.start()

    @Slot(str, str)
    def _on_deleted(self, session_id: str, title: str) -> None:
        self.pane.undo_bar.offer(f"Deleted “{title}”.", session_id)
        if session_id == self.conversation.session_id:
            self.desk.new()

    @Slot(str, str)
    def _on_gone(self, session_id: str, title: str) -> None:
        if session_id == self.conversation.session_id:
            self.desk.leave()
            self.pane.undo_bar.note(f"“{title}” was deleted by another program.")

    @Slot(str)
    def _on_model_added(self, name: str) -> None:
        self.models.prefer(name)
        self._refresh()
        if self.adding.dialog is None:
            self.pane.composer.edit.setFocus()

    @Slot(str)
    def _on_permission_requested(self, name: str) -> None:
        self.libraries.ask(name)

    @Slot()
    def _on_escape(self) -> None:
        search = self.sidebar.search
        if search.hasFocus() and search.text():
            search.clear()
        elif self.conversation.busy:
            self.desk.stop()
        else:
            self.pane.composer.edit.setFocus()

    @Slot(str)
    def _on_theme(self, choice: theme.ThemeChoice) -> None:
        self._use_theme(choice)
        self.settings.save("theme", choice)

    @Slot(object)
    def _on_settings_changed(self, settings: Settings) -> None:
        self._settings = settings
        self.shortcuts.use(read_shortcuts(settings.shortcuts))
        self.port.follow(settings)

    def _use_theme(self, choice: theme.ThemeChoice) -> None:
        theme.appearance().choose(choice)
        self._state = replace(self._state, theme=choice)
        self._save_timer.start()

    @Slot()
    def _on_save(self) -> None:
        self.tasks.start(self.save_state())
