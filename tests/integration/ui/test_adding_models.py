"""Adding models in the real window: from a drop, the catalogue or the list, to the first answer."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.helpers.gui import in_gui_loop, open_window, until
from tests.helpers.installations import CHECKED, MAPPINGS
from tests.helpers.installed import NAME, InstalledModel
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import InstallError
from tether_desktop.model.install.compile_job import BuildReport
from tether_desktop.model.install.progress import InstallProgress, OnInstallProgress, OnNews
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.models.add_model_dialog import AddModelDialog


class ScriptedInstaller:
    """Tells of a download and waits; what is asked for says how it goes on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.go_on = False
        self.cancelled = False

    async def add(self, what: str, *, on_progress: OnInstallProgress, on_news: OnNews) -> str:
        self.asked.append(what)
        on_progress(InstallProgress("downloading", 0.5, "46 of 93 MB, 4.0 MB/s"))
        if "broken" in what and len(self.asked) == 1:
            raise InstallError("The model cannot be downloaded", "There is no network.", "Connect first.")
        if "bug" in what:
            raise RuntimeError("a bug")
        on_news(CHECKED)
        try:
            while not self.go_on:  # noqa: ASYNC110  (set in another thread)
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        on_news(BuildReport(self.folder / "a.so", compiled=True, mappings=MAPPINGS))
        write_scripted_model(self.folder, "New-q8_0-MLC", replies=["Hello from the new one."])
        return "New-q8_0-MLC"


