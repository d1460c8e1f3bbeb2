"""The page of models with a real core: loading, removing, checking, and models that disappear or are damaged."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.helpers.gui import in_gui_loop, until
from tests.helpers.installed import NAME, InstalledModel
from tests.helpers.models_window import ModelsWindow, open_models
from tests.helpers.packed_models import write_library, write_packed_model
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.model.discovery import catalog, watch


@pytest.fixture(autouse=True)
def eager_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that does not let a test wait."""
    monkeypatch.setattr(watch, "INTERVAL_S", 0.01)


def click(button: object) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def opened(window: ModelsWindow, name: str) -> None:
    window.desk.open()
    await until(lambda: name in window.here.cards.rows)


@in_gui_loop
async def test_a_model_is_loaded_and_unloaded_and_tells_until_when_it_stays(scripted: Path) -> None:
    async with open_models() as window:
        await opened(window, scripted.name)
        card = window.card(scripted.name)
        assert card.main_button.text() == "Load"
        assert not card.loaded.isVisible()
        click(card.main_button)
        await until(lambda: card.main_button.text() == "Unload")
        assert card.loaded.text().startswith("Scripted · unused since ")
        assert "unloads at" in card.loaded.text()
        click(card.main_button)
        await until(lambda: card.main_button.text() == "Load")
        assert not card.loaded.isVisible()


@in_gui_loop
async def test_a_load_can_be_cancelled(models: Path) -> None:
    write_scripted_model(models, "Slow", load=[{"progress": 0.25}, {"wait": True}])
    async with open_models() as window:
        await opened(window, "Slow")
        card = window.card("Slow")
        click(card.main_button)
        await until(lambda: card.state_pill.text() == "loading 25 %")
        assert card.bar.isVisible()
        assert card.main_button.text() == "Cancel"
        click(card.main_button)
        await until(lambda: card.main_button.text() == "Load")


@in_gui_loop
async def test_a_load_that_failed_says_why_and_can_be_tried_again(models: Path) -> None:
    fault = {"code": "engine_failed", "title": "No", "message": "It has a hole.", "hint": "Mend it."}
    write_scripted_model(models, "Holed", load=[{"raise": fault}])
    async with open_models() as window:
        await opened(window, "Holed")
        click(window.card("Holed").main_button)
        await until(window.card("Holed").problem.isVisible)
        assert "It has a hole." in window.card("Holed").problem.text()
        assert window.card("Holed").main_button.text() == "Try again"
        write_scripted_model(models, "Holed")
        click(window.card("Holed").main_button)
        await until(lambda: window.card("Holed").main_button.text() == "Unload")
        assert not window.card("Holed").problem.isVisible()
        window.failures.clear()  # the banner told of the first one too


@in_gui_loop
async def test_a_model_folder_that_vanishes_is_told_and_comes_back(models: Path) -> None:
    write_scripted_model(models, "Here")
    async with open_models() as window:
        await opened(window, "Here")
        await window.worker.refresh_models()  # from here on nobody looks but the watch
        away = models.with_name("away")
        await asyncio.to_thread(models.rename, away)
        await until(window.here.empty.isVisible)
        assert "Here" not in window.here.cards.rows
        await asyncio.to_thread(away.rename, models)
        await until(lambda: "Here" in window.here.cards.rows)


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_removing_asks_and_takes_the_library_that_nothing_else_needs(
    models: Path, installed_model: InstalledModel
) -> None:
    installed_model.copy_to(models)
    async with open_models() as window:
        await opened(window, NAME)
        card = window.card(NAME)
        card.actions_of["remove"].trigger()
        await until(card.ask.isVisible)
        assert "and its compiled library" in card.ask.label.text()
        click(card.ask.no_button)
        assert not card.ask.isVisible()
        assert (models / NAME).is_dir()
        card.actions_of["remove"].trigger()
        await until(card.ask.isVisible)
        click(card.ask.yes_button)
        await until(lambda: NAME not in window.here.cards.rows)
        assert not (models / NAME).exists()
        assert not list((models / "libs").glob("*.so"))


