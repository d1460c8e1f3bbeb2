"""Who the model is in the chat that is shown: personas, and settings of the chat's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from tether_desktop.context.records import Persona, SessionRecord
from tether_desktop.errors import TetherError
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.session_news import SessionsNews
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.settings import Settings
    from tether_desktop.ui.chat.chat_desk import ChatDesk
    from tether_desktop.ui.chat.conversation import Conversation
    from tether_desktop.ui.composer.chat_settings_dialog import ChatSettingsDialog
    from tether_desktop.ui.composer.composer import Composer
    from tether_desktop.ui.models.model_choice import ModelChoice


class PersonaDesk(QObject):
    """Opens the menu of the persona button, and applies what is chosen to the chat.

    Attributes:
        menu: while it is open.
        dialog: the chat's settings, while they are open.

    Signals:
        personas_requested(): the person wants to change the personas themselves.
    """

    personas_requested = Signal()

    def __init__(
        self, worker: EngineWorker, tasks: Tasks, desk: ChatDesk, models: ModelChoice, composer: Composer
    ) -> None:
        super().__init__(desk)
        self._worker = worker
        self._tasks = tasks
        self._desk = desk
        self._models = models
        self._button = composer.row.persona_button
        self.menu: QMenu | None = None
        self.dialog: ChatSettingsDialog | None = None
        self._button.menu_wanted.connect(self._on_menu_wanted)
        desk.shown.connect(self._on_shown)
        worker.sessions_changed.connect(self._on_sessions_changed)

    @Slot()
    def open_settings(self) -> None:
        """Show the settings of this chat."""
        self._tasks.start(self._open_settings())

    def choose(self, conversation: Conversation, persona: Persona | None) -> None:
        """Let the model be somebody in a chat; None is nobody in particular."""
        if persona is None:
            self._apply(conversation, {}, "")
            return
        self._apply(conversation, persona.overrides, persona.name)
        if conversation is self._desk.conversation:
            self._models.prefer(persona.model)

    def menu_of(self, personas: Sequence[Persona]) -> QMenu:
        """The menu with these personas."""
        conversation = self._desk.conversation
        menu = QMenu(self._button)
        group = QActionGroup(menu)
        nobody = not conversation.persona and not conversation.overrides
        self._add_choice(menu, group, self.tr("Default"), partial(self.choose, conversation, None), checked=nobody)
        for persona in personas:
            name = visible(persona.name)[:60].replace("&", "&&")
            chosen = partial(self.choose, conversation, persona)
            self._add_choice(menu, group, name, chosen, checked=persona.name == conversation.persona)
        menu.addSeparator()
        menu.addAction(self.tr("Chat settings…"), self.open_settings)
        menu.addAction(self.tr("Edit personas…"), self.personas_requested.emit)
        return menu

    def _add_choice(
        self, menu: QMenu, group: QActionGroup, name: str, chosen: Callable[[], object], *, checked: bool
    ) -> None:
        action = QAction(name, menu, checkable=True, checked=checked)
        action.triggered.connect(lambda _checked: chosen())
        group.addAction(action)
        menu.addAction(action)

    def _apply(self, conversation: Conversation, overrides: Mapping[str, Any], persona: str) -> None:
        conversation.overrides, conversation.persona = dict(overrides), persona
        if conversation is self._desk.conversation:
            self._show(conversation)
        if conversation.session_id:
            self._tasks.start(self._configure(conversation, overrides, persona))

    async def _configure(self, conversation: Conversation, overrides: Mapping[str, Any], persona: str) -> None:
        from tether_desktop.ui.chat.chats import service

        session_id = conversation.session_id
        try:
            await self._worker.submit(
                lambda tether: service(tether, conversation).configure(session_id, overrides, persona)
            )
        except Exception:  # whatever went wrong, what is shown must be what holds
            await self._read(conversation)
            raise

    async def _read(self, conversation: Conversation) -> None:
        from tether_desktop.ui.chat.chats import service

        session_id = conversation.session_id
        record: SessionRecord = await self._worker.submit(lambda tether: service(tether, conversation).get(session_id))
        self._take(conversation, record)

    def _take(self, conversation: Conversation, record: SessionRecord) -> None:
        conversation.persona, conversation.overrides = record.persona, record.overrides
        if conversation is self._desk.conversation:
            self._show(conversation)

    def _show(self, conversation: Conversation) -> None:
        self._button.show_persona(conversation.persona, own=bool(conversation.overrides))

    async def _open_menu(self) -> None:
        personas: list[Persona] = await self._worker.submit(lambda tether: tether.library.personas())
        menu = self.menu_of(personas)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.destroyed.connect(self._on_menu_gone)
        self.menu = menu
        corner = self._button.mapToGlobal(self._button.rect().topLeft())
        corner.setY(corner.y() - menu.sizeHint().height() - 4)
        menu.popup(corner)

    async def _open_settings(self) -> None:
        from tether_desktop.ui.composer.chat_settings_dialog import ChatSettingsDialog

        conversation = self._desk.conversation

        async def read(tether: Tether) -> Settings:
            return tether.settings

        settings = await self._worker.submit(read)
        dialog = ChatSettingsDialog(settings, conversation.overrides, self._button.window())
        dialog.changed.connect(partial(self._on_overrides, conversation))
        dialog.persona_requested.connect(partial(self._on_persona_requested, conversation))
        dialog.finished.connect(self._on_dialog_closed)
        self.dialog = dialog
        dialog.open()

    async def _save_persona(self, conversation: Conversation, name: str, overrides: Mapping[str, Any]) -> None:
        try:
            persona: Persona = await self._worker.submit(
                lambda tether: tether.library.save_persona(Persona("", name, overrides))
            )
        except TetherError as error:
            if self.dialog is None:
                raise
            self.dialog.say(f"{error.message} {error.hint}".strip(), failed=True)
            return
        self._apply(conversation, overrides, persona.name)
        if self.dialog is not None:
            self.dialog.say(self.tr("Saved as the persona “{name}”.").format(name=visible(persona.name)))

    @Slot()
    def _on_menu_wanted(self) -> None:
        self._tasks.start(self._open_menu())

    @Slot()
    def _on_shown(self) -> None:
        conversation = self._desk.conversation
        self._show(conversation)
        if conversation.session_id and not conversation.pending:
            self._tasks.start(self._read(conversation))

    @Slot(object)
    def _on_sessions_changed(self, news: SessionsNews) -> None:
        conversation = self._desk.conversation
        for record in news.changed:
            if record.id == conversation.session_id:
                self._take(conversation, record)

    def _on_overrides(self, conversation: Conversation, overrides: Mapping[str, Any]) -> None:
        self._apply(conversation, overrides, "")

    def _on_persona_requested(self, conversation: Conversation, name: str, overrides: Mapping[str, Any]) -> None:
        self._tasks.start(self._save_persona(conversation, name, overrides))

    @Slot()
    def _on_menu_gone(self) -> None:
        self.menu = None

    @Slot()
    def _on_dialog_closed(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = None
