"""Puts prompts of MCP servers into the composer, for the person to look at; nothing is sent by itself."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from tether_desktop.ui.composer.composer import Composer
from tether_desktop.ui.composer.prompt_dialog import PromptDialog
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.tools.tool_facts import ServerPrompt
from tether_desktop.ui.worker.worker import EngineWorker


class PromptsDesk(QObject):
    """Asks for the arguments of a prompt, and its server for the text.

    Attributes:
        dialog: the one that is open, if any.
    """

    def __init__(self, worker: EngineWorker, tasks: Tasks, composer: Composer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.dialog: PromptDialog | None = None
        self._worker = worker
        self._tasks = tasks
        self._composer = composer
        composer.tool_button.prompt_chosen.connect(self.insert)

    @Slot(object)
    def insert(self, found: ServerPrompt) -> None:
        """Insert a prompt, after asking what it wants to know."""
        if not found.prompt.arguments:
            self._tasks.start(self._insert(found, {}))
            return
        dialog = PromptDialog(found, self._composer.window())
        dialog.accepted.connect(lambda: self._tasks.start(self._insert(found, dialog.arguments())))
        dialog.finished.connect(self._on_closed)
        self.dialog = dialog
        dialog.open()

    async def _insert(self, found: ServerPrompt, arguments: dict[str, str]) -> None:
        text = await self._worker.submit(
            lambda tether: tether.mcp.get_prompt(found.server, found.prompt.name, arguments)
        )
        self._composer.insert(text)

    @Slot()
    def _on_closed(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = None