@in_gui_loop
async def test_a_damaged_file_is_found_and_the_rest_is_found_whole(
    models: Path, installed_model: InstalledModel
) -> None:
    installed_model.copy_to(models)
    async with open_models() as window:
        await opened(window, NAME)
        card = window.card(NAME)
        card.actions_of["verify"].trigger()
        await until(lambda: card.note.text() == "Every file is complete and unchanged.")
        shard = next((models / NAME).glob("params_shard_*.bin"))
        content = bytearray(shard.read_bytes())
        content[-1] ^= 1
        shard.write_bytes(content)
        card.actions_of["verify"].trigger()
        await until(lambda: shard.name in card.problem.text())
        assert not card.note.isVisible()


@in_gui_loop
async def test_a_model_that_disappears_while_it_is_loaded_is_told_of_and_can_be_unloaded(scripted: Path) -> None:
    async with open_models() as window:
        await opened(window, scripted.name)
        click(window.card(scripted.name).main_button)
        await until(lambda: window.card(scripted.name).status.state == "ready")
        shutil.rmtree(scripted)
        await until(lambda: window.card(scripted.name).status.gone)
        card = window.card(scripted.name)
        assert card.problem.text().startswith("Its files are gone")
        assert card.main_button.text() == "Unload"
        click(card.main_button)
        await until(lambda: scripted.name not in window.here.cards.rows)
        assert window.here.empty.isVisible()


@in_gui_loop
async def test_a_foreign_library_is_asked_about_from_the_card(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "supported_isas", lambda: ("avx2",))
    write_packed_model(models, "Foreign")
    write_library(models, trusted=False)
    async with open_models() as window:
        await opened(window, "Foreign")
        card = window.card("Foreign")
        assert card.main_button.text() == "Allow its library…"
        click(card.main_button)
        assert window.permissions.calls == [("Foreign",)]


@in_gui_loop
async def test_a_broken_model_whose_origin_is_known_is_downloaded_again(
    models: Path, installed_model: InstalledModel
) -> None:
    installed_model.copy_to(models)
    async with open_models() as window:
        from tether_desktop.model.install.downloads import DownloadLedger

        DownloadLedger(models).note_origin(NAME, str(installed_model.gguf))
        next((models / NAME).glob("params_shard_*.bin")).unlink()
        await opened(window, NAME)
        await until(lambda: window.card(NAME).main_button.text() == "Download again")
        click(window.card(NAME).main_button)
        await until(lambda: window.card(NAME).status.usable)


@in_gui_loop
async def test_a_model_is_made_the_one_for_new_chats_and_the_one_that_answers(scripted: Path) -> None:
    async with open_models() as window:
        await opened(window, scripted.name)
        card = window.card(scripted.name)
        click(card.default_button)
        assert window.defaults.calls == [(scripted.name,)]
        card.actions_of["chat"].trigger()
        assert window.chat.isVisible()
        assert window.models.name == scripted.name


@in_gui_loop
async def test_many_models_are_searched(models: Path) -> None:
    for number in range(10):
        write_scripted_model(models, f"Model-{number}")
    async with open_models() as window:
        await opened(window, "Model-9")
        assert window.here.search.isVisible()
        QTest.keyClicks(window.here.search, "model 7")
        assert list(window.here.cards.rows) == ["Model-7"]
        QTest.keyClicks(window.here.search, "x")
        assert window.here.nothing_found.isVisible()


@in_gui_loop
async def test_without_a_model_the_page_leads_to_the_catalogue(models: Path) -> None:
    async with open_models() as window:
        window.desk.open()
        assert window.here.empty.isVisible()
        click(window.here.empty.add_button)
        assert window.page.tab == "add"
