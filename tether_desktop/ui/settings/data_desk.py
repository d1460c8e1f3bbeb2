"""Copies and erases what is kept, away from the window, and says what came of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog
from shiboken6 import isValid

from tether_desktop.errors import TetherError
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.settings.data_page import DataPage
from tether_desktop.ui.settings.kept import read_kept
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.context.files.imports import ImportReport

_MOST_REASONS = 3


class DataDesk(QObject):
    """Serves one page as long as it is there; what is being written is written to its end."""

    _copied = Signal(float)
    """How much of a backup is done; emitted in the worker's thread, received here."""

    def __init__(self, worker: EngineWorker, tasks: Tasks, page: DataPage) -> None:
        super().__init__(page)
        self._worker = worker
        self._tasks = tasks
        self._page = page
        self._copying: _Backup | None = None
        page.wanted.connect(self._on_wanted)
        page.stop_requested.connect(self._on_stop)
        page.bin_emptied.connect(self._on_empty_bin)
        page.all_erased.connect(self._on_erase_all)
        self._copied.connect(self._on_copied)
        self.look()

    @Slot()
    def look(self) -> None:
        """Show what is kept now."""
        self._start(self._look())

    @Slot(str)
    def back_up(self, path: str) -> None:
        """Copy the database to a file."""
        self._start(self._back_up(Path(path)))

    @Slot(str)
    def export(self, path: str) -> None:
        """Write all chats to a file."""
        self._start(self._export(Path(path)))

    @Slot(str)
    def add(self, path: str) -> None:
        """Add the chats of a file."""
        self._start(self._import(Path(path)))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[Any]:
        return self._tasks.start(self._told(work))

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it; what goes wrong is told on the page as long as there is one."""
        try:
            await work
        except TetherError as error:
            if not isValid(self._page):
                raise
            self._page.say("")
            self._page.show_error(error)

    async def _look(self) -> None:
        kept = await self._worker.submit(read_kept)
        if isValid(self._page):
            self._page.show_kept(kept)

    async def _back_up(self, path: Path) -> None:
        self._say(self.tr("Backing up…"), stoppable=True)
        copying = self._copying = _Backup(path, self._copied.emit)
        try:
            whole = await self._worker.submit(copying.run)
        finally:
            self._copying = None
        if whole:
            self._say(self.tr("Backed up to {file}.").format(file=visible(str(path))))
        else:
            self._say(self.tr("The backup was stopped; nothing of it is left."))

    async def _export(self, path: Path) -> None:
        self._say(self.tr("Exporting…"))
        await self._worker.submit(lambda tether: _write(tether, path))
        self._say(self.tr("Exported all chats to {file}.").format(file=visible(str(path))))

    async def _import(self, path: Path) -> None:
        self._say(self.tr("Importing from {file}…").format(file=visible(path.name)))
        report = await self._worker.submit(lambda tether: tether.sessions.import_from(path))
        self._say(self._words(report))
        await self._look()

    async def _empty_bin(self) -> None:
        count = await self._worker.submit(lambda tether: tether.sessions.empty_bin())
        self._say(self.tr("Erased %n chat(s).", "", count))
        await self._look()

    async def _erase_all(self) -> None:
        self._say(self.tr("Erasing…"))
        count = await self._worker.submit(lambda tether: tether.sessions.erase_all())
        self._say(self.tr("Erased %n chat(s).", "", count))
        await self._look()

    def _words(self, report: ImportReport) -> str:
        lines = [self.tr("Imported %n chat(s).", "", len(report.imported))]
        if report.skipped:
            lines.append(self.tr("Skipped %n:", "", len(report.skipped)))
            lines += [f"“{visible(each.title)[:60]}”: {each.reason}" for each in report.skipped[:_MOST_REASONS]]
        return "\n".join(lines)

    def _say(self, text: str, *, stoppable: bool = False) -> None:
        if isValid(self._page):
            self._page.say(text, stoppable=stoppable)

    @Slot(str)
    def _on_wanted(self, what: str) -> None:
        today = date.today().isoformat()  # noqa: DTZ011  (the day as the person's clock has it)
        if what == "back_up":
            self._ask_where(self.tr("Back up"), f"tether-{today}.sqlite3", "sqlite3", self.back_up)
        elif what == "export":
            self._ask_where(self.tr("Export all chats"), f"tether-chats-{today}.json", "json", self.export)
        else:
            dialog = self._dialog(self.tr("Import chats"))
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.setNameFilter(self.tr("Conversations (*.json *.zip)"))
            dialog.fileSelected.connect(self.add)
            dialog.open()

    def _ask_where(self, title: str, name: str, ending: str, then: Any) -> None:
        dialog = self._dialog(title)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(ending)
        dialog.selectFile(name)
        dialog.fileSelected.connect(then)
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self._page, title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog

    @Slot(float)
    def _on_copied(self, share: float) -> None:
        if self._copying is not None:
            self._say(self.tr("Backing up… {percent} %").format(percent=round(share * 100)), stoppable=True)

    @Slot()
    def _on_stop(self) -> None:
        if self._copying is not None:
            self._copying.stop()

    @Slot()
    def _on_empty_bin(self) -> None:
        self._start(self._empty_bin())

    @Slot()
    def _on_erase_all(self) -> None:
        self._start(self._erase_all())


class _Backup:
    """One copying, which runs in the worker and is stopped from the window."""

    def __init__(self, path: Path, tell: Callable[[float], None]) -> None:
        self._path = path
        self._tell = tell
        self._stop: Callable[[], object] = lambda: None

    async def run(self, tether: Tether) -> bool:
        """Copy, and say whether all of it is there: False when it was stopped before."""
        copying = asyncio.ensure_future(tether.library.back_up(self._path, self._tell))
        self._stop = partial(asyncio.get_running_loop().call_soon_threadsafe, copying.cancel)
        try:
            await asyncio.wait([copying])
        except asyncio.CancelledError:  # the program ends
            copying.cancel()
            await asyncio.wait([copying])
            raise
        return not copying.cancelled() and copying.result() is None

    def stop(self) -> None:
        """Let it be, unless it is done."""
        self._stop()


async def _write(tether: Tether, path: Path) -> None:
    """Write all chats beside the file, and put that in its place once it is whole."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")  # somebody may be writing there already
    try:
        with await asyncio.to_thread(beside.open, "wb") as file:
            await tether.sessions.export(file)
        await asyncio.to_thread(beside.replace, path)
    except OSError as error:
        message, hint = f"{path}: {error.strerror or error}.", "Choose another place, or make room there."
        raise TetherError("The file could not be written", message, hint) from error
    finally:
        await asyncio.to_thread(beside.unlink, missing_ok=True)
