"""Chats written to files and read from them, without keeping anybody waiting."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog

from tether_desktop.errors import TetherError
from tether_desktop.ui.sessions.chat_titles import shown_text
from tether_desktop.ui.sessions.session_list import SessionList
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.context.files.imports import ImportReport

_LONGEST_NAME = 80
_MOST_REASONS = 3
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)
"""Names that Windows keeps for devices, with any ending."""


class FilesDesk(QObject):
    """Asks for places by file dialogs, and lets the worker read and write.

    Signals:
        said(text): how far it is, and how it ended.
    """

    said = Signal(str)
    _written = Signal(int, int)
    """How many files of how many; emitted in the worker's thread, received here."""

    def __init__(self, worker: EngineWorker, sidebar: SessionList, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._sidebar = sidebar
        self._tasks = tasks
        self._written.connect(self._on_written)

    def add(self, path: str) -> None:
        """Add the conversations of a file; ask which for an empty path."""
        if path:
            self._start_import(path)
            return
        dialog = self._dialog(self.tr("Import conversations"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(self.tr("Conversations (*.json *.zip)"))
        dialog.fileSelected.connect(self._start_import)
        dialog.open()

    def export(self, ids: tuple[str, ...], form: str) -> None:
        """Ask where to, and write chats there; none are all."""
        names = [record.title for each in ids if (record := self._sidebar.model.session(each)) is not None]
        if form == "markdown" and len(ids) > 1:
            dialog = self._dialog(self.tr("Export into a folder"))
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            dialog.fileSelected.connect(lambda folder: self._tasks.start(self._write_each(Path(folder), ids)))
        else:
            ending = "md" if form == "markdown" else "json"
            dialog = self._dialog(self.tr("Export"))
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setDefaultSuffix(ending)
            dialog.setNameFilter(f"*.{ending}")
            name = file_name(names[0] if len(names) == 1 else self.tr("Tether chats"))
            dialog.selectFile(f"{name}.{ending}")
            dialog.fileSelected.connect(lambda path: self._tasks.start(self._write(Path(path), ids, form)))
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self._sidebar.window(), title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog

    @Slot(str)
    def _start_import(self, path: str) -> None:
        self.said.emit(self.tr("Importing from {file}…").format(file=shown_text(Path(path).name)))
        self._tasks.start(self._read(Path(path)))

    async def _read(self, path: Path) -> None:
        report = await self._worker.submit(lambda tether: tether.sessions.import_from(path))
        self.said.emit(self._said_of(report))

    async def _write(self, path: Path, ids: tuple[str, ...], form: str) -> None:
        self.said.emit(self.tr("Exporting to {file}…").format(file=shown_text(path.name)))

        async def write(tether: Tether) -> None:
            if form == "markdown":
                text = await tether.sessions.export_markdown(ids[0])
                await asyncio.to_thread(_replace, path, text.encode("utf-8", "replace"))
            else:
                await _write_json(tether, path, ids)

        await self._worker.submit(write)
        self.said.emit(self._said_of_export(len(ids), path))

    async def _write_each(self, folder: Path, ids: tuple[str, ...]) -> None:
        titles = [record.title if (record := self._sidebar.model.session(each)) else "" for each in ids]

        async def write(tether: Tether) -> None:
            for number, (each, title) in enumerate(zip(ids, titles, strict=True), 1):
                text = await tether.sessions.export_markdown(each)
                await asyncio.to_thread(_write_new, folder, file_name(title), text.encode("utf-8", "replace"))
                self._written.emit(number, len(ids))

        await self._worker.submit(write)
        self.said.emit(self._said_of_export(len(ids), folder))

    def _said_of(self, report: ImportReport) -> str:
        said = self.tr("Imported %n chat(s).", "", len(report.imported))
        if not report.skipped:
            return said
        reasons = [f"“{shown_text(each.title)}”: {each.reason}" for each in report.skipped[:_MOST_REASONS]]
        rest = len(report.skipped) - len(reasons)
        if rest:
            reasons.append(self.tr("and %n more", "", rest))
        return "\n".join((said, self.tr("Skipped %n:", "", len(report.skipped)), *reasons))

    def _said_of_export(self, count: int, path: Path) -> str:
        if not count:
            return self.tr("Exported all chats to {file}.").format(file=path)
        return self.tr("Exported %n chat(s) to {file}.", "", count).format(file=path)

    @Slot(int, int)
    def _on_written(self, number: int, count: int) -> None:
        if number < count:
            self.said.emit(self.tr("Exported {number} of {count}…").format(number=number, count=count))


def file_name(title: str) -> str:
    """A title as the name of a file, without ending, on any system."""
    kept = "".join(each if each.isprintable() and each not in '<>:"/\\|?*' else " " for each in title[:1000])
    name = " ".join(kept.split())[:_LONGEST_NAME].strip(" .")
    return f"{name}_" if _RESERVED.match(name) else name or "chat"


async def _write_json(tether: Tether, path: Path, ids: tuple[str, ...]) -> None:
    beside = path.with_name(f".{path.name}.part")
    try:
        with await asyncio.to_thread(beside.open, "wb") as file:
            await tether.sessions.export(file, ids or None)
        await asyncio.to_thread(beside.replace, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        await asyncio.to_thread(beside.unlink, missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    """Write a file; where that fails, what was there stays."""
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        beside.unlink(missing_ok=True)


def _write_new(folder: Path, name: str, content: bytes) -> None:
    """Write a file beside all others."""
    number = 1
    while True:
        path = folder / (f"{name}.md" if number == 1 else f"{name} {number}.md")
        try:
            file: BinaryIO
            with path.open("xb") as file:
                file.write(content)
                return
        except FileExistsError:
            number += 1
        except OSError as error:
            raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> TetherError:
    return TetherError(
        "The file could not be written",
        f"{path}: {error.strerror or error}.",
        "Choose another place, or make room there.",
    )
