"""What a person does with the messages that are shown: ask again, go on, change, branch, keep, follow a link."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from tether_desktop.errors import TetherError
from tether_desktop.messages import Attachment
from tether_desktop.protocol.tool_use import ApprovalAnswer
from tether_desktop.ui.chat.announcement import announce
from tether_desktop.ui.chat.chat_pane import ChatPane
from tether_desktop.ui.chat.chats import Chats
from tether_desktop.ui.chat.code_files import file_name
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.chat.finding import Finding
from tether_desktop.ui.models.model_choice import ModelChoice
from tether_desktop.ui.tasks import Tasks

if TYPE_CHECKING:
    from tether_desktop.ui.chat.chat_view import ChatView


class ShownChat(Protocol):
    """The chat that is shown, and how another one is."""

    conversation: Conversation

    def open(self, session_id: str) -> None:
        """Show a chat of the list."""


class AnswerDesk(QObject):
    """Does what the buttons and menus of messages ask for.

    Attributes:
        finding: looks for words in the chat.
    """

    def __init__(self, shown: ShownChat, chats: Chats, models: ModelChoice, pane: ChatPane, tasks: Tasks) -> None:
        super().__init__(pane)
        self._shown = shown
        self._chats = chats
        self._models = models
        self._pane = pane
        self._tasks = tasks
        self.finding = Finding(pane)
        pane.view_made.connect(self._on_view_made)
        models.changed.connect(self._on_models)

    @Slot()
    def regenerate_newest(self) -> None:
        """Ask for another version of the newest reply."""
        view = next((view for view in reversed(self._shown.conversation.views) if view.role == "assistant"), None)
        if view is not None:
            self.regenerate(view.id)

    @Slot()
    def copy_newest(self) -> None:
        """Put the newest reply on the clipboard."""
        view = next((view for view in reversed(self._shown.conversation.views) if view.role == "assistant"), None)
        if view is not None:
            QGuiApplication.clipboard().setText(view.text)
            announce(self._pane, self.tr("Copied the answer"))

    @Slot(str)
    @Slot(str, str)
    def regenerate(self, view_id: str, model: str = "") -> None:
        """Ask for another version of a reply; an empty ``model`` is the chosen one."""
        name = model or self._models.name
        self._tasks.start(self._chats.regenerate(self._shown.conversation, view_id, name))

    @Slot(str)
    def go_on(self, view_id: str) -> None:
        """Ask for the rest of a reply that ended too early."""
        self._tasks.start(self._chats.go_on(self._shown.conversation, view_id))

    @Slot(str)
    def branch(self, view_id: str) -> None:
        """Open another chat that begins with the messages up to this one."""
        self._tasks.start(self._branch(self._shown.conversation, view_id))

    async def _branch(self, conversation: Conversation, view_id: str) -> None:
        made = await self._chats.branch(conversation, view_id)
        if made is not None:
            self._shown.open(made.id)

    @Slot(str, str)
    def save(self, text: str, language: str) -> None:
        """Ask for a file and write the text into it."""
        dialog = QFileDialog(self._pane.window(), self.tr("Save code"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(file_name(language))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self._tasks.start(self._write(Path(chosen), text)))
        dialog.open()

    async def _write(self, path: Path, text: str) -> None:
        await self._chats.save(path, text)
        announce(self._pane, self.tr("Saved {name}").format(name=path.name))

    @Slot(str, str)
    def show_whole(self, text: str, language: str) -> None:
        """Show all of a text of which the message has only the beginning."""
        self.show_file(Attachment(file_name(language), text, size=len(text.encode("utf-8", "replace"))))

    @Slot(object)
    def show_file(self, file: Attachment) -> None:
        """Show what is in a file."""
        from tether_desktop.ui.composer.file_viewer import FileViewer

        viewer = FileViewer(file, parent=self._pane.window(), foldable=False)
        viewer.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        viewer.open()

    @Slot(str)
    def follow(self, address: str) -> None:
        """Ask whether an address is to be opened."""
        from tether_desktop.ui.chat.link_dialog import LinkDialog, allowed_url

        url = allowed_url(address)
        if url is None:
            what = self.tr("{address} is neither a web page nor a mail address.").format(address=address)
            hint = self.tr("Copy it if you trust it.")
            self._pane.banner.show_error(TetherError(self.tr("The address was not opened"), what, hint))
            return
        dialog = LinkDialog(url, self._pane.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    @Slot(object)
    def _on_view_made(self, view: ChatView) -> None:
        view.regenerate_requested.connect(self.regenerate)
        view.retry_requested.connect(self.regenerate)
        view.continue_requested.connect(self.go_on)
        view.branch_requested.connect(self.branch)
        view.edit_requested.connect(self._on_edit)
        view.version_requested.connect(self._on_version)
        view.call_answered.connect(self._on_call_answered)
        view.link_activated.connect(self.follow)
        view.save_requested.connect(self.save)
        view.whole_requested.connect(self.show_whole)
        view.file_opened.connect(self.show_file)
        self._on_models()

    @Slot()
    def _on_models(self) -> None:
        usable = [(model.name, model.title) for model in self._models.models if model.usable]
        self._pane.set_models(usable)
        self._pane.set_devices({model.name: model.device for model in self._models.models if model.device})

    @Slot(str, str)
    def _on_edit(self, view_id: str, text: str) -> None:
        self._tasks.start(self._edit(self._shown.conversation, view_id, text))

    async def _edit(self, conversation: Conversation, view_id: str, text: str) -> None:
        try:
            await self._chats.edit(conversation, view_id, text, self._models.name)
        except Exception:  # whatever went wrong, what was written must not be lost
            self._pane.view.edit_as(view_id, text)
            raise

    @Slot(str, int)
    def _on_version(self, view_id: str, version: int) -> None:
        self._tasks.start(self._chats.select_version(self._shown.conversation, view_id, version))

    @Slot(str, str)
    def _on_call_answered(self, call_id: str, answer: ApprovalAnswer) -> None:
        self._tasks.start(self._chats.answer(self._shown.conversation, call_id, answer))
