"""Which models there are, which one answers, and loading and unloading them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.errors import EngineError
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker


class ModelChoice(QObject):
    """The window's knowledge of models.

    Attributes:
        models: all of them, usable or not.
        known: whether the model folders have been looked at yet.
        lost: the model that answered until it could not be used any more; None when there is none.

    Signals:
        changed(): models, their states, or the chosen one.
        lost_changed(): :attr:`lost` is another one.
    """

    changed = Signal()
    lost_changed = Signal()

    def __init__(self, worker: EngineWorker, tasks: Tasks, wanted: str = "", parent: QObject | None = None) -> None:
        """Prefer the model called ``wanted`` when it turns out to be usable."""
        super().__init__(parent)
        self.models: list[ModelStatus] = []
        self.known = False
        self.lost: ModelStatus | None = None
        self._worker = worker
        self._tasks = tasks
        self._wanted = wanted
        self._stopped: set[str] = set()
        worker.models_changed.connect(self._on_models)

    @property
    def name(self) -> str:
        """The model that answers: the wanted one, else the first usable one, else empty."""
        usable = [model.name for model in self.models if model.usable]
        if self._wanted in usable:
            return self._wanted
        return usable[0] if usable else ""

    @property
    def current(self) -> ModelStatus | None:
        """The model that answers; None when there is none."""
        name = self.name
        return next((model for model in self.models if model.name == name), None)

    def prefer(self, name: str) -> None:
        """Let a model answer from now on, if it is usable; an empty name changes nothing."""
        if name and name != self._wanted:
            self._wanted = name
            self._lose(None)
            self.changed.emit()

    @Slot(str)
    def choose(self, name: str) -> None:
        """Let a model answer, and load it meanwhile."""
        self.prefer(name)
        self.load(name)

    @Slot(str)
    def load(self, name: str) -> None:
        """Load a model in the background; its progress comes by ``changed``."""
        self._stopped.discard(name)
        self._tasks.start(self._load(name))

    @Slot(str)
    def unload(self, name: str) -> None:
        """Free a model's memory, or stop its load."""
        self._stopped.add(name)
        self._tasks.start(self._unload(name))

    @Slot()
    def warm_up(self) -> None:
        """Load the model that answers, because somebody begins to write to it."""
        current = self.current
        if current is not None and current.state == "unloaded":
            self.load(current.name)

    @Slot()
    def refresh(self) -> None:
        """Look at the model folders again."""
        if self.known:
            self._tasks.start(self._refresh())

    async def _load(self, name: str) -> None:
        try:
            await self._worker.submit(lambda tether: tether.pool.load(name, lambda _progress: None))
        except EngineError:
            # Who stops a load need not be told that it was stopped.
            if name not in self._stopped:
                raise

    async def _unload(self, name: str) -> None:
        await self._worker.submit(lambda tether: tether.pool.unload(name))

    async def _refresh(self) -> None:
        await self._worker.refresh_models()

    @Slot(object)
    def _on_models(self, models: list[ModelStatus]) -> None:
        answered = self.lost.name if self.lost is not None else self.name
        # What nobody has chosen goes to no server, as long as something here can answer.
        self.models = sorted(models, key=lambda model: (not model.usable, bool(model.server)))
        self.known = True
        found = next((model for model in self.models if model.name == answered), self.lost)
        self._lose(None if found is None or found.usable else found)
        self.changed.emit()

    def _lose(self, lost: ModelStatus | None) -> None:
        before, self.lost = self.lost, lost
        if (before and before.name) != (lost and lost.name):
            self.lost_changed.emit()
