"""A model's card: every state in words, its remedy as a button, and questions before anything is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tether_desktop.errors import EngineDied, ModelBroken
from tether_desktop.model.install.removal import Removal
from tether_desktop.ui.models.model_card import ModelCard
from tether_desktop.ui.models.model_care import NOTHING, Care
from tether_desktop.ui.models.model_status import ModelStatus, weights_text
from tether_desktop.ui.models.model_words import clock_text, facts_text, idle_text, loaded_text, state_text

UNUSABLE = {"usable": False, "reason": "Because.", "remedy": "Do this."}


@pytest.fixture
def card(qtbot: QtBot) -> ModelCard:
    card = ModelCard("A")
    qtbot.addWidget(card)
    show(card, ModelStatus("A", "A"))
    card.show()
    return card


def show(card: ModelCard, status: ModelStatus, *, again: bool = False, is_default: bool = False) -> None:
    card.show_status(status, is_default=is_default, idle_minutes=30, again=again)


@pytest.mark.parametrize(
    ("status", "state", "button", "signal"),
    [
        (ModelStatus("A", "A"), "not loaded", "Load", "load_requested"),
        (ModelStatus("A", "A", state="loading", progress=0.42), "loading 42 %", "Cancel", "unload_requested"),
        (ModelStatus("A", "A", state="ready"), "ready", "Unload", "unload_requested"),
        (ModelStatus("A", "A", state="busy"), "answering", "", ""),
        (ModelStatus("A", "A", state="failed"), "failed", "Try again", "load_requested"),
        (
            ModelStatus("A", "A", asks_first=True, **UNUSABLE),
            "asks first",
            "Allow its library…",
            "permission_requested",
        ),
        (
            ModelStatus("A", "A", preparable=True, **UNUSABLE),
            "not prepared",
            "Prepare for this computer",
            "prepare_requested",
        ),
        (ModelStatus("A", "A", **UNUSABLE), "not usable", "", ""),
        (ModelStatus("A", "A", gone=True, state="ready", **UNUSABLE), "files gone", "Unload", "unload_requested"),
    ],
)
def test_every_state_has_its_words_and_its_remedy(
    qtbot: QtBot, card: ModelCard, status: ModelStatus, state: str, button: str, signal: str
) -> None:
    show(card, status)
    assert state_text(status) == state
    assert card.accessibleName() == f"A, {state}"
    assert card.main_button.text() == button
    assert card.main_button.isVisible() == bool(button)
    if button:
        with qtbot.waitSignal(getattr(card, signal)) as asked:
            qtbot.mouseClick(card.main_button, Qt.MouseButton.LeftButton)
        assert asked.args == ["A"]


def test_a_broken_one_is_downloaded_again_where_it_is_known_from_where(qtbot: QtBot, card: ModelCard) -> None:
    broken = ModelStatus("A", "A", broken=True, **UNUSABLE)
    show(card, broken)
    assert not card.main_button.isVisible()
    assert card.problem.text() == "Because. Do this."
    show(card, broken, again=True)
    assert card.problem.text() == "Because."
    with qtbot.waitSignal(card.again_requested):
        qtbot.mouseClick(card.main_button, Qt.MouseButton.LeftButton)


def test_a_load_that_failed_says_why(card: ModelCard) -> None:
    show(card, ModelStatus("A", "A", state="failed", error=EngineDied("Gone", "It ended.", "Close programs.")))
    assert card.problem.text() == "It ended. Close programs."


def test_what_is_done_with_it_is_told_and_can_be_stopped(qtbot: QtBot, card: ModelCard) -> None:
    card.show_care(Care("verifying", progress=0.3))
    assert (card.work.text(), card.bar.value()) == ("Comparing every file with its checksum…", 300)
    assert not card.actions_of["remove"].isEnabled()
    with qtbot.waitSignal(card.stop_requested):
        qtbot.mouseClick(card.main_button, Qt.MouseButton.LeftButton)
    card.show_care(Care(note="All well."))
    assert card.note.isVisible()
    assert not card.bar.isVisible()
    card.show_care(Care(error=ModelBroken("No", "A file differs.", "Download it again.")))
    assert card.problem.text() == "A file differs. Download it again."


def test_removing_asks_and_says_how_much_it_frees(qtbot: QtBot, card: ModelCard) -> None:
    card.show_care(Care(removal=Removal("A", (Path("/a"),), None, 95_000_000)))
    assert card.ask.label.text() == "Remove A from this computer? This frees 95 MB."
    assert card.ask.no_button.hasFocus()
    with qtbot.waitSignal(card.seen):
        qtbot.keyClick(card.ask.no_button, Qt.Key.Key_Escape)
    assert not card.ask.isVisible()
    card.show_care(NOTHING)
    card.show_care(Care(removal=Removal("A", (Path("/a"),), Path("/l.so"), 95_000_000)))
    assert "and its compiled library" in card.ask.label.text()
    with qtbot.waitSignal(card.removal_agreed):
        qtbot.mouseClick(card.ask.yes_button, Qt.MouseButton.LeftButton)


def test_the_default_is_marked_and_others_can_become_it(qtbot: QtBot, card: ModelCard) -> None:
    with qtbot.waitSignal(card.default_requested):
        qtbot.mouseClick(card.default_button, Qt.MouseButton.LeftButton)
    show(card, ModelStatus("A", "A"), is_default=True)
    assert card.default_pill.isVisible()
    assert not card.default_button.isVisible()


def test_a_model_of_a_server_has_no_files_to_check_or_remove(card: ModelCard) -> None:
    show(card, ModelStatus("gpu/a", "a", server="gpu"))
    enabled = {name for name, action in card.actions_of.items() if action.isEnabled()}
    assert enabled == {"chat"}
    assert "on the server gpu" in card.facts.text()


@pytest.mark.parametrize(
    ("quantization", "words"),
    [
        ("4-bit", "4-bit weights"),
        ("4 to 8-bit", "4 to 8-bit weights"),
        ("q4f16_1", "4-bit weights"),
        ("Q5_K_M", "5-bit weights"),
        ("q0f16", "16-bit weights"),
        ("F32", "32-bit weights"),
        ("bf16", "16-bit weights"),
        ("odd", "odd weights"),
        ("", ""),
    ],
)
def test_a_quantization_is_told_in_plain_words(quantization: str, words: str) -> None:
    assert weights_text(quantization) == words


def test_facts_and_memory_are_told_apart() -> None:
    status = ModelStatus(
        "A",
        "A",
        "4-bit",
        state="ready",
        size_bytes=95_000_000,
        memory_bytes=1_170_000_000,
        device="CPU, AVX512-VNNI, 2 threads",
        context_window=8192,
        idle_since=1_000_000.0,
    )
    assert facts_text(status) == "95 MB on disk · 4-bit weights · 8,192 tokens of context"
    told = loaded_text(status, 30)
    assert told.startswith("Up to 1.2 GB in memory · CPU, AVX512-VNNI, 2 threads · unused since ")
    assert told.endswith(f"unloads at {clock_text(1_000_000.0 + 1800)}")
    assert idle_text(1_000_000.0, 0).endswith("stays loaded")
    assert loaded_text(ModelStatus("A", "A"), 30) == ""
