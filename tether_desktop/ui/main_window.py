"""The window: makes its parts, opens them when the core is there, and says which of them is shown."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QWidget

from tether_desktop.ui import startup_trace
from tether_desktop.ui.chat.chat_desk import ChatDesk
from tether_desktop.ui.chat.chats import Chats
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.commands import Shortcuts, read_shortcuts
from tether_desktop.ui.composer.composer_desk import ComposerDesk
from tether_desktop.ui.look import theme
from tether_desktop.ui.models.model_choice import ModelChoice
from tether_desktop.ui.models.models_desk import ModelsDesk
from tether_desktop.ui.port.port_desk import PortDesk
from tether_desktop.ui.sessions.sessions_desk import SessionsDesk
from tether_desktop.ui.system.opening_desk import OpeningDesk
from tether_desktop.ui.system.temporary_desk import TemporaryDesk
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.tools.tools_desk import ToolsDesk
from tether_desktop.ui.window_commands import WindowCommands
from tether_desktop.ui.window_frame import FIRST, WindowFrame
from tether_desktop.ui.window_pages import WindowPages
from tether_desktop.ui.window_state import WindowState, write_state
from tether_desktop.ui.window_wiring import TITLE, WAITING_TITLE, WindowWiring
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.hand_over import Request
    from tether_desktop.settings import Settings
    from tether_desktop.ui.models.library_desk import LibraryDesk
    from tether_desktop.ui.models.welcome_page import WelcomePage
    from tether_desktop.ui.settings.settings_desk import SettingsDesk
    from tether_desktop.ui.system.system_desk import SystemDesk
    from tether_desktop.ui.system.tour_page import TourPage

__all__ = ["TITLE", "WAITING_TITLE", "MainWindow"]

_SAVE_AFTER_MS = 800


class MainWindow(WindowFrame):
    """The one window of the program.

    A part is made in ``_make_desks`` (or when it is first wanted, as ``libraries``), its signals are connected in
    :mod:`window_wiring`, its commands bound in :mod:`window_commands`.

    Attributes:
        tasks: the coroutines that the window runs.
        shortcuts: the keys of commands.
        pages: what is shown; ``sidebar``, ``header`` and ``pane`` are its parts.
        chats: the conversations.
        models: which models there are, and which one answers.
        tools: which tools there are.
        desk: the chat that is shown.
        composing: what stands behind the composer.
        adding: the page of models; adds and prepares them.
        sessions: what is done with the chats of the list.
        temporary: begins, keeps and forgets chats that are never stored.
        port: keeps the local port as the settings say.
        opening: says what is going on until the chats are open.
        commands: does what concerns several parts.
        restarts: whether the program is to be started again once it has ended.
        asked: what was asked for before the window could do it.

    Signals:
        usable(): the chats are listed and a question can be typed.
        close_requested(): the program is to end; the window hides at once and its owner sees to the rest.
    """

    usable = Signal()
    close_requested = Signal()

    def __init__(self, worker: EngineWorker, state: WindowState = WindowState()) -> None:  # noqa: B008  (frozen)
        super().__init__()
        self._worker = worker
        self._state = state
        self._opened = False
        self.asked: list[Request] = []
        self._settings: Settings | None = None
        self.restarts = False
        self.tasks = Tasks(self)
        self.shortcuts = Shortcuts(self)
        self.pages = WindowPages(state.sidebar_width, FIRST.width())
        self.sidebar, self.header, self.pane = self.pages.sidebar, self.pages.header, self.pages.pane
        self._make_desks()
        self._saving = asyncio.Lock()
        self._save_timer = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._lay_out()
        self.commands = WindowCommands(self)
        self._wiring = WindowWiring(self)
        self._connect()
        self.refresh()

    def _make_desks(self) -> None:
        worker, tasks, pane = self._worker, self.tasks, self.pane
        self.chats = Chats(worker, tasks, self)
        self.models = ModelChoice(worker, tasks, self._state.model, self)
        self.tools = ToolsDesk(worker, tasks, self)
        self.desk = ChatDesk(self.chats, self.models, pane, self.sidebar, tasks)
        self.composing = ComposerDesk(worker, tasks, self.desk, self.models, pane, self.shortcuts)
        self.adding = ModelsDesk(worker, tasks, self.models, self.header.install_strip, self)
        self.sessions = SessionsDesk(worker, self.chats, self.sidebar, tasks, self)
        self.temporary = TemporaryDesk(worker, tasks, self.chats, self.desk, pane.temporary_bar)
        self.port = PortDesk(worker, tasks, self.sidebar.port_sign, pane.banner, self)
        self.opening = OpeningDesk(self, worker)

    @cached_property
    def welcome(self) -> WelcomePage:
        """The page that offers the starter model, made when there is no model."""
        from tether_desktop.ui.models.welcome_page import WelcomePage

        page = WelcomePage()
        page.set_folder(self._model_folder())
        page.look_again_requested.connect(self.models.refresh)
        self.adding.serve(page)
        return page

    @cached_property
    def libraries(self) -> LibraryDesk:
        """Asks about libraries that were not compiled here, made when there is one."""
        from tether_desktop.ui.models.library_desk import LibraryDesk

        desk = LibraryDesk(self._worker, self.tasks, self)
        desk.allowed.connect(self.models.choose)
        return desk

    @cached_property
    def settings(self) -> SettingsDesk:
        """Opens the settings, made when they are first wanted."""
        from tether_desktop.ui.settings.settings_desk import SettingsDesk

        desk = SettingsDesk(self._worker, self.tasks, self.tools, self.port, self)
        desk.settings_changed.connect(self._on_settings_changed)
        desk.tour_requested.connect(self.show_tour)
        desk.restart_requested.connect(self.system.closing.restart)
        shortcut = self.system.quick.shortcut
        shortcut.told.connect(desk.tell_shortcut)
        desk.tell_shortcut(shortcut.problem)
        return desk

    @cached_property
    def tour(self) -> TourPage:
        """What is to be known before the first chat, made when it is shown."""
        from tether_desktop.ui.system.tour_page import TourPage

        page = TourPage()
        page.ended.connect(self._on_tour_ended)
        return page

    @cached_property
    def system(self) -> SystemDesk:
        """The window among other programs, made once the data folder is ours."""
        from tether_desktop.ui.system.system_desk import SystemDesk

        desk = SystemDesk(self, self._worker)
        desk.left.connect(self.leave)
        desk.restarted.connect(self.restart)
        desk.closing.remembered.connect(self._on_closing_remembered)
        desk.models_given.connect(self.adding.add_files)
        return desk

    @property
    def conversation(self) -> Conversation:
        """The conversation that is shown."""
        return self.desk.conversation

    @property
    def state(self) -> WindowState:
        """What the window looks like, to be saved."""
        return replace(
            self._state,
            geometry=self.geometry_text,
            sidebar_width=self.pages.sidebar_width,
            sidebar_hidden=self.sidebar.isHidden(),
            session_id="" if self.conversation.temporary else self.conversation.session_id,
            model=self.models.name or self._state.model,
            arrangement=self.sidebar.arrangement,
        )

    async def save_state(self) -> None:
        """Write the state, away from the GUI thread."""

        async def save(_tether: Tether) -> None:
            await asyncio.to_thread(write_state, state)

        if self._opened:
            await self.composing.drafts.save_now()
            async with self._saving:
                state = self.state
                await self._worker.submit(save)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  (Qt's name)
        """The person closes the window, which may mean several things; the end of their session means one."""
        event.ignore()
        app = QApplication.instance()
        session_ends = isinstance(app, QApplication) and app.isSavingSession()
        if "system" in vars(self) and not session_ends:
            self.system.closing.close_window()
        else:
            self.leave()

    @Slot()
    def leave(self) -> None:
        """End the program: disappear at once; what runs is ended in order by the owner."""
        if "system" in vars(self):
            self.system.close()
        self.hide()
        self.close_requested.emit()

    @Slot()
    def restart(self) -> None:
        """End the program in order, and let its owner start it again."""
        self.restarts = True
        self.leave()

    def ask_when_usable(self, request: Request) -> None:
        """Do what a start of the program or the desktop asks for, as soon as that can be done."""
        self.asked.append(request)
        if self._opened:
            self._do_asked()

    def _do_asked(self) -> None:
        for request in self.asked:
            if request.do != "raise":
                self.system.do(request)
        self.asked = []

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Coming back to the window, a model may have been put into its folder."""
        super().changeEvent(event)
        if event.type() != QEvent.Type.ActivationChange or not self.isActiveWindow():
            return
        if not self.models.name:
            self.models.refresh()
        if "system" in vars(self):
            self.system.looked_at()

    @Slot()
    def show_tour(self) -> None:
        """Show the first tour, at its beginning."""
        self.pages.show_alone(self.tour)
        self.tour.start()

    @Slot()
    def open_settings(self) -> None:
        """Show the settings."""
        self._open_settings("General")

    @Slot()
    def open_port_settings(self) -> None:
        """Show the settings of the local port."""
        self._open_settings("Local port")

    @Slot()
    def open_personas(self) -> None:
        """Show the personas in the settings."""
        self._open_settings("Personas")

    @Slot()
    def open_shortcut_settings(self) -> None:
        """Show the keys of all commands."""
        self._open_settings("Shortcuts")

    def _open_settings(self, page: str) -> None:
        self.settings.open(self._settings, page)

    def _model_folder(self) -> str:
        roots = self._settings.dist_roots if self._settings is not None else ()
        return str(roots[0]) if roots else ""

    def _lay_out(self) -> None:
        self.setCentralWidget(self.pages)
        self.sidebar.setVisible(not self._state.sidebar_hidden)
        self.setWindowTitle(TITLE)
        self.take_place(self._state.geometry)

    def _connect(self) -> None:
        self._worker.opened.connect(self._on_opened)
        self.models.changed.connect(self.refresh)
        self.desk.shown.connect(self._on_shown)
        self._save_timer.timeout.connect(self._on_save)

    async def _fill(self, *, typed: bool) -> None:
        records = await self.sessions.fill(self._state.arrangement)
        wanted = self._state.session_id
        if not (typed or self.conversation.views) and any(record.id == wanted for record in records):
            await self._worker.prewarm()
            await self.desk.open_now(wanted)
        self._opened = True
        self.refresh()
        self.pane.composer.edit.setFocus()
        if not (records or self._state.toured):
            self.show_tour()
        startup_trace.mark("usable")
        self.usable.emit()
        self._do_asked()
        if self._settings is not None:
            self.port.follow(self._settings)

    @Slot()
    def refresh(self) -> None:
        """Show what follows from the models and the conversation."""
        models = self.models
        self.header.picker.show_models(models.models, models.name)
        lacking = self._opened and models.known and not models.name
        if lacking:
            self.welcome.show_models(models.models)
        if self.pages.beside in self._homes:
            self.pages.put_beside(self._home)
        self.header.picker.setVisible(not lacking or bool(models.models))
        self.pane.composer.set_reason(self._reason(lacking=lacking))
        self._wiring.show_title()
        self.pane.composer.set_model_title(models.current.title if models.current else "")
        self._wiring.measure(calmly=False)

    @Slot()
    def show_chat(self) -> None:
        """Show the chat, or what there is in its place while there is no model."""
        self.pages.show_beside(self._home)

    @property
    def _home(self) -> QWidget:
        lacking = self._opened and self.models.known and not self.models.name
        return self.welcome if lacking and not self.conversation.views else self.pane

    @property
    def _homes(self) -> tuple[QWidget, ...]:
        """The pages that take turns by themselves; any other one stays until it is left."""
        return (self.pane, self.welcome) if "welcome" in vars(self) else (self.pane,)

    def _reason(self, *, lacking: bool) -> str:
        """Why nothing can be asked yet; empty when it can."""
        if not self._opened:
            return self.tr("Opening your conversations…")
        lost = self.models.lost
        if lacking and lost is not None:
            told = self.tr("{model} cannot answer any more. {reason} {remedy}")
            return told.format(model=lost.title, reason=lost.reason, remedy=lost.remedy)
        if lacking:
            return self.tr("There is no model yet, so nothing can be answered. Start a new chat to add one.")
        return ""

    @Slot(object)
    def _on_opened(self, settings: Settings) -> None:
        self._settings = settings
        self.shortcuts.use(read_shortcuts(settings.shortcuts))
        self.system.follow(settings)
        self.pages.show_parts()
        self.models.prefer(settings.default_model)
        self._use_look(settings)
        # Who has begun to write stays where that is; a draft from the store cannot have come yet.
        self.tasks.start(self._fill(typed=bool(self.pane.composer.text())))

    @Slot()
    def _on_tour_ended(self) -> None:
        self._state = replace(self._state, toured=True)
        self._save_timer.start()
        self.pages.show_parts()
        self.pane.composer.edit.setFocus()

    @Slot()
    def _on_shown(self) -> None:
        self.refresh()
        self.pages.put_beside(self._home)
        self._save_timer.start()

    @Slot(str)
    def _on_closing_remembered(self, closing: str) -> None:
        self.settings.save("closing", closing)

    @Slot(object)
    def _on_settings_changed(self, settings: Settings) -> None:
        self._settings = settings
        self.shortcuts.use(read_shortcuts(settings.shortcuts))
        self.system.follow(settings)
        self.composing.use(settings)
        self.port.follow(settings)
        self.adding.use_settings(settings)
        self._use_look(settings)

    def _use_look(self, settings: Settings) -> None:
        theme.appearance().use(
            settings.theme, settings.text_size, settings.density, still=settings.reduced_motion == "on"
        )
        look = {name: getattr(settings, name) for name in ("theme", "text_size", "density", "language")}
        self._state = replace(self._state, **look)
        self._save_timer.start()

    @Slot()
    def _on_save(self) -> None:
        self.tasks.start(self.save_state())
