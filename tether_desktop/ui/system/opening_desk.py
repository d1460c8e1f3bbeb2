"""What is shown until the chats are open: that it takes a while, or why it cannot be and what can be done."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from tether_desktop import paths
from tether_desktop.errors import AlreadyRunning, StoreBusy, StoreDamaged, StoreTooNew, TetherError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from tether_desktop.ui.main_window import MainWindow
    from tether_desktop.ui.notice_page import NoticePage, Remedy
    from tether_desktop.ui.system.opening_page import OpeningPage
    from tether_desktop.ui.worker.worker import EngineWorker

SLOW_MS = 1_500
"""After this long it is said that opening takes a while; until then the composer says that it is on its way."""


class OpeningDesk(QObject):
    """Watches the core being opened.

    Attributes:
        chooser: the dialog in which a backup is chosen, while it is open.
    """

    def __init__(self, window: MainWindow, worker: EngineWorker) -> None:
        super().__init__(window)
        self._window = window
        self._worker = worker
        self._database: Path | None = None
        self._mended = ""
        self.chooser: QFileDialog | None = None
        self._slow = QTimer(self, singleShot=True, interval=SLOW_MS)
        self._slow.timeout.connect(self._on_slow)
        window.painted.connect(self._slow.start)
        worker.opened.connect(self._on_opened)
        worker.migrating.connect(self._on_migrating)
        worker.failed.connect(self._on_failed)

    @cached_property
    def notice(self) -> NoticePage:
        """The page for errors that keep the program from working, made when there is one."""
        from tether_desktop.ui.notice_page import NoticePage

        page = NoticePage()
        page.retry_requested.connect(self._on_retry)
        page.remedy_requested.connect(self._on_remedy)
        page.quit_requested.connect(self._window.leave)
        return page

    @cached_property
    def page(self) -> OpeningPage:
        """Says that it takes a while, made when it does."""
        from tether_desktop.ui.system.opening_page import OpeningPage

        return OpeningPage()

    @Slot(str)
    def restore(self, backup: str) -> None:
        """Put a backup in the place of what cannot be opened, and open it."""
        self._mend(self._restore(Path(backup)))

    @Slot()
    def begin(self) -> None:
        """Keep what cannot be opened under another name, and open a new database."""
        self._mend(self._begin())

    def _mend(self, work: Coroutine[Any, Any, None]) -> None:
        self.notice.set_busy(self.tr("One moment…"))
        self._window.tasks.start(self._told(work))

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except TetherError as error:
            self.notice.show_problem(error)
        else:
            self._on_retry()

    async def _restore(self, backup: Path) -> None:
        database = self._database
        if database is None:
            return
        aside = await self._worker.run_aside(lambda: _with_the_folder(lambda: _restored(backup, database)))
        self._mended = self.tr("The backup is restored.")
        self._mended += self._kept(aside)

    async def _begin(self) -> None:
        database = self._database
        if database is None:
            return
        aside = await self._worker.run_aside(lambda: _with_the_folder(lambda: _set_aside(database)))
        self._mended = self.tr("Tether begins with no chats.")
        self._mended += self._kept(aside)

    def _kept(self, aside: Path | None) -> str:
        if aside is None:
            return ""
        return " " + self.tr("The file that could not be opened is kept as {name}.").format(name=aside.name)

    async def _show_failure(self, error: TetherError) -> None:
        if isinstance(error, AlreadyRunning) and await self._hand_over():
            self._window.leave()
            return
        self._database = await self._worker.run_aside(_database_file)
        self.notice.show_error(error, self._remedies(error))
        self._window.pages.show_alone(self.notice)

    async def _hand_over(self) -> bool:
        """Let the window that has the data folder come forward in the place of this one, if it is a window."""
        import asyncio

        from tether_desktop.hand_over import Request, hand_over

        asked = self._window.asked or [Request()]
        return all([await asyncio.to_thread(hand_over, request) for request in asked])

    def _remedies(self, error: TetherError) -> tuple[Remedy, ...]:
        match error:
            case AlreadyRunning() | StoreBusy():
                return ()
            case StoreDamaged() if self._database is not None:
                return ("restore", "begin", "folder")
            case StoreTooNew() if self._database is not None:
                return ("restore", "folder")
            case _:
                return ("folder",)

    def _show_page(self) -> None:
        if self._window.pages.currentWidget() is not vars(self).get("notice"):
            self._window.pages.show_alone(self.page)

    def _choose_backup(self) -> None:
        folder = self._database.parent if self._database is not None else paths.data_dir()
        dialog = QFileDialog(self._window, self.tr("Restore a backup"), str(folder))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.restore)
        dialog.finished.connect(self._on_chooser_closed)
        self.chooser = dialog
        dialog.open()

    def _open_folder(self) -> None:
        wanted = self._database.parent if self._database is not None else paths.data_dir()
        there = next(folder for folder in (wanted, *wanted.parents) if folder.is_dir())
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(there)))

    @Slot()
    def _on_slow(self) -> None:
        self._show_page()
        self.page.show_slow()

    @Slot()
    def _on_migrating(self) -> None:
        self._slow.stop()
        self._show_page()
        self.page.show_migrating()

    @Slot()
    def _on_opened(self) -> None:
        self._slow.stop()
        if self._mended:
            self._window.pane.undo_bar.note(self._mended)
            self._mended = ""

    @Slot(object)
    def _on_failed(self, error: TetherError) -> None:
        self._slow.stop()
        self._window.tasks.start(self._show_failure(error))

    @Slot()
    def _on_retry(self) -> None:
        self.notice.set_busy(self.tr("Trying…"))
        self._worker.retry()

    @Slot(str)
    def _on_remedy(self, remedy: Remedy) -> None:
        remedies: dict[Remedy, Callable[[], None]] = {
            "restore": self._choose_backup,
            "begin": self.begin,
            "folder": self._open_folder,
        }
        remedies[remedy]()

    @Slot()
    def _on_chooser_closed(self) -> None:
        if self.chooser is not None:
            self.chooser.deleteLater()
        self.chooser = None


def _database_file() -> Path | None:
    """The file of the conversations; None where they are on a server, or nobody can know."""
    from tether_desktop.context.recovery import file_of
    from tether_desktop.settings import load_settings

    try:
        return file_of(load_settings().database_url)
    except TetherError:
        return None


def _with_the_folder(work: Callable[[], Path | None]) -> Path | None:
    """Do something while no other Tether can use the data folder."""
    from tether_desktop.app import lock_data_folder

    lock = lock_data_folder()
    try:
        return work()
    finally:
        lock.release()


def _restored(backup: Path, database: Path) -> Path | None:
    from tether_desktop.context.recovery import restore

    return restore(backup, database)


def _set_aside(database: Path) -> Path | None:
    from tether_desktop.context.faults import told
    from tether_desktop.context.recovery import set_aside

    with told(str(database)):
        return set_aside(database)