@pytest.fixture
def installer(scripted: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedInstaller:
    installer = ScriptedInstaller(models)
    monkeypatch.setattr("tether_desktop.app.Installer", lambda *_: installer)
    return installer


def opened(window: MainWindow) -> AddModelDialog:
    """The sheet, opened from the list of models as a person does."""
    picker = window.header.picker
    picker.open_popup()
    QTest.mouseClick(picker.popup.add_button, Qt.MouseButton.LeftButton)
    assert window.adding.dialog is not None
    return window.adding.dialog


def add(dialog: AddModelDialog, what: str) -> None:
    QTest.keyClicks(dialog.form.field, what)
    QTest.keyClick(dialog.form.field, Qt.Key.Key_Return)


@in_gui_loop
async def test_a_model_is_added_selected_and_its_weights_are_accounted_for(installer: ScriptedInstaller) -> None:
    async with open_window() as window:
        dialog = opened(window)
        add(dialog, "hf:acme/New")
        await until(lambda: dialog.page.pill.isVisible() and dialog.page.view.percent_label.text())
        assert dialog.page.view.detail_label.text() == "46 of 93 MB, 4.0 MB/s"
        assert window.models.name != "New-q8_0-MLC"
        installer.go_on = True
        await until(lambda: window.models.name == "New-q8_0-MLC")
        assert dialog.page.title.text() == "New is ready"
        assert "0.42 %" in dialog.page.details.summary_label.text()
        QTest.keyClick(dialog, Qt.Key.Key_Return)
        assert window.adding.dialog is None
        assert not window.header.install_strip.isVisible()
        assert installer.asked == ["hf:acme/New"]


@in_gui_loop
async def test_it_goes_on_when_the_sheet_is_closed_and_is_told_in_the_header(installer: ScriptedInstaller) -> None:
    async with open_window() as window:
        strip = window.header.install_strip
        dialog = opened(window)
        add(dialog, "hf:acme/New")
        await until(lambda: "downloading 50 %" in strip.accessibleName())
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert window.adding.dialog is None
        assert strip.isVisible()
        installer.go_on = True
        await until(lambda: strip.accessibleName() == "New is ready")
        assert window.focusWidget() is window.pane.composer.edit
        QTest.mouseClick(strip, Qt.MouseButton.LeftButton)
        dialog = opened(window)
        assert dialog.page.details.button.isVisible()
        QTest.mouseClick(dialog.back_button, Qt.MouseButton.LeftButton)
        assert dialog.form.isVisible()
        assert not strip.isVisible()
        dialog.close()


@in_gui_loop
async def test_a_cancelled_one_ends_and_another_can_be_added_at_once(installer: ScriptedInstaller) -> None:
    async with open_window() as window:
        dialog = opened(window)
        add(dialog, "hf:acme/New")
        await until(lambda: "50 %" in dialog.page.view.percent_label.text())
        QTest.mouseClick(dialog.back_button, Qt.MouseButton.LeftButton)
        assert dialog.form.isVisible()
        assert dialog.form.field.text() == "hf:acme/New", "it can be gone on with"
        QTest.mouseClick(dialog.go_button, Qt.MouseButton.LeftButton)
        await until(lambda: len(installer.asked) == 2)
        installer.go_on = True
        await until(lambda: window.models.name == "New-q8_0-MLC")
        assert installer.cancelled
        assert installer.asked == ["hf:acme/New"] * 2
        dialog.close()


@in_gui_loop
async def test_a_failure_is_explained_and_tried_again(installer: ScriptedInstaller) -> None:
    async with open_window() as window:
        dialog = opened(window)
        add(dialog, "hf:acme/broken")
        await until(dialog.page.view.error_frame.isVisible)
        assert dialog.page.view.error_text.text() == "There is no network.\nConnect first."
        assert not window.pane.banner.isVisible(), "it is told once"
        installer.go_on = True
        QTest.mouseClick(dialog.go_button, Qt.MouseButton.LeftButton)
        await until(lambda: window.models.name == "New-q8_0-MLC")
        assert installer.asked == ["hf:acme/broken"] * 2
        dialog.close()


@in_gui_loop
async def test_even_a_bug_is_told_as_an_error(installer: ScriptedInstaller) -> None:
    async with open_window() as window:
        dialog = opened(window)
        add(dialog, "hf:acme/bug")
        await until(dialog.page.view.error_frame.isVisible)
        assert "a bug" in dialog.page.view.error_text.text()
        dialog.close()
        assert not window.header.install_strip.isVisible()


@in_gui_loop
async def test_closing_the_window_ends_what_is_being_added(installer: ScriptedInstaller) -> None:
    async with open_window() as window:
        add(opened(window), "hf:acme/New")
        await until(lambda: installer.asked)
    assert installer.cancelled


@in_gui_loop
async def test_the_catalogue_is_there_with_its_terms(installer: ScriptedInstaller) -> None:
    async with open_window() as window:
        dialog = opened(window)
        await until(lambda: dialog.form.list.offers)
        row = next(row for row, offer in enumerate(dialog.form.list.offers) if offer.must_accept)
        offer = dialog.form.list.offers[row]
        dialog.form.list.setCurrentIndex(dialog.form.list.model().index(row, 0))
        assert not dialog.go_button.isEnabled()
        dialog.form.terms.box.click()
        QTest.mouseClick(dialog.go_button, Qt.MouseButton.LeftButton)
        await until(lambda: installer.asked == [offer.id])
        assert dialog.page.title.text() == f"Adding {offer.title}"
        dialog.close()


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_a_gguf_file_that_is_dropped_onto_the_window_becomes_a_model(
    models: Path, installed_model: InstalledModel
) -> None:
    installed_model.library_to(models)
    async with open_window() as window:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(installed_model.gguf))])
        none, button = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
        target, point = window.pane.composer.edit.viewport(), QPointF(2, 2)
        QApplication.sendEvent(target, QDragEnterEvent(point.toPoint(), Qt.DropAction.CopyAction, data, button, none))
        QApplication.sendEvent(target, QDropEvent(point, Qt.DropAction.CopyAction, data, button, none))
        dialog = window.adding.dialog
        assert dialog is not None
        assert dialog.form.field.text() == str(installed_model.gguf)
        QTest.mouseClick(dialog.go_button, Qt.MouseButton.LeftButton)
        await until(lambda: window.models.name == NAME)
        assert dialog.page.details.summary_label.text() == "All weights were taken over exactly."
        row = window.header.picker.popup.row(NAME)
        assert row.status.fit
        dialog.close()


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_a_source_in_the_model_folder_is_prepared_by_its_button(
    models: Path, installed_model: InstalledModel
) -> None:
    installed_model.library_to(models)
    shutil.copy(installed_model.gguf, models / "Raw.gguf")
    async with open_window() as window:
        picker = window.header.picker
        await until(lambda: "Raw" in [row.status.title for row in picker.popup.rows])
        picker.open_popup()
        row = next(row for row in picker.popup.rows if row.status.title == "Raw")
        QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
        dialog = window.adding.dialog
        assert dialog is not None
        assert dialog.page.title.text() == "Preparing Raw"
        await until(lambda: window.models.current is not None and window.models.current.title == "Raw")
        assert row.status.usable
        dialog.close()
