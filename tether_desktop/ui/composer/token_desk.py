"""Counts what the question costs while it is written: in the worker, a moment after the last key, the newest wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

from tether_desktop.ui.composer.composer_edit import LONG
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    import asyncio

    from tether_desktop.ui.composer.attached_files import AttachedFiles
    from tether_desktop.ui.composer.composer import Composer
    from tether_desktop.ui.models.model_choice import ModelChoice

AFTER_MS = 250
LONG_AFTER_MS = 900
"""How long nobody must have typed before a text, and a long one, is counted."""

_FEW_WORDS = 6


class TokenDesk(QObject):
    """Shows the tokens of text and files, as soon as there are more than a few words."""

    def __init__(self, worker: EngineWorker, tasks: Tasks, models: ModelChoice, composer: Composer) -> None:
        super().__init__(composer)
        self._worker = worker
        self._tasks = tasks
        self._models = models
        self._composer = composer
        self._counting: asyncio.Task[None] | None = None
        self._counted_for = ("", "")
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.count)
        composer.edited.connect(self._on_edited)
        composer.files_changed.connect(self._on_edited)
        models.changed.connect(self._on_models)

    @Slot()
    def count(self) -> None:
        """Count what is written now; what is still being counted is of no use any more."""
        self._timer.stop()
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None
        if self._worth_counting():
            self._counting = self._tasks.start(self._count())
        else:
            self._composer.row.show_tokens(None)

    def _worth_counting(self) -> bool:
        document = self._composer.edit.document()
        if self._composer.writing.files.files or document.characterCount() > LONG:
            return bool(self._models.name)
        return bool(self._models.name) and len(self._composer.text().split(maxsplit=_FEW_WORDS)) >= _FEW_WORDS

    async def _count(self) -> None:
        files, text, model = self._composer.writing.files, self._composer.text(), self._models.name
        for entry in files.entries:
            if entry.file is not None and entry.tokens is None:
                words = entry.file.attachment.text
                files.count(entry.key, await self._tokens(words, model))
        typed = await self._tokens(text, model) if text.strip() else 0
        of_files = files.tokens
        known = typed is not None and of_files is not None
        self._composer.row.show_tokens((typed or 0) + (of_files or 0) if known else None, self._window())

    async def _tokens(self, text: str, model: str) -> int | None:
        tokens: int | None = await self._worker.submit(lambda tether: tether.sessions.count_tokens(text, model))
        return tokens

    def _window(self) -> int:
        current = self._models.current
        return current.context_window if current is not None else 0

    @Slot()
    def _on_edited(self) -> None:
        if self._composer.edit.document().isEmpty() and not self._composer.writing.files.files:
            self.count()
        else:
            many = self._composer.edit.document().characterCount() > LONG
            self._timer.start(LONG_AFTER_MS if many else AFTER_MS)

    @Slot()
    def _on_models(self) -> None:
        """Another model counts otherwise, and one that is loaded now can count at all."""
        current = self._models.current
        counts_for = (current.name, "loaded" if current.loaded else "") if current is not None else ("", "")
        if counts_for != self._counted_for:
            self._counted_for = counts_for
            forget(self._composer.writing.files)
            self._on_edited()


def forget(files: AttachedFiles) -> None:
    """Let what was counted for another model be counted again."""
    for entry in files.entries:
        files.count(entry.key, None)
