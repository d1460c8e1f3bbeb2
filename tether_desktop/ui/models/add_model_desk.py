"""Adding and preparing models from anywhere in the window: the dialog, the line in the header, the first card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.chat.announcement import announce
from tether_desktop.ui.models.dropped_model import ModelDrop
from tether_desktop.ui.models.install_desk import InstallDesk
from tether_desktop.ui.models.install_strip import InstallStrip
from tether_desktop.ui.models.installation import STARTER, Installation
from tether_desktop.ui.models.model_status import split_name
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.ui.models.add_model_dialog import AddModelDialog
    from tether_desktop.ui.models.model_fits import RatedOffer
    from tether_desktop.ui.models.welcome_page import WelcomePage


class AddModelDesk(QObject):
    """Shows what the installer does, wherever the person looks.

    Attributes:
        dialog: the sheet that is shown; None when it is not.
        installs: runs the installer.

    Signals:
        added(name): a model is there.
    """

    added = Signal(str)

    def __init__(self, worker: EngineWorker, tasks: Tasks, strip: InstallStrip, window: QWidget) -> None:
        super().__init__(window)
        self.dialog: AddModelDialog | None = None
        self.installs = InstallDesk(worker, tasks, self)
        self._worker = worker
        self._tasks = tasks
        self._strip = strip
        self._window = window
        self._welcome: WelcomePage | None = None
        self._offers: list[RatedOffer] = []
        strip.clicked.connect(self.open)
        ModelDrop(window).dropped.connect(self.open_with)
        self.installs.changed.connect(self._on_changed)
        self.installs.added.connect(self._on_added)

    def serve(self, page: WelcomePage) -> None:
        """Add what the welcome page asks for, and show there how far it is."""
        self._welcome = page
        page.add_requested.connect(self.open)
        page.card.add_requested.connect(self.add_starter)
        page.card.cancel_requested.connect(self.installs.cancel)

    @Slot()
    def open(self) -> None:
        """Show the sheet: what is being added, or the question what to add."""
        if self.dialog is None:
            self._make_dialog().open()

    @Slot(str)
    def open_with(self, path: str) -> None:
        """Show the sheet with this file filled in, unless it shows another one that goes on."""
        self.open()
        if self.dialog is not None and not self.installs.busy:
            self.installs.forget()
            self.dialog.form.set_text(path)

    @Slot()
    def add_starter(self) -> None:
        """Add the starter model."""
        self.installs.begin(Installation(STARTER, "The starter model"))

    @Slot(str)
    def prepare(self, name: str) -> None:
        """Make a listed model ready for this computer, and show how far it is."""
        self.installs.begin(Installation(name, split_name(name)[0], prepares=True))
        self.open()

    def _make_dialog(self) -> AddModelDialog:
        from tether_desktop.ui.models.add_model_dialog import AddModelDialog

        dialog = AddModelDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show_offers(self._offers)
        dialog.show_installation(self.installs.installation)
        dialog.add_requested.connect(self.installs.begin)
        dialog.try_again_requested.connect(self.installs.try_again)
        dialog.cancel_requested.connect(self.installs.cancel)
        dialog.another_requested.connect(self.installs.forget)
        dialog.finished.connect(self._on_finished)
        self.dialog = dialog
        self._tasks.start(self._rate_offers())
        return dialog

    async def _rate_offers(self) -> None:
        async def rate(_tether: Tether) -> list[RatedOffer]:
            import asyncio

            from tether_desktop.ui.models.model_fits import rated_offers

            return await asyncio.to_thread(rated_offers)

        self._offers = await self._worker.submit(rate)
        if self.dialog is not None:
            self.dialog.show_offers(self._offers)

    @Slot()
    def _on_changed(self) -> None:
        installation = self.installs.installation
        if installation is not None and installation.phase != "working":
            announce(self._window, installation.ending)
        self._strip.show_installation(installation)
        if self.dialog is not None:
            self.dialog.show_installation(installation)
        if self._welcome is not None:
            self._welcome.card.show_installation(installation)

    @Slot(str)
    def _on_added(self, name: str) -> None:
        self.added.emit(name)
        last = self.installs.installation
        if self.dialog is None and last is not None and last.what == STARTER:
            self.installs.forget()

    @Slot()
    def _on_finished(self) -> None:
        self.dialog = None
        self.installs.forget()
