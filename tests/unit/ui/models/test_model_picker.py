"""The model picker: every state of every model, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from tether_desktop.errors import EngineDied
from tether_desktop.ui.models.model_picker import MAX_POPUP_WIDTH, ModelPicker
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.models.model_words import detail_text, state_text

TINY = ModelStatus("Tiny-q4_1-MLC", "Tiny", "q4_1", size_bytes=95_000_000, context_window=2048)
BIG = replace(TINY, name="Big", title="Big", size_bytes=4_900_000_000)
ASKING = ModelStatus("Foreign", "Foreign", usable=False, reason="Not compiled here.", asks_first=True)
SOURCE = ModelStatus(
    "Raw.gguf", "Raw", usable=False, reason="Not prepared yet.", remedy="Run a command.", preparable=True
)
BROKEN = ModelStatus("Bad", "Bad", usable=False, reason="A file is missing.", remedy="Add it again.")


@pytest.fixture
def picker(qtbot: QtBot) -> Iterator[ModelPicker]:
    widget = ModelPicker()
    qtbot.addWidget(widget)
    widget.show_models([TINY, BIG, BROKEN], TINY.name)
    widget.show()
    yield widget
    widget.popup.close()
    widget.close()


def texts(picker: ModelPicker, name: str) -> str:
    row = picker.popup.row(name)
    return f"{row.accessibleName()} | {row.accessibleDescription()}"


def test_the_button_names_the_model(picker: ModelPicker) -> None:
    assert picker.text() == "Tiny · q4_1"
    assert "Tiny" in picker.accessibleName()
    picker.show_models([], "")
    assert picker.text() == "No model"


def test_the_button_shows_the_progress_of_loading(picker: ModelPicker) -> None:
    picker.show_models([replace(TINY, state="loading", progress=0.42)], TINY.name)
    assert "42 %" in picker.text()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (TINY, "not loaded"),
        (replace(TINY, state="loading"), "loading"),
        (replace(TINY, state="loading", progress=0.5), "loading 50 %"),
        (replace(TINY, state="ready"), "ready"),
        (replace(TINY, state="busy"), "answering"),
        (replace(TINY, state="failed"), "failed"),
        (BROKEN, "not usable"),
        (ASKING, "asks first"),
        (SOURCE, "not prepared"),
    ],
)
def test_every_state_has_a_word(status: ModelStatus, text: str) -> None:
    assert state_text(status) == text


def test_the_detail_tells_size_then_memory_and_device(picker: ModelPicker) -> None:
    assert detail_text(TINY) == "95 MB on disk · 2,048 tokens"
    loaded = replace(TINY, state="ready", memory_bytes=118_000_000, device="CPU, 2 threads")
    assert detail_text(loaded) == "up to 118 MB in memory · CPU, 2 threads · 2,048 tokens"


def test_a_model_that_cannot_be_used_says_why_and_what_to_do(qtbot: QtBot, picker: ModelPicker) -> None:
    picker.open_popup()
    assert "A file is missing. Add it again." in texts(picker, "Bad")
    with qtbot.assertNotEmitted(picker.chosen):
        qtbot.mouseClick(picker.popup.row("Bad"), Qt.MouseButton.LeftButton)
    assert not picker.popup.row("Bad").button.isVisible()


@pytest.mark.parametrize("part", ["row", "button", "keyboard"])
def test_a_model_whose_library_nobody_allowed_asks_for_it(qtbot: QtBot, picker: ModelPicker, part: str) -> None:
    picker.show_models([TINY, ASKING], TINY.name)
    picker.open_popup()
    row = picker.popup.row("Foreign")
    assert row.button.text() == "Allow…"
    with qtbot.assertNotEmitted(picker.chosen), qtbot.waitSignal(picker.permission_requested) as asked:
        if part == "keyboard":
            qtbot.keyClick(row, Qt.Key.Key_Return)
        else:
            qtbot.mouseClick(row if part == "row" else row.button, Qt.MouseButton.LeftButton)
    assert asked.args == ["Foreign"]
    assert not picker.popup.isVisible()


def test_a_model_that_is_not_prepared_can_be_by_its_button_alone(qtbot: QtBot, picker: ModelPicker) -> None:
    picker.show_models([TINY, SOURCE], TINY.name)
    picker.open_popup()
    row = picker.popup.row("Raw.gguf")
    assert (row.button.text(), row.accessibleDescription()) == ("Prepare", "Not prepared yet.")
    with qtbot.assertNotEmitted(picker.chosen), qtbot.assertNotEmitted(picker.prepare_requested):
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(picker.prepare_requested) as asked:
        qtbot.mouseClick(row.button, Qt.MouseButton.LeftButton)
    assert asked.args == ["Raw.gguf"]
    assert not picker.popup.isVisible()


def test_another_model_can_be_added_from_the_foot_of_the_list(qtbot: QtBot, picker: ModelPicker) -> None:
    picker.show_models([replace(TINY, name=str(number)) for number in range(30)], "")
    picker.open_popup()
    assert picker.popup.rect().contains(picker.popup.add_button.geometry()), "however long the list is"
    with qtbot.waitSignal(picker.add_requested):
        qtbot.mouseClick(picker.popup.add_button, Qt.MouseButton.LeftButton)
    assert not picker.popup.isVisible()


@pytest.mark.parametrize(
    ("status", "fit"),
    [
        (replace(TINY, fit="tight"), "tight"),
        (replace(TINY, fit="will_not_fit", state="failed"), "will_not_fit"),
        (replace(TINY, fit="fits", state="loading"), ""),
        (replace(TINY, fit="will_not_fit", state="ready"), ""),
        (replace(BROKEN, fit="fits"), ""),
        (TINY, ""),
    ],
)
def test_whether_it_fits_is_told_of_models_that_could_be_loaded(
    picker: ModelPicker, status: ModelStatus, fit: str
) -> None:
    picker.show_models([status], "")
    picker.open_popup()
    row = picker.popup.row(status.name)
    assert row.pill.isVisible() == bool(fit)
    assert row.pill.fit == fit
    assert ("Memory: " in row.accessibleDescription()) == bool(fit)


def test_what_a_model_calls_itself_is_shown_and_not_interpreted(picker: ModelPicker) -> None:
    evil = "<img src='x'><h1>Hello"
    picker.show_models([replace(BROKEN, title=evil, quantization="<b>", reason=evil)], "")
    labels = {label.text(): label for label in picker.popup.row("Bad").findChildren(QLabel)}
    title = "<b>&lt;img src=&#x27;x&#x27;&gt;&lt;h1&gt;Hello</b> · &lt;b&gt;"
    assert title in labels
    assert labels[f"{evil} Add it again."].textFormat() is Qt.TextFormat.PlainText


def test_a_failed_load_says_why(picker: ModelPicker) -> None:
    error = EngineDied("Gone", "Too little memory.", "Close something.")
    picker.show_models([replace(TINY, state="failed", error=error)], TINY.name)
    assert "Too little memory. Close something." in texts(picker, TINY.name)


def test_a_click_on_a_row_chooses_it_and_closes_the_list(qtbot: QtBot, picker: ModelPicker) -> None:
    with qtbot.waitSignal(picker.opened):
        qtbot.mouseClick(picker, Qt.MouseButton.LeftButton)
    assert picker.popup.isVisible()
    with qtbot.waitSignal(picker.chosen) as chosen:
        qtbot.mouseClick(picker.popup.row("Big"), Qt.MouseButton.LeftButton)
    assert chosen.args == ["Big"]
    assert not picker.popup.isVisible()


def test_the_keyboard_alone_chooses(qtbot: QtBot, picker: ModelPicker) -> None:
    picker.setFocus()
    qtbot.keyClick(picker, Qt.Key.Key_Space)
    row = picker.popup.row(TINY.name)
    row.setFocus()
    qtbot.keyClick(row, Qt.Key.Key_Return)
    assert not picker.popup.isVisible()
    picker.open_popup()
    qtbot.keyClick(picker.popup, Qt.Key.Key_Escape)
    assert not picker.popup.isVisible()


@pytest.mark.parametrize(
    ("state", "label", "signal"),
    [
        ("unloaded", "Load", "load_requested"),
        ("failed", "Retry", "load_requested"),
        ("ready", "Unload", "unload_requested"),
        ("loading", "Cancel", "cancel_requested"),
    ],
)
def test_the_rows_button_fits_the_state(qtbot: QtBot, picker: ModelPicker, state: str, label: str, signal: str) -> None:
    picker.show_models([replace(TINY, state=state)], TINY.name)
    picker.open_popup()
    button: QPushButton = picker.popup.row(TINY.name).button
    assert button.text() == label
    with qtbot.waitSignal(getattr(picker, signal)) as asked:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked.args == [TINY.name]


def test_a_model_that_answers_cannot_be_unloaded(picker: ModelPicker) -> None:
    picker.show_models([replace(TINY, state="busy")], TINY.name)
    picker.open_popup()
    assert not picker.popup.row(TINY.name).button.isVisible()


def test_rows_stay_while_their_states_change_and_go_with_their_model(picker: ModelPicker) -> None:
    row = picker.popup.row(TINY.name)
    picker.show_models([replace(TINY, state="ready"), BROKEN], TINY.name)
    assert picker.popup.row(TINY.name) is row
    assert [shown.status.name for shown in picker.popup.rows] == [TINY.name, "Bad"]
    QApplication.processEvents()


MANY = [replace(TINY, name=f"Model-{number}", title=f"Model {number}") for number in range(12)]


def test_many_models_are_searched_and_chosen_without_the_mouse(qtbot: QtBot, picker: ModelPicker) -> None:
    picker.show_models(MANY, "Model-0")
    picker.open_popup()
    assert picker.popup.search.isVisible()
    assert picker.popup.search.hasFocus()
    qtbot.keyClicks(picker.popup.search, "model 7")
    assert [row.status.name for row in picker.popup.rows] == ["Model-7"]
    with qtbot.waitSignal(picker.chosen) as chosen:
        qtbot.keyClick(picker.popup.search, Qt.Key.Key_Return)
    assert chosen.args == ["Model-7"]
    picker.open_popup()
    assert len(picker.popup.rows) == len(MANY), "the search begins anew"
    qtbot.keyClick(picker.popup.search, Qt.Key.Key_Down)
    assert picker.popup.rows[0].hasFocus()
    qtbot.keyClicks(picker.popup.search, "nothing")
    assert picker.popup.rows == []
    assert "No model is called that." in [label.text() for label in picker.popup.findChildren(QLabel)]


def test_of_many_models_those_chosen_last_come_first(picker: ModelPicker) -> None:
    for name in ("Model-0", "Model-5", "Model-9"):
        picker.show_models(MANY, name)
    picker.show_models([replace(each, state="ready") if each.name == "Model-3" else each for each in MANY], "Model-9")
    names = [row.status.name for row in picker.popup.rows]
    assert names[:4] == ["Model-9", "Model-5", "Model-0", "Model-3"]


def test_few_models_stay_where_they_are_and_need_no_search(picker: ModelPicker) -> None:
    picker.show_models([TINY, BIG], BIG.name)
    picker.open_popup()
    assert not picker.popup.search.isVisible()
    assert [row.status.name for row in picker.popup.rows] == [TINY.name, BIG.name]


def test_the_list_leads_to_the_page_of_models(qtbot: QtBot, picker: ModelPicker) -> None:
    picker.open_popup()
    with qtbot.waitSignal(picker.manage_requested):
        qtbot.mouseClick(picker.popup.manage_button, Qt.MouseButton.LeftButton)
    assert not picker.popup.isVisible()


def test_a_long_name_is_told_in_full_and_widens_the_list(qtbot: QtBot) -> None:
    short = ModelStatus("S", "Short", quantization="q4_1")
    long = ModelStatus("L", "A very long name of a model that somebody has tuned and named", quantization="q4f16_1")
    picker = ModelPicker()
    qtbot.addWidget(picker)
    picker.show_models([short], "S")
    narrow = picker.popup.width()
    picker.show_models([short, long], "L")
    assert narrow < picker.popup.width() <= MAX_POPUP_WIDTH
    assert long.title in picker.toolTip()
    picker.resize(200, picker.height())
    picker.show()
    assert picker.text() == long.label, "it is cut where it is painted alone"
