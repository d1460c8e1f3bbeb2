"""Adding models: from a drop, the catalogue or the list, paused, interrupted, offline, to a model that is chosen."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.helpers.gui import in_gui_loop, until
from tests.helpers.installations import CHECKED, MAPPINGS
from tests.helpers.installed import NAME, InstalledModel
from tests.helpers.models_window import ModelsWindow, open_models
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import InstallError, NoConnection
from tether_desktop.model.install.compile_job import BuildReport
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.install.progress import InstallProgress, OnInstallProgress, OnNews
from tether_desktop.ui.models.add_tab import AddTab
from tether_desktop.ui.models.install_row import InstallRow


class ScriptedInstaller(Installer):
    """Tells of a download and waits; what is asked for says how it goes on."""

    def __init__(self, folder: Path) -> None:
        super().__init__([folder])
        self.folder = folder
        self.asked: list[str] = []
        self.go_on = False
        self.cancelled = 0

    async def add(self, what: str, *, on_progress: OnInstallProgress, on_news: OnNews, **_: object) -> str:
        self.asked.append(what)
        try:
            return await self._add(what, on_progress, on_news)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def _add(self, what: str, on_progress: OnInstallProgress, on_news: OnNews) -> str:
        await self.plan(what)
        on_progress(InstallProgress("downloading", 0.5, "46 of 93 MB, 4.0 MB/s", 90.0))
        if "broken" in what and len(self.asked) == 1:
            raise InstallError("The model cannot be downloaded", "There is no such file.", "Check the name.")
        if "offline" in what and len(self.asked) == 1:
            raise NoConnection("The model cannot be downloaded", "huggingface.co: it cannot be reached.", "Connect.")
        if "bug" in what:
            raise RuntimeError("a bug")
        on_news(CHECKED)
        while not self.go_on:  # noqa: ASYNC110  (set in another thread)
            await asyncio.sleep(0.001)
        on_news(BuildReport(self.folder / "a.so", compiled=True, mappings=MAPPINGS))
        name = "New-q8_0-MLC" if "New" in what or "broken" in what or "offline" in what else "Other-q8_0-MLC"
        write_scripted_model(self.folder, name, replies=["Hello from the new one."])
        self.discard(what)
        return name


@pytest.fixture
def installer(scripted: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedInstaller:
    installer = ScriptedInstaller(models)
    monkeypatch.setattr("tether_desktop.app.Installer", lambda *_: installer)
    return installer


def form(window: ModelsWindow) -> AddTab:
    """The catalogue, opened from the list of models as a person does."""
    window.picker.open_popup()
    QTest.mouseClick(window.picker.popup.add_button, Qt.MouseButton.LeftButton)
    tab = window.page.findChild(AddTab)
    assert isinstance(tab, AddTab)
    return tab


def add(window: ModelsWindow, what: str) -> InstallRow:
    field = form(window).form.field
    QTest.keyClicks(field, what)
    QTest.keyClick(field, Qt.Key.Key_Return)
    return window.row(what)


def click(button: object) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@in_gui_loop
async def test_a_model_is_added_chosen_and_its_weights_are_accounted_for(installer: ScriptedInstaller) -> None:
    async with open_models() as window:
        added = add(window, "hf:acme/New")
        await until(lambda: added.pill.isVisible() and added.view.percent_label.text())
        assert added.view.detail_label.text() == "46 of 93 MB, 4.0 MB/s · about 2 minutes left"
        installer.go_on = True
        await until(lambda: added.title.text() == "New is ready")
        assert "0.42 %" in added.details.summary_label.text()
        assert window.strip.isVisible()
        click(added.go_button)
        assert not window.here.installs.rows
        assert not window.strip.isVisible()
        await until(lambda: "New-q8_0-MLC" in window.here.cards.rows)


@in_gui_loop
async def test_it_goes_on_behind_the_chat_and_is_told_in_the_header(installer: ScriptedInstaller) -> None:
    async with open_models() as window:
        strip = window.strip
        add(window, "hf:acme/New")
        await until(lambda: "Downloading 50 %" in strip.accessibleName())
        QTest.keyClick(window.page, Qt.Key.Key_Escape)
        assert window.chat.isVisible()
        assert strip.isVisible()
        installer.go_on = True
        await until(lambda: strip.accessibleName() == "New is ready")
        click(strip)
        assert window.page.isVisible()
        assert window.row("hf:acme/New").details.button.isVisible()


@in_gui_loop
async def test_a_paused_download_lets_the_next_one_go_first_and_goes_on_when_asked(
    installer: ScriptedInstaller,
) -> None:
    async with open_models() as window:
        first = add(window, "hf:acme/New")
        await until(lambda: "50 %" in first.view.percent_label.text())
        second = add(window, "hf:acme/Other")
        assert second.view.stage_label.text() == "Waits until the one before it is done."
        click(first.go_button)
        await until(lambda: installer.asked == ["hf:acme/New", "hf:acme/Other"])
        assert first.view.stage_label.text() == "Paused. 50 % of it is here already."
        assert first.go_button.text() == "Resume"
        installer.go_on = True
        await until(lambda: "Other-q8_0-MLC" in window.here.cards.rows)
        click(first.go_button)
        await until(lambda: "New-q8_0-MLC" in window.here.cards.rows)
        assert installer.asked == ["hf:acme/New", "hf:acme/Other", "hf:acme/New"]
        assert installer.cancelled == 1


@in_gui_loop
async def test_what_was_interrupted_is_listed_at_the_next_start_and_nothing_is_fetched_unasked(
    installer: ScriptedInstaller, models: Path
) -> None:
    async with open_models() as window:
        add(window, "hf:acme/New")
        await until(installer.downloads.list)
        download = installer.downloads.list()[0]
        (models / ".downloads" / download.key).mkdir(parents=True)
        (models / ".downloads" / download.key / "New.part").write_bytes(bytes(2_000_000))
    async with open_models() as window:
        window.desk.open()
        await until(lambda: window.here.installs.rows)
        left = window.row("hf:acme/New")
        assert left.view.stage_label.text() == "Paused. 2.0 MB are here already."
        assert installer.asked == ["hf:acme/New"]
        click(left.stop_button)
        assert left.ask.isVisible()
        assert not left.stop_button.isVisible()
        click(left.ask.yes_button)
        await until(lambda: not (models / ".downloads").exists() and not installer.downloads.list())
        assert not window.here.installs.rows


@in_gui_loop
async def test_what_waits_is_removed_at_once_while_another_one_goes_on(installer: ScriptedInstaller) -> None:
    async with open_models() as window:
        going = add(window, "hf:acme/Other")
        await until(lambda: "50 %" in going.view.percent_label.text())
        add(window, "hf:acme/New")
        await until(lambda: len(installer.downloads.list()) == 2)
        click(window.row("hf:acme/New").stop_button)
        await until(lambda: [each.what for each in installer.downloads.list()] == ["hf:acme/Other"])
        assert "50 %" in going.view.percent_label.text()


@in_gui_loop
async def test_cancelling_asks_before_it_throws_away_what_was_downloaded(installer: ScriptedInstaller) -> None:
    async with open_models() as window:
        added = add(window, "hf:acme/New")
        await until(lambda: "50 %" in added.view.percent_label.text())
        click(added.stop_button)
        assert not installer.cancelled
        click(added.ask.no_button)
        assert added.stop_button.isVisible()
        click(added.stop_button)
        click(added.ask.yes_button)
        await until(lambda: installer.cancelled)
        assert not window.here.installs.rows
        await until(lambda: not installer.downloads.list())


@in_gui_loop
async def test_a_failure_is_explained_in_its_row_and_tried_again(installer: ScriptedInstaller) -> None:
    async with open_models() as window:
        added = add(window, "hf:acme/broken")
        await until(added.view.error_frame.isVisible)
        assert added.view.error_text.text() == "There is no such file.\nCheck the name."
        installer.go_on = True
        click(added.go_button)
        await until(lambda: "New-q8_0-MLC" in window.here.cards.rows)
        assert installer.asked == ["hf:acme/broken"] * 2


@in_gui_loop
async def test_being_offline_is_told_as_that(installer: ScriptedInstaller) -> None:
    async with open_models() as window:
        added = add(window, "hf:acme/offline")
        await until(added.view.error_frame.isVisible)
        assert added.view.error_title.text() == "You are offline"
        assert "goes on from where it stopped" in added.view.error_text.text()
        installer.go_on = True
        click(added.go_button)
        await until(lambda: "New-q8_0-MLC" in window.here.cards.rows)


@in_gui_loop
async def test_even_a_bug_is_told_as_an_error(installer: ScriptedInstaller) -> None:
    async with open_models() as window:
        added = add(window, "hf:acme/bug")
        await until(added.view.error_frame.isVisible)
        assert "a bug" in added.view.error_text.text()
        assert window.strip.isVisible()


@in_gui_loop
async def test_closing_the_window_ends_what_is_being_added(installer: ScriptedInstaller) -> None:
    async with open_models() as window:
        add(window, "hf:acme/New")
        await until(lambda: installer.asked)
    assert installer.cancelled


@in_gui_loop
async def test_the_catalogue_is_searched_and_terms_are_accepted_before_anything_is_fetched(
    installer: ScriptedInstaller,
) -> None:
    async with open_models() as window:
        asked = form(window).form
        await until(lambda: asked.list.offers)
        offer = next(offer for offer in asked.list.offers if offer.must_accept)
        QTest.keyClicks(asked.search, offer.title)
        at = [each.id for each in asked.list.offers].index(offer.id)
        asked.list.setCurrentIndex(asked.list.model().index(at, 0))
        assert not asked.add_button.isEnabled()
        asked.terms.box.click()
        click(asked.add_button)
        await until(lambda: installer.asked == [offer.id])
        assert window.row(offer.id).title.text() == f"Adding {offer.title}"


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_a_gguf_file_that_is_dropped_onto_the_window_becomes_a_model(
    models: Path, installed_model: InstalledModel
) -> None:
    installed_model.library_to(models)
    async with open_models() as window:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(installed_model.gguf))])
        none, button = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
        point = QPointF(2, 2)
        QApplication.sendEvent(window, QDragEnterEvent(point.toPoint(), Qt.DropAction.CopyAction, data, button, none))
        QApplication.sendEvent(window, QDropEvent(point, Qt.DropAction.CopyAction, data, button, none))
        asked = window.page.findChild(AddTab)
        assert isinstance(asked, AddTab)
        assert asked.form.field.text() == str(installed_model.gguf)
        click(asked.form.add_button)
        await until(lambda: NAME in window.here.cards.rows)
        added = window.row(str(installed_model.gguf))
        await until(lambda: added.details.summary_label.text() == "All weights were taken over exactly.")
        await until(lambda: window.picker.popup.row(NAME).status.fit)


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_a_source_in_the_model_folder_is_prepared_by_its_button(
    models: Path, installed_model: InstalledModel
) -> None:
    installed_model.library_to(models)
    shutil.copy(installed_model.gguf, models / "Raw.gguf")
    async with open_models() as window:
        window.desk.open()
        name = next(each.name for each in window.models.models if each.title == "Raw")
        assert window.card(name).main_button.text() == "Prepare for this computer"
        click(window.card(name).main_button)
        assert window.row(name, prepares=True).title.text() == "Preparing Raw"
        await until(lambda: window.card(name).status.usable)
        assert window.card(name).main_button.text() == "Load"
