"""Two answers side by side, and measured speeds, with a real core and scripted engines."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from tests.helpers.gui import in_gui_loop, until
from tests.helpers.models_window import ModelsWindow, open_models
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.ui.models.compare_tab import CompareTab
from tether_desktop.ui.models.speed_tab import SpeedTab


def click(button: object) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def pair(models: Path) -> None:
    """Two models with different answers."""
    write_scripted_model(models, "Brief", replies=["Yes."])
    write_scripted_model(
        models, "Chatty", replies=[{"match": "wait", "steps": ["Well", {"wait": True}]}, "<think>Hm.</think>Well, yes."]
    )


async def compared(window: ModelsWindow) -> CompareTab:
    window.desk.open()
    window.page.turn_to("compare")
    tab = window.page.findChild(CompareTab)
    assert isinstance(tab, CompareTab)
    await until(lambda: tab.panes[0].manner_box.count() >= 3)
    return tab


@pytest.mark.usefixtures("pair")
@in_gui_loop
async def test_one_question_is_answered_by_two_models_with_their_figures() -> None:
    async with open_models() as window:
        tab = await compared(window)
        first, second = tab.panes
        assert (first.model, second.model) == ("Brief", "Chatty")
        QTest.keyClicks(tab.question, "Is it so?")
        QTest.keyClick(tab.question, Qt.Key.Key_Return)
        await until(lambda: first.figures.text() and second.figures.text())
        assert first.text.body.plain_text() == "Yes."
        assert second.text.body.plain_text() == "Well, yes."
        assert second.text.fold.isVisible()
        assert "First word after" in first.figures.text()
        assert not first.stop_button.isVisible()
        click(second.copy_button)
        assert QGuiApplication.clipboard().text() == "Well, yes."


@pytest.mark.usefixtures("pair")
@in_gui_loop
async def test_one_of_them_is_stopped_and_the_other_goes_on() -> None:
    async with open_models() as window:
        tab = await compared(window)
        QTest.keyClicks(tab.question, "wait for it")
        click(tab.ask_button)
        first, second = tab.panes
        await until(lambda: second.text.body.plain_text() == "Well")
        await until(first.figures.text)
        assert second.stop_button.isVisible()
        click(second.stop_button)
        await until(lambda: second.state.text() == "Stopped")
        assert second.text.body.plain_text() == "Well"
        assert not second.stop_button.isVisible()


@pytest.mark.usefixtures("pair")
@in_gui_loop
async def test_the_same_model_answers_twice_one_after_the_other() -> None:
    async with open_models() as window:
        tab = await compared(window)
        first, second = tab.panes
        second.model_box.setCurrentIndex(second.model_box.findData("Brief"))
        QTest.keyClicks(tab.question, "Is it so?")
        click(tab.ask_button)
        await until(lambda: first.figures.text() and second.figures.text())
        assert first.text.body.plain_text() == second.text.body.plain_text() == "Yes."


@pytest.mark.usefixtures("pair")
@in_gui_loop
async def test_an_answer_that_is_kept_becomes_a_chat() -> None:
    async with open_models() as window:
        tab = await compared(window)
        QTest.keyClicks(tab.question, "Is it so?")
        click(tab.ask_button)
        await until(tab.panes[1].keep_button.isVisible)
        click(tab.panes[1].keep_button)
        await until(lambda: window.kept.calls)
        ((session_id,),) = window.kept.calls
        history = await window.worker.submit(lambda tether: tether.sessions.history(session_id))
        assert [record.message.text for record in history] == ["Is it so?", "Well, yes."]


@in_gui_loop
async def test_a_model_that_fails_is_told_where_its_answer_would_be(models: Path) -> None:
    write_scripted_model(models, "Brief", replies=["Yes."])
    write_scripted_model(models, "Failing", replies=[{"steps": [{"raise": {"title": "No", "message": "It broke."}}]}])
    async with open_models() as window:
        tab = await compared(window)
        QTest.keyClicks(tab.question, "Is it so?")
        click(tab.ask_button)
        await until(lambda: tab.panes[0].figures.text() and tab.panes[1].error.isVisible())
        assert "It broke." in tab.panes[1].error.text()
        assert not tab.panes[1].keep_button.isVisible()


@in_gui_loop
async def test_a_model_is_measured_and_the_result_is_there_at_the_next_start(models: Path) -> None:
    reply = [{"steps": [{"text": "word " * 60}]}]
    write_scripted_model(models, "Steady", replies=reply, prefill=[{"delay": 0.01}], tokens_per_second=2000)
    async with open_models() as window:
        window.desk.open()
        await until(lambda: "Steady" in window.here.cards.rows)
        window.card("Steady").actions_of["measure"].trigger()
        tab = window.page.findChild(SpeedTab)
        assert isinstance(tab, SpeedTab)
        assert tab.model == "Steady"
        assert tab.button.text() == "Stop"
        await until(lambda: tab.models_chart.bars)
        assert tab.verdict.text().startswith("Answers much faster than you read.")
        assert tab.models_chart.accessibleName().startswith("Models, by how fast they write. Steady: ")
    async with open_models() as window:
        window.desk.open()
        window.page.turn_to("speed")
        again = window.page.findChild(SpeedTab)
        assert isinstance(again, SpeedTab)
        await until(lambda: again.models_chart.bars)


@in_gui_loop
async def test_a_measurement_is_stopped(models: Path) -> None:
    write_scripted_model(models, "Endless", replies=[{"steps": ["One two", {"wait": True}]}])
    async with open_models() as window:
        window.desk.open()
        window.page.turn_to("speed")
        tab = window.page.findChild(SpeedTab)
        assert isinstance(tab, SpeedTab)
        click(tab.button)
        await until(lambda: tab.stage.text() == "Reading and writing, six times…")
        click(tab.button)
        await until(lambda: tab.button.text() == "Measure speed")
        assert not tab.bar.isVisible()
        await until(lambda: window.models.current is not None and window.models.current.state == "ready")
