"""Reads the files that go with a question, away from the window, and looks at them again before it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QFileDialog

from tether_desktop.errors import TetherError
from tether_desktop.ui.composer.file_drop import FileDrop
from tether_desktop.ui.composer.question import AttachedFile, FileStamp, stamp_of
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine, Sequence

    from tether_desktop.messages import Attachment
    from tether_desktop.ui.chat.chat_pane import ChatPane
    from tether_desktop.ui.composer.attached_files import AttachedFiles
    from tether_desktop.ui.composer.file_viewer import FileViewer

CHECK_S = 3.0
"""How long looking at the files may take before sending; a disk that does not answer keeps nobody waiting."""


class AttachDesk(QObject):
    """Takes files from the button, from a drop and from the clipboard, and long texts that are pasted.

    Attributes:
        chooser: the dialog in which files are chosen, while it is open.
        viewer: shows what is in a file, while it is open.
    """

    def __init__(self, worker: EngineWorker, tasks: Tasks, pane: ChatPane) -> None:
        super().__init__(pane)
        self._worker = worker
        self._tasks = tasks
        self._composer = composer = pane.composer
        self._reads: dict[tuple[AttachedFiles, int], asyncio.Task[None]] = {}
        self.chooser: QFileDialog | None = None
        self.viewer: FileViewer | None = None
        self.drop = FileDrop(pane, composer)
        self.drop.dropped.connect(self.attach)
        composer.row.attach_button.clicked.connect(self.choose)
        composer.edit.files_pasted.connect(self.attach)
        composer.edit.long_text_pasted.connect(self.attach_text)
        composer.edit.picture_pasted.connect(self._on_picture)
        composer.files.opened.connect(self.open)
        composer.files.read_again.connect(self._on_read_again)
        composer.files.unfolded.connect(self.unfold)
        composer.check_wanted.connect(self._on_check_wanted)

    @Slot()
    def choose(self) -> None:
        """Ask which files."""
        dialog = QFileDialog(self._composer.window(), self.tr("Attach files"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self._on_chosen)
        dialog.finished.connect(self._on_chooser_closed)
        self.chooser = dialog
        dialog.open()

    @Slot(object)
    def attach(self, paths: Sequence[Path]) -> None:
        """Read files and attach them; one that is attached already is read again."""
        files = self._files
        for path in paths:
            known = files.find(path)
            self._read(files, known.key if known is not None else files.begin(path.name, path), path)
        self._composer.edit.setFocus()

    @Slot(str)
    def attach_text(self, text: str) -> None:
        """Attach a text that is too long to be read in the message."""
        files = self._files
        key = files.begin(self._free_name(files))
        entry = files.entry(key)
        name = entry.name if entry is not None else ""
        self._start(files, key, self._take_text(files, key, name, text))

    @Slot(int)
    def open(self, key: int) -> None:
        """Show what is in a file."""
        entry = self._files.entry(key)
        if entry is None or entry.file is None:
            return
        from tether_desktop.ui.composer.file_viewer import FileViewer

        viewer = FileViewer(entry.file.attachment, entry.tokens, self._composer.window())
        viewer.unfolded.connect(lambda: self.unfold(key))
        viewer.finished.connect(self._on_viewer_closed)
        self.viewer = viewer
        viewer.open()

    @Slot(int)
    def unfold(self, key: int) -> None:
        """Put a file's text into the message, and take the file off."""
        entry = self._files.entry(key)
        if entry is not None and entry.file is not None:
            self._composer.edit.insert(entry.file.attachment.text)
            self._files.remove(key)
            self._composer.edit.setFocus()

    @property
    def _files(self) -> AttachedFiles:
        return self._composer.writing.files

    def _read(self, files: AttachedFiles, key: int, path: Path) -> None:
        self._start(files, key, self._take_file(files, key, path))

    def _start(self, files: AttachedFiles, key: int, reading: Coroutine[Any, Any, None]) -> None:
        before = self._reads.pop((files, key), None)
        if before is not None:
            before.cancel()
        files.changed.connect(self._on_files_changed, Qt.ConnectionType.UniqueConnection)
        self._reads[files, key] = self._tasks.start(reading)

    async def _take_file(self, files: AttachedFiles, key: int, path: Path) -> None:
        try:
            file: AttachedFile = await self._worker.submit(lambda _tether: _read_file(path))
        except TetherError as error:
            self._refuse(files, key, path.name, error)
        else:
            files.finish(key, file)
        self._reads.pop((files, key), None)

    async def _take_text(self, files: AttachedFiles, key: int, name: str, text: str) -> None:
        try:
            attachment: Attachment = await self._worker.submit(lambda _tether: _read_text(name, text))
        except TetherError as error:
            self._refuse(files, key, name, error)
        else:
            files.finish(key, AttachedFile(attachment))
        self._reads.pop((files, key), None)

    def _refuse(self, files: AttachedFiles, key: int, name: str, error: TetherError) -> None:
        """Say why a file is not attached; one that was read before stays as it was read."""
        entry = files.entry(key)
        if entry is not None and entry.file is None:
            files.remove(key)
        message = error.message if name in error.message else f"{name}: {error.message}"
        self._composer.notice.add(f"{visible(message)} {error.hint}".strip())

    def _free_name(self, files: AttachedFiles) -> str:
        taken = {entry.name for entry in files.entries}
        name, number = self.tr("Pasted text"), 1
        while name in taken:
            number += 1
            name = self.tr("Pasted text {number}").format(number=number)
        return name

    async def _check(self) -> None:
        import asyncio  # not at the top: the first frame of the window must not wait for it

        writing = self._composer.writing
        marks = [
            (entry.key, entry.path, entry.file.stamp)
            for entry in writing.files.entries
            if entry.path is not None and entry.file is not None and not entry.file.changed
        ]
        try:
            async with asyncio.timeout(CHECK_S):
                changed = await self._worker.submit(lambda _tether: asyncio.to_thread(_changed, marks))
        except TimeoutError:
            changed = []
        for key in changed:
            writing.files.mark_changed(key)
        if writing is not self._composer.writing:
            return
        if changed:
            self._composer.keep_from_sending(
                self.tr(
                    "%n file(s) changed since being attached. Read again what should be newer, or send what was read.",
                    "",
                    len(changed),
                )
            )
        else:
            self._composer.send_checked()

    @Slot()
    def _on_check_wanted(self) -> None:
        self._tasks.start(self._check())

    @Slot(int)
    def _on_read_again(self, key: int) -> None:
        entry = self._files.entry(key)
        if entry is not None and entry.path is not None:
            self._read(self._files, key, entry.path)

    @Slot()
    def _on_picture(self) -> None:
        self._composer.notice.say(
            self.tr("Pictures cannot be attached: the models here read words. Attach a text, a table or a PDF instead.")
        )

    @Slot()
    def _on_files_changed(self) -> None:
        """Stop reading what was taken off."""
        for (files, key), task in tuple(self._reads.items()):
            if files.entry(key) is None:
                del self._reads[files, key]
                task.cancel()

    @Slot(list)
    def _on_chosen(self, names: list[str]) -> None:
        self.attach([Path(name) for name in names])

    @Slot()
    def _on_chooser_closed(self) -> None:
        if self.chooser is not None:
            self.chooser.deleteLater()
        self.chooser = None

    @Slot()
    def _on_viewer_closed(self) -> None:
        if self.viewer is not None:
            self.viewer.deleteLater()
        self.viewer = None


async def _read_file(path: Path) -> AttachedFile:
    import asyncio

    from tether_desktop.protocol.attachments.reader import read_attachment

    stamp = await asyncio.to_thread(stamp_of, path)  # before it is read: a change meanwhile is noticed later
    return AttachedFile(await read_attachment(path), path, stamp)


async def _read_text(name: str, text: str) -> Attachment:
    import asyncio

    from tether_desktop.protocol.attachments.reader import read_pasted

    return await asyncio.to_thread(read_pasted, name, text)


def _changed(marks: Sequence[tuple[int, Path, FileStamp | None]]) -> list[int]:
    return [key for key, path, stamp in marks if stamp_of(path) != stamp]
