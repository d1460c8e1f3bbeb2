"""Everything about models: their page, what is added from anywhere in the window, and what is done with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.chat.announcement import announce
from tether_desktop.ui.models.dropped_model import ModelDrop
from tether_desktop.ui.models.install_desk import InstallDesk, Key
from tether_desktop.ui.models.install_strip import InstallStrip
from tether_desktop.ui.models.installation import STARTER, Installation, title_of, unfinished
from tether_desktop.ui.models.model_care import ModelCare
from tether_desktop.ui.models.model_choice import ModelChoice
from tether_desktop.ui.models.model_status import split_name
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.settings import Settings
    from tether_desktop.ui.models.add_tab import AddTab
    from tether_desktop.ui.models.compare_desk import CompareDesk
    from tether_desktop.ui.models.compare_tab import CompareTab
    from tether_desktop.ui.models.here_tab import HereTab
    from tether_desktop.ui.models.install_row import InstallRow
    from tether_desktop.ui.models.model_card import ModelCard
    from tether_desktop.ui.models.model_fits import RatedOffer
    from tether_desktop.ui.models.models_page import ModelsPage, Tab
    from tether_desktop.ui.models.speed_tab import SpeedTab
    from tether_desktop.ui.models.welcome_page import WelcomePage


class ModelsDesk(QObject):
    """Makes the page when it is first wanted, and shows what the installer does wherever the person looks.

    Attributes:
        page: the page; None before it was first opened.
        installs: runs the installer.
        care: checks, removes and measures models.

    Signals:
        shown(page): the page is to be put in the place of the chat.
        left(): the chat is to be seen again.
        added(name): a model is there.
        permission_requested(name): a model's library has to be allowed first.
        default_chosen(name): new chats are to use this model.
        kept(session_id): a chat was begun with a question and the better of two answers.
    """

    shown = Signal(object)
    left = Signal()
    added = Signal(str)
    permission_requested = Signal(str)
    default_chosen = Signal(str)
    kept = Signal(str)

    def __init__(
        self, worker: EngineWorker, tasks: Tasks, models: ModelChoice, strip: InstallStrip, window: QWidget
    ) -> None:
        super().__init__(window)
        self.page: ModelsPage | None = None
        self.installs = InstallDesk(worker, tasks, self)
        self.care = ModelCare(worker, tasks, self)
        self._worker = worker
        self._tasks = tasks
        self._models = models
        self._strip = strip
        self._window = window
        self._welcome: WelcomePage | None = None
        self._here: HereTab | None = None
        self._add: AddTab | None = None
        self._speed: SpeedTab | None = None
        self._compare: CompareDesk | None = None
        self._settings: Settings | None = None
        self._origins: dict[str, str] = {}
        self._told: set[Key] = set()
        strip.clicked.connect(self.open)
        ModelDrop(window).dropped.connect(self.open_with)
        worker.opened.connect(self._on_opened)
        models.changed.connect(self._show_models)
        self.installs.changed.connect(self._on_installs_changed)
        self.installs.added.connect(self._on_added)
        self.care.changed.connect(self._on_care_changed)

    def serve(self, page: WelcomePage) -> None:
        """Add what the welcome page asks for, and show there how far it is."""
        self._welcome = page
        page.add_requested.connect(self.open_catalogue)
        page.card.add_requested.connect(self.add_starter)
        page.card.cancel_requested.connect(self.installs.cancel_working)
        page.card.show_installation(self.installs.find(STARTER), busy=self.installs.busy)

    @Slot()
    def open(self) -> None:
        """Show the models of this computer, and what is being added."""
        self._open("here")

    @Slot()
    def open_catalogue(self) -> None:
        """Show what can be added."""
        self._open("add")

    @Slot(str)
    def open_with(self, path: str) -> None:
        """Show what can be added, with this file filled in."""
        self._open("add")
        if self._add is not None:
            self._add.form.set_text(path)

    @Slot(list)
    def add_files(self, paths: list[str]) -> None:
        """Add the models in these files, one after the other, and show how far they are."""
        for path in paths:
            self.installs.begin(Installation(path, title_of(path)))
        self.open()

    @Slot()
    def add_starter(self) -> None:
        """Add the starter model."""
        self.installs.begin(Installation(STARTER, self.tr("The starter model")))

    @Slot(str)
    def prepare(self, name: str) -> None:
        """Make a listed model ready for this computer, and show how far it is."""
        self.installs.begin(Installation(name, split_name(name)[0], prepares=True))
        self.open()

    @Slot(object)
    def use_settings(self, settings: Settings) -> None:
        """Follow the settings."""
        self._settings = settings
        self._show_models()

    def _open(self, tab: Tab) -> None:
        page = self.page or self._make_page()
        page.turn_to(tab)
        self._fill(tab)
        self.shown.emit(page)
        page.tabs.setFocus()
        self._tasks.start(self._read_origins())
        self._models.refresh()

    def _make_page(self) -> ModelsPage:
        from tether_desktop.ui.models.models_page import ModelsPage

        self.page = page = ModelsPage()
        page.left.connect(self.left)
        page.turned.connect(self._fill)
        return page

    @Slot(str)
    def _fill(self, tab: Tab) -> None:
        """Make what a tab shows when it is first wanted."""
        if self.page is None or self.page.has(tab):
            return
        match tab:
            case "here":
                self.page.put(tab, self._make_here())
            case "add":
                self.page.put(tab, self._make_add())
            case "compare":
                self.page.put(tab, self._make_compare())
            case "speed":
                self.page.put(tab, self._make_speed())

    def _make_here(self) -> HereTab:
        from tether_desktop.ui.models.here_tab import HereTab

        self._here = here = HereTab(self._wire_card, self._wire_row)
        here.add_requested.connect(self.open_catalogue)
        here.show_installations(self.installs.installations)
        self._show_models()
        return here

    def _make_add(self) -> AddTab:
        from tether_desktop.ui.models.add_tab import AddTab

        self._add = add = AddTab()
        add.form.add_requested.connect(self._on_add)
        self._tasks.start(self._rate_offers())
        return add

    def _make_speed(self) -> SpeedTab:
        from tether_desktop.ui.models.speed_tab import SpeedTab

        self._speed = speed = SpeedTab()
        speed.measure_requested.connect(self.care.measure)
        speed.stop_requested.connect(self.care.stop)
        speed.model_box.currentIndexChanged.connect(self._on_speed_changed)
        self.care.measured.connect(self._on_measured)
        speed.show_models(self._models.models)
        speed.choose(self._models.name)
        self.care.read_speeds()
        return speed

    def _make_compare(self) -> CompareTab:
        from tether_desktop.ui.models.compare_desk import CompareDesk

        self._compare = CompareDesk(self._worker, self._tasks, self)
        self._compare.kept.connect(self.kept)
        self._compare.tab.show_models(self._models.models, self._models.name)
        return self._compare.tab

    def _wire_card(self, card: ModelCard) -> None:
        card.load_requested.connect(self._models.load)
        card.unload_requested.connect(self._models.unload)
        card.chat_requested.connect(self._on_chat)
        card.default_requested.connect(self.default_chosen)
        card.permission_requested.connect(self.permission_requested)
        card.prepare_requested.connect(self.prepare)
        card.again_requested.connect(self._on_again)
        card.folder_requested.connect(self._on_folder)
        card.verify_requested.connect(self.care.verify)
        card.measure_requested.connect(self._on_measure)
        card.stop_requested.connect(self.care.stop)
        card.removal_requested.connect(self.care.ask_removal)
        card.removal_agreed.connect(self._on_removal_agreed)
        card.seen.connect(self.care.forget)
        card.show_care(self.care.of(card.name))

    def _wire_row(self, row: InstallRow) -> None:
        row.pause_requested.connect(self._on_pause)
        row.resume_requested.connect(self._on_resume)
        row.cancel_requested.connect(self._on_cancel)
        row.forget_requested.connect(self._on_forget)

    async def _rate_offers(self) -> None:
        async def rate(_tether: Tether) -> list[RatedOffer]:
            import asyncio

            from tether_desktop.ui.models.model_fits import rated_offers

            return await asyncio.to_thread(rated_offers)

        offers = await self._worker.submit(rate)
        if self._add is not None:
            self._add.form.show_offers(offers)

    async def _read_unfinished(self) -> None:
        async def read(tether: Tether) -> list[Installation]:
            import asyncio

            from tether_desktop.model.install.offers import load_offers

            titles = {offer.id: offer.title for offer in load_offers()}
            listed = await asyncio.to_thread(tether.installer.downloads.list)
            return [unfinished(each, titles.get(each.what, "")) for each in listed]

        self.installs.take_unfinished(await self._worker.submit(read))

    async def _read_origins(self) -> None:
        async def read(tether: Tether) -> dict[str, str]:
            import asyncio

            return await asyncio.to_thread(tether.installer.downloads.origins)

        self._origins = await self._worker.submit(read)
        self._show_models()

    @Slot()
    def _show_models(self) -> None:
        settings = self._settings
        if self._here is not None:
            self._here.show_models(
                self._models.models,
                default=settings.default_model if settings else "",
                idle_minutes=settings.idle_minutes if settings else 0,
                origins=self._origins,
            )
        if self._speed is not None:
            self._speed.show_models(self._models.models)
        if self._compare is not None:
            self._compare.tab.show_models(self._models.models, self._models.name)

    @Slot(object)
    def _on_opened(self, settings: Settings) -> None:
        self.use_settings(settings)
        self._tasks.start(self._read_unfinished())

    @Slot(object)
    def _on_add(self, wanted: Installation) -> None:
        self.installs.begin(wanted)
        if self._add is not None:
            self._add.form.clear()
        self.open()

    @Slot(str)
    def _on_again(self, name: str) -> None:
        what = self._origins.get(name, "")
        if what:
            self.installs.begin(Installation(what, split_name(name)[0]))

    @Slot(str)
    def _on_removal_agreed(self, name: str) -> None:
        self.installs.cancel((name, True))
        self.care.remove(name)

    @Slot(str)
    def _on_chat(self, name: str) -> None:
        self._models.choose(name)
        self.left.emit()

    @Slot(str)
    def _on_folder(self, folder: str) -> None:
        path = Path(folder)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent if path.suffix == ".gguf" else path)))

    @Slot(object)
    def _on_pause(self, key: Key) -> None:
        self.installs.pause(key)

    @Slot(object)
    def _on_resume(self, key: Key) -> None:
        self.installs.resume(key)

    @Slot(object)
    def _on_cancel(self, key: Key) -> None:
        self.installs.cancel(key)

    @Slot(object)
    def _on_forget(self, key: Key) -> None:
        self.installs.forget(key)

    @Slot()
    def _on_installs_changed(self) -> None:
        installs = self.installs
        self._announce_endings()
        self._strip.show_installation(installs.installation)
        if self._here is not None:
            self._here.show_installations(installs.installations)
        if self._welcome is not None:
            self._welcome.card.show_installation(installs.find(STARTER), busy=installs.busy)

    def _announce_endings(self) -> None:
        ended = {each.key: each for each in self.installs.installations if each.phase in {"failed", "done"}}
        for key in ended.keys() - self._told:
            announce(self._window, ended[key].ending)
        self._told = set(ended)

    @Slot(str)
    def _on_added(self, name: str) -> None:
        self.added.emit(name)
        self._tasks.start(self._read_origins())
        starter = self.installs.find(STARTER)
        if starter is not None and starter.phase == "done":
            self.installs.forget(starter.key)

    @Slot(str)
    def _on_care_changed(self, name: str) -> None:
        if self._here is not None:
            self._here.show_care(name, self.care.of(name))
        self._on_speed_changed()

    @Slot(str)
    def _on_measure(self, name: str) -> None:
        """Measure it where the result is shown."""
        self._open("speed")
        if self._speed is not None:
            self._speed.choose(name)
        self.care.measure(name)

    @Slot()
    def _on_speed_changed(self) -> None:
        if self._speed is not None:
            self._speed.show_care(self.care.of(self._speed.model))

    @Slot()
    def _on_measured(self) -> None:
        if self._speed is not None:
            self._speed.show_results(self.care.speeds)
