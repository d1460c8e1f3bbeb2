"""A window that has nothing but models: picker, strip and page, with a real worker behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from tests.helpers.gui import Recorder, running_worker, until
from tether_desktop.errors import TetherError
from tether_desktop.ui.models.here_tab import HereTab
from tether_desktop.ui.models.install_row import InstallRow
from tether_desktop.ui.models.install_strip import InstallStrip
from tether_desktop.ui.models.model_card import ModelCard
from tether_desktop.ui.models.model_choice import ModelChoice
from tether_desktop.ui.models.model_picker import ModelPicker
from tether_desktop.ui.models.models_desk import ModelsDesk
from tether_desktop.ui.models.models_page import ModelsPage
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker


class ModelsWindow(QMainWindow):
    """The parts of the real window that have to do with models, wired as there.

    Attributes:
        failures: errors that nobody but the window's banner would have told.
        kept, defaults, permissions: what the desk asked the window for.
    """

    def __init__(self, worker: EngineWorker) -> None:
        super().__init__()
        self.worker = worker
        self.tasks = Tasks(self)
        self.models = ModelChoice(worker, self.tasks, "", self)
        self.picker, self.strip = ModelPicker(), InstallStrip()
        self.desk = ModelsDesk(worker, self.tasks, self.models, self.strip, self)
        self.failures: list[TetherError] = []
        self.kept = Recorder(self.desk.kept)
        self.defaults = Recorder(self.desk.default_chosen)
        self.permissions = Recorder(self.desk.permission_requested)
        self.chat = QWidget()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.chat)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        for widget in (self.picker, self.strip, self.stack):
            layout.addWidget(widget)
        self.setCentralWidget(inside)
        self.resize(760, 640)
        self.tasks.failed.connect(self._on_failed)
        self.models.changed.connect(self._on_models)
        self.desk.shown.connect(self._on_shown)
        self.desk.left.connect(self._on_left)
        self.picker.add_requested.connect(self.desk.open_catalogue)
        self.picker.manage_requested.connect(self.desk.open)

    @property
    def page(self) -> ModelsPage:
        """The page, which was opened."""
        assert self.desk.page is not None
        return self.desk.page

    @property
    def here(self) -> HereTab:
        """What is on this computer."""
        found = self.page.findChild(HereTab)
        assert isinstance(found, HereTab)
        return found

    def row(self, what: str, *, prepares: bool = False) -> InstallRow:
        """The row of an installation."""
        return self.here.installs.rows[what, prepares]

    def card(self, name: str) -> ModelCard:
        """The card of a model."""
        return self.here.cards.rows[name]

    @Slot(object)
    def _on_failed(self, error: TetherError) -> None:
        self.failures.append(error)

    @Slot()
    def _on_models(self) -> None:
        self.picker.show_models(self.models.models, self.models.name)

    @Slot(object)
    def _on_shown(self, page: QWidget) -> None:
        if self.stack.indexOf(page) < 0:
            self.stack.addWidget(page)
        self.stack.setCurrentWidget(page)

    @Slot()
    def _on_left(self) -> None:
        self.stack.setCurrentWidget(self.chat)


@asynccontextmanager
async def open_models() -> AsyncIterator[ModelsWindow]:
    """The window, its models known, and at the end nothing of it left; every failure must have been expected."""
    async with running_worker() as worker:
        window = ModelsWindow(worker)
        window.show()
        try:
            await until(lambda: window.models.known)
            yield window
            assert not window.failures
        finally:
            window.tasks.cancel()
            window.close()
            window.deleteLater()
