"""What a speed means, in a sentence, and the chart that says the same to eyes and ears."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from tether_desktop.protocol.speed_test import SpeedResult
from tether_desktop.ui.look import theme
from tether_desktop.ui.models.model_care import Care
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.models.speed_chart import Bar, SpeedChart
from tether_desktop.ui.models.speed_tab import SpeedTab
from tether_desktop.ui.models.speed_words import details, rate_text, verdict

RESULT = SpeedResult("A-q4_1t16-MLC", datetime(2026, 1, 2, tzinfo=UTC), "CPU, 2 threads", 650.0, 6.0, 5.0, 9, 1.25)


@pytest.mark.parametrize(
    ("rate", "sentence"),
    [
        (1.0, "Answers more slowly than you read."),
        (6.0, "Answers about as fast as you read."),
        (20.0, "Answers faster than you read."),
        (90.0, "Answers much faster than you read."),
    ],
)
def test_a_speed_is_compared_with_reading(rate: float, sentence: str) -> None:
    assert verdict(replace(RESULT, decode_rate=rate)).startswith(sentence)


@pytest.mark.parametrize(
    ("rate", "sentence"),
    [
        (1500.0, "Takes about a second to read a page."),
        (65.0, "Takes about 10 seconds to read a page."),
        (4.0, "Takes about 3 minutes to read a page."),
        (0.0, ""),
    ],
)
def test_reading_a_page_is_told_in_time(rate: float, sentence: str) -> None:
    assert verdict(replace(RESULT, prefill_rate=rate)).endswith(sentence or "you read.")


def test_figures_are_short() -> None:
    assert (rate_text(4.23), rate_text(87.4), rate_text(1483)) == ("4.2 tokens/s", "87 tokens/s", "1,483 tokens/s")
    assert details(RESULT) == (
        "Reading 650 tokens/s · writing 6.0 tokens/s · after 512 tokens 5.0 tokens/s · loaded in 1.3 s"
    )


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
@pytest.mark.parametrize("choice", ["light", "dark"])
def test_a_bar_is_as_long_as_its_value_and_begins_where_reading_does(
    qtbot: QtBot, look: theme.Appearance, choice: theme.ThemeChoice, direction: Qt.LayoutDirection
) -> None:
    look.choose(choice)
    chart = SpeedChart("Speeds")
    qtbot.addWidget(chart)
    chart.setLayoutDirection(direction)
    chart.show_bars([Bar("All", "10", 10.0), Bar("Half", "5", 5.0, marked=False)])
    chart.resize(200, chart.sizeHint().height())
    picture = chart.grab().toImage()
    accent, other = (QColor(theme.active().color(name)) for name in ("accent", "border_strong"))
    colors = [[picture.pixelColor(x, y) for x in range(4, 196)] for y in range(picture.height())]
    assert max(row.count(accent) for row in colors) == 192
    half = max(colors, key=lambda row: row.count(other))
    assert half.count(other) == pytest.approx(96, abs=4)
    begins = half.index(other) < 10
    assert begins == (direction == Qt.LayoutDirection.LeftToRight)


def test_a_chart_is_heard(qtbot: QtBot) -> None:
    chart = SpeedChart("Speeds")
    qtbot.addWidget(chart)
    assert chart.accessibleName() == "Speeds"
    chart.show_bars([Bar("A", "10 tokens/s", 10.0), Bar("B", "5 tokens/s", 5.0)])
    assert chart.accessibleName() == "Speeds. A: 10 tokens/s. B: 5 tokens/s"


def test_results_of_the_chosen_model_are_told_and_its_earlier_ones_compared(qtbot: QtBot) -> None:
    tab = SpeedTab()
    qtbot.addWidget(tab)
    tab.show()
    assert not tab.button.isEnabled()
    models = [ModelStatus(RESULT.model, "A", "4-bit"), ModelStatus("B", "B"), ModelStatus("gpu/c", "C", server="gpu")]
    tab.show_models(models)
    assert [tab.model_box.itemText(at) for at in range(tab.model_box.count())] == ["A · 4-bit", "B"]
    assert tab.verdict.text() == "Not measured yet"
    faster = replace(RESULT, decode_rate=30.0, measured=datetime(2026, 2, 1, tzinfo=UTC))
    tab.show_results([RESULT, faster, replace(RESULT, model="B")])
    assert tab.verdict.text().startswith("Answers faster than you read.")
    assert [bar.name for bar in tab.models_chart.bars] == ["A · 4-bit", "B"]
    assert [bar.value for bar in tab.earlier_chart.bars] == [30.0, 6.0]
    tab.choose("B")
    assert not tab.earlier_chart.isVisible()
    tab.show_models(models[:1])
    assert tab.model == RESULT.model


def test_a_measurement_that_goes_on_can_be_stopped(qtbot: QtBot) -> None:
    tab = SpeedTab()
    qtbot.addWidget(tab)
    tab.show()
    tab.show_models([ModelStatus("B", "B")])
    with qtbot.waitSignal(tab.measure_requested) as asked:
        tab.button.click()
    assert asked.args == ["B"]
    tab.show_care(Care("measuring", "measuring", 0.5))
    assert (tab.bar.value(), tab.button.text()) == (500, "Stop")
    with qtbot.waitSignal(tab.stop_requested):
        tab.button.click()
