"""The window among other programs: other starts, the tray, notifications, the quick window, and how it is closed."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from tether_desktop.child_process import check_program
from tether_desktop.errors import ProgramReplaced
from tether_desktop.hand_over import Request
from tether_desktop.ui.system.closing_desk import ClosingDesk, Running
from tether_desktop.ui.system.notifier import Notifier
from tether_desktop.ui.system.quick_desk import QuickDesk
from tether_desktop.ui.system.single_instance import SingleInstance
from tether_desktop.ui.system.tray import Tray

if TYPE_CHECKING:
    from tether_desktop.settings import Settings
    from tether_desktop.ui.main_window import MainWindow
    from tether_desktop.ui.worker.worker import EngineWorker

logger = logging.getLogger(__name__)


class SystemDesk(QObject):
    """Made once the data folder is ours; everything of it ends with :meth:`close`.

    Attributes:
        tray: the icon in the tray.
        closing: what closing means.
        notifier: tells of answers while the window is out of sight.
        quick: the small window for one question, and its shortcut.

    Signals:
        left(): the program is to end.
        restarted(): the program is to end, and to be started again.
        models_given(paths): another start, or the desktop, brings files of models.
    """

    left = Signal()
    restarted = Signal()
    models_given = Signal(list)

    def __init__(self, window: MainWindow, worker: EngineWorker) -> None:
        super().__init__(window)
        self._window = window
        self._worker = worker
        self._answering: set[str] = set()
        self._waiting: set[str] = set()
        self._replaced = False
        self._instance = SingleInstance(self)
        self.tray = Tray(window)
        self.closing = ClosingDesk(window, self._running)
        self.notifier = Notifier(window, self.tray)
        self.quick = QuickDesk(window)
        self._connect()
        self._instance.listen()

    def follow(self, settings: Settings) -> None:
        """Take what the settings say."""
        self.closing.follow(settings)
        self.notifier.follow(settings)
        self.quick.follow(settings)
        self.tray.want("closing", wanted=settings.closing == "background")

    @Slot(object)
    def do(self, request: Request) -> None:
        """Do what a start of the program asks for."""
        if request.token:  # Wayland lets a window come to the front only with what the desktop gave the other start
            os.environ["XDG_ACTIVATION_TOKEN"] = request.token
        match request.do:
            case "quick":
                self.quick.show()
            case "open":
                self.show_window()
                self._open(request.files)
            case "raise":
                self.show_window()

    @Slot()
    def show_window(self) -> None:
        """Bring the window to the front, from the tray or from behind others."""
        window = self._window
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
        window.raise_()
        window.activateWindow()
        self.tray.want("hidden", wanted=False)

    @Slot()
    def looked_at(self) -> None:
        """The person looks at the window."""
        self.notifier.withdraw()
        if not self._replaced:
            self._look_at_program()

    def close(self) -> None:
        """Leave tray and desktop, and listen no more."""
        self._instance.close()
        self.notifier.close()
        self.tray.close()
        self.quick.close()

    def _connect(self) -> None:
        window, tray = self._window, self.tray
        self._instance.asked.connect(self.do)
        tray.open_requested.connect(self.show_window)
        tray.new_requested.connect(self._on_new)
        tray.quick_requested.connect(self.quick.show)
        tray.quit_requested.connect(self.closing.quit)
        self.closing.left.connect(self.left)
        self.closing.restarted.connect(self.restarted)
        self.closing.sent_to_tray.connect(self._on_sent_to_tray)
        self.notifier.chosen.connect(self._on_chosen)
        self.quick.handed_over.connect(self._on_handed_over)
        self.quick.opened.connect(self.show_window)
        window.chats.busy_changed.connect(self._on_busy_changed)
        window.chats.waiting_changed.connect(self._on_waiting_changed)
        window.port.changed.connect(self._on_port_changed)

    def _open(self, files: tuple[str, ...]) -> None:
        models = [file for file in files if file.casefold().endswith(".gguf")]
        if models:
            self.models_given.emit(models)
        for file in files:
            if file not in models:
                self._window.tasks.start(self._import(file))

    async def _import(self, file: str) -> None:
        report = await self._worker.submit(lambda tether: tether.sessions.import_from(Path(file)))
        told = [self.tr("%n chat(s) imported.", "", len(report.imported))]
        told += [f"{skipped.title}: {skipped.reason}" for skipped in report.skipped]
        self._window.pane.undo_bar.note("\n".join(told))

    def _look_at_program(self) -> None:
        """Tell, once, that another version was installed behind the window's back."""
        try:
            check_program()
        except ProgramReplaced as error:
            self._replaced = True
            logger.warning("The program was replaced or removed while it is open")
            self._window.pane.banner.show_calmly(error)

    def _running(self) -> Running:
        window, shown = self._window, self._window.conversation
        beginning = shown.busy and not shown.session_id  # its place in the store is on its way
        return Running(window.chats.answering + beginning, window.chats.queued, window.adding.installs.busy)

    def _title(self, session_id: str) -> str:
        record = self._window.sidebar.model.session(session_id)
        return record.title if record is not None else ""

    def _show_state(self) -> None:
        self.tray.show_state("waiting" if self._waiting else "answering" if self._answering else "idle")

    @Slot()
    def _on_new(self) -> None:
        self.show_window()
        self._window.commands.new_chat()

    @Slot()
    def _on_sent_to_tray(self) -> None:
        self.tray.want("hidden", wanted=True)
        self._window.hide()

    @Slot(str)
    def _on_chosen(self, session_id: str) -> None:
        self.show_window()
        if session_id and self._window.sidebar.model.session(session_id) is not None:
            self._window.desk.open(session_id)
            self._window.show_chat()

    @Slot(str)
    def _on_handed_over(self, session_id: str) -> None:
        self.show_window()
        self._window.desk.open(session_id)
        self._window.show_chat()

    @Slot(str, bool)
    def _on_busy_changed(self, session_id: str, busy: bool) -> None:
        ended = not busy and session_id in self._answering
        (self._answering.add if busy else self._answering.discard)(session_id)
        self._show_state()
        if ended:
            self.notifier.tell_answered(session_id, self._title(session_id))

    @Slot(str, bool)
    def _on_waiting_changed(self, session_id: str, waiting: bool) -> None:
        begun = waiting and session_id not in self._waiting
        (self._waiting.add if waiting else self._waiting.discard)(session_id)
        self._show_state()
        if begun:
            self.notifier.tell_waiting(session_id, self._title(session_id))

    @Slot()
    def _on_port_changed(self) -> None:
        self.tray.show_port(self._window.port.state.url)
