"""Puts saved prompts and those of MCP servers into the composer, for the person to look at; nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from tether_desktop.context.records import Snippet
from tether_desktop.errors import TetherError
from tether_desktop.ui.composer.composer import Composer
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.tools.tool_facts import ServerPrompt
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.ui.composer.prompt_dialog import PromptDialog
    from tether_desktop.ui.composer.prompt_menu import PromptEntry
    from tether_desktop.ui.composer.prompts_dialog import PromptsDialog
    from tether_desktop.ui.composer.writing import Writing


class PromptsDesk(QObject):
    """Opens the list of prompts, asks for what a prompt wants to know, and keeps the saved ones.

    Attributes:
        dialog: asks what a server's prompt wants to know, while it is open.
        editor: where saved prompts are changed, while it is open.
    """

    def __init__(self, worker: EngineWorker, tasks: Tasks, composer: Composer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.dialog: PromptDialog | None = None
        self.editor: PromptsDialog | None = None
        self._worker = worker
        self._tasks = tasks
        self._composer = composer
        self._listening = False
        composer.tool_button.prompt_chosen.connect(self.insert)
        composer.prompts_wanted.connect(self._on_wanted)

    @Slot(object)
    def insert(self, found: ServerPrompt) -> None:
        """Insert a server's prompt, after asking what it wants to know."""
        from tether_desktop.ui.composer.prompt_dialog import PromptDialog

        if not found.prompt.arguments:
            self._tasks.start(self._insert(self._composer.writing, found, {}))
            return
        writing = self._composer.writing
        dialog = PromptDialog(found, self._composer.window())
        dialog.accepted.connect(lambda: self._tasks.start(self._insert(writing, found, dialog.arguments())))
        dialog.finished.connect(self._on_closed)
        self.dialog = dialog
        dialog.open()

    @Slot()
    def manage(self) -> None:
        """Let saved prompts be added, changed and deleted."""
        if self.editor is None:
            self._tasks.start(self._manage())

    @Slot(str)
    def _on_wanted(self, _query: str) -> None:
        self._tasks.start(self._offer())

    async def _offer(self) -> None:
        snippets = await self._snippets()
        menu = self._composer.prompt_menu
        if not self._listening:
            self._listening = True
            menu.chosen.connect(self._on_chosen)
            menu.manage_requested.connect(self.manage)
        if self._composer.edit.hasFocus():
            menu.open([*map(_saved, snippets), *map(_served, self._composer.tool_button.prompts)], self._query())

    def _query(self) -> str:
        return self._composer.slash_query() or ""

    async def _snippets(self) -> list[Snippet]:
        found: list[Snippet] = await self._worker.submit(lambda tether: tether.library.snippets())
        return found

    async def _insert(self, writing: Writing, found: ServerPrompt, arguments: dict[str, str]) -> None:
        text = await self._worker.submit(
            lambda tether: tether.mcp.get_prompt(found.server, found.prompt.name, arguments)
        )
        if writing is self._composer.writing:
            self._composer.insert(text)
        else:  # another chat is shown by now
            writing.add(text)

    async def _manage(self) -> None:
        from tether_desktop.ui.composer.prompts_dialog import PromptsDialog

        snippets = await self._snippets()
        text = "" if self._composer.slash_query() is not None else self._composer.text().strip()
        editor = PromptsDialog(snippets, text, self._composer.window())
        editor.save_requested.connect(self._on_save)
        editor.delete_requested.connect(self._on_delete)
        editor.finished.connect(self._on_editor_closed)
        self.editor = editor
        editor.open()

    async def _save(self, snippet: Snippet) -> None:
        try:
            saved: Snippet = await self._worker.submit(lambda tether: tether.library.save_snippet(snippet))
        except TetherError as error:
            self._tell(error)
            return
        if self.editor is not None:
            self.editor.show_saved(saved)

    async def _delete(self, snippet_id: str) -> None:
        try:
            await self._worker.submit(lambda tether: tether.library.delete_snippet(snippet_id))
        except TetherError as error:
            self._tell(error)
            return
        if self.editor is not None:
            self.editor.show_deleted(snippet_id)

    def _tell(self, error: TetherError) -> None:
        """Say it where the person looks."""
        if self.editor is None:
            raise error
        self.editor.show_problem(f"{error.message} {error.hint}".strip())

    @Slot(object)
    def _on_chosen(self, entry: PromptEntry) -> None:
        if isinstance(entry.prompt, Snippet):
            self._composer.insert(entry.prompt.text)
        else:
            if self._composer.slash_query() is not None:
                self._composer.set_text("")
            self.insert(entry.prompt)

    @Slot(object)
    def _on_save(self, snippet: Snippet) -> None:
        self._tasks.start(self._save(snippet))

    @Slot(str)
    def _on_delete(self, snippet_id: str) -> None:
        self._tasks.start(self._delete(snippet_id))

    @Slot()
    def _on_closed(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = None

    @Slot()
    def _on_editor_closed(self) -> None:
        if self.editor is not None:
            self.editor.deleteLater()
        self.editor = None


def _saved(snippet: Snippet) -> PromptEntry:
    from tether_desktop.ui.composer.prompt_menu import PromptEntry

    return PromptEntry(snippet.name, " ".join(snippet.text[:300].split()), snippet)


def _served(found: ServerPrompt) -> PromptEntry:
    from tether_desktop.ui.composer.prompt_menu import PromptEntry

    title = f"{visible(found.prompt.title or found.prompt.name)[:60]} ({visible(found.server)[:30]})"
    return PromptEntry(title, " ".join(found.prompt.description[:300].split()), found)
