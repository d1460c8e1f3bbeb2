"""Models in the real window: they come and go by themselves, and a foreign library asks first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.gui import in_gui_loop, open_window, until
from tests.helpers.packed_models import write_library, write_packed_model
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.model.discovery import catalog, trust, watch
from tether_desktop.ui.main_window import MainWindow


@pytest.fixture(autouse=True)
def eager_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that does not let a test wait."""
    monkeypatch.setattr(watch, "INTERVAL_S", 0.01)
    monkeypatch.setattr(catalog, "supported_isas", lambda: ("avx2",))


def listed(window: MainWindow) -> list[str]:
    return [row.status.name for row in window.header.picker.popup.rows]


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_models_that_come_and_go_are_shown_without_being_asked_for(models: Path) -> None:
    async with open_window() as window:
        folder = write_scripted_model(models, "New")
        await until(lambda: "New" in listed(window))
        shutil.rmtree(folder)
        await until(lambda: "New" not in listed(window))


@in_gui_loop
async def test_the_first_model_ends_the_welcome(models: Path) -> None:
    async with open_window() as window:
        await until(window.welcome.isVisible)
        write_scripted_model(models, "First")
        await until(window.pane.isVisible)
        assert window.models.name == "First"


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_a_foreign_library_is_shown_and_not_loaded_unless_allowed(models: Path) -> None:
    write_packed_model(models, "Foreign")
    library = write_library(models, trusted=False)
    async with open_window() as window:
        await until(lambda: "Foreign" in listed(window))
        window.header.picker.popup.row("Foreign").button.click()
        await until(lambda: window.libraries.dialog is not None)
        dialog = window.libraries.dialog
        assert dialog is not None
        assert (dialog.file.text(), trust.sha256_of(library) in dialog.checksum.text()) == (str(library), True)
        dialog.refuse_button.click()
        await until(lambda: window.libraries.dialog is None)
        assert not trust.is_trusted(library)
        assert window.models.name != "Foreign"


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_a_foreign_library_that_was_allowed_is_never_asked_about_again(models: Path) -> None:
    write_packed_model(models, "Foreign")
    library = write_library(models, trusted=False)
    async with open_window() as window:
        await until(lambda: "Foreign" in listed(window))
        window.header.picker.popup.row("Foreign").button.click()
        await until(lambda: window.libraries.dialog is not None)
        dialog = window.libraries.dialog
        assert dialog is not None
        dialog.load_button.click()
        await until(lambda: window.models.name == "Foreign")
        assert trust.is_trusted(library)
        assert window.header.picker.popup.row("Foreign").status.usable
        await until(lambda: window.header.picker.popup.row("Foreign").status.state == "failed")


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_a_library_that_changes_while_it_is_asked_about_is_not_allowed(models: Path) -> None:
    write_packed_model(models, "Foreign")
    library = write_library(models, trusted=False)
    async with open_window() as window:
        await until(lambda: "Foreign" in listed(window))
        window.libraries.ask("Foreign")
        await until(lambda: window.libraries.dialog is not None)
        dialog = window.libraries.dialog
        assert dialog is not None
        write_library(models, trusted=False, model_type="other")
        dialog.load_button.click()
        await until(window.pane.banner.isVisible)
        assert not trust.is_trusted(library)
