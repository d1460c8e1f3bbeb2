"""All that stands behind the composer: drafts, files, prompts, personas, costs, and the key that sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from tether_desktop.ui.composer.attach_desk import AttachDesk
from tether_desktop.ui.composer.draft_desk import DraftDesk
from tether_desktop.ui.composer.persona_desk import PersonaDesk
from tether_desktop.ui.composer.prompts_desk import PromptsDesk
from tether_desktop.ui.composer.token_desk import TokenDesk

if TYPE_CHECKING:
    from tether_desktop.settings import Settings
    from tether_desktop.ui.chat.chat_desk import ChatDesk
    from tether_desktop.ui.chat.chat_pane import ChatPane
    from tether_desktop.ui.commands import Shortcuts
    from tether_desktop.ui.models.model_choice import ModelChoice
    from tether_desktop.ui.tasks import Tasks
    from tether_desktop.ui.worker.worker import EngineWorker


class ComposerDesk(QObject):
    """Makes the desks of the composer.

    Attributes:
        attachments: reads files.
        drafts: keeps what is written.
        prompts: calls up what was saved.
        personas: who the model is.
        tokens: what the question costs.
    """

    def __init__(
        self,
        worker: EngineWorker,
        tasks: Tasks,
        desk: ChatDesk,
        models: ModelChoice,
        pane: ChatPane,
        shortcuts: Shortcuts,
    ) -> None:
        super().__init__(pane)
        composer = pane.composer
        self._row, self._composer, self._shortcuts = composer.row, composer, shortcuts
        self.attachments = AttachDesk(worker, tasks, pane)
        self.drafts = DraftDesk(worker, tasks, desk, composer)
        self.prompts = PromptsDesk(worker, tasks, composer, self)
        self.personas = PersonaDesk(worker, tasks, desk, models, composer)
        self.tokens = TokenDesk(worker, tasks, models, composer)
        self.drafts.failed.connect(pane.banner.show_calmly)
        shortcuts.bind("attach", self.attachments.choose)
        shortcuts.changed.connect(self._on_shortcuts)
        worker.opened.connect(self.use)
        self._on_shortcuts()

    @Slot(object)
    def use(self, settings: Settings) -> None:
        """Take what the settings say of writing."""
        self._composer.set_send_key(settings.send_key)
        self.drafts.begin()

    @Slot()
    def _on_shortcuts(self) -> None:
        self._row.name_keys(self._shortcuts.keys("attach"), self._shortcuts.keys("stop"))
