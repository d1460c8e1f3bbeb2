"""The page of models as a frame: its tabs, the way back, and sizes that nothing is cut off at."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tests.helpers.installations import DOWNLOADING, OFFERS
from tether_desktop.ui.models.add_tab import AddTab
from tether_desktop.ui.models.answer_pane import Manner
from tether_desktop.ui.models.compare_tab import CompareTab
from tether_desktop.ui.models.here_tab import HereTab
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.models.models_page import TABS, ModelsPage
from tether_desktop.ui.models.side_answer import SideAnswer
from tether_desktop.ui.models.speed_tab import SpeedTab

MODELS = [
    ModelStatus("A", "A model with quite a long name Instruct", "4-bit", size_bytes=5_000_000, fit="tight"),
    ModelStatus("B", "B", usable=False, reason="Its weights are not prepared yet.", preparable=True),
]


@pytest.fixture
def page(qtbot: QtBot) -> ModelsPage:
    page = ModelsPage()
    qtbot.addWidget(page)
    here, add = HereTab(lambda _: None, lambda _: None), AddTab()
    compare, speed = CompareTab(), SpeedTab()
    for tab, inside in zip(TABS, (here, add, compare, speed), strict=True):
        page.put(tab, inside)
    here.show_models(MODELS, default="A", idle_minutes=30, origins={})
    here.show_installations([DOWNLOADING])
    add.form.show_offers(OFFERS)
    compare.show_manners([Manner("As set"), Manner("Precisely")])
    compare.show_models(MODELS, "A")
    compare.panes[0].show_answer(SideAnswer("done", "x", "A long answer. " * 40))
    speed.show_models(MODELS)
    page.resize(430, 388)
    page.show()
    return page


def widgets(page: QWidget, *kinds: type[QWidget]) -> Sequence[QWidget]:
    return [each for kind in kinds for each in page.findChildren(kind) if each.isVisible()]


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("width", [430, 930])
def test_nothing_is_cut_off_or_on_top_of_another(page: ModelsPage, tab: str, width: int) -> None:
    page.resize(width, 388)
    page.turn_to(tab)  # type: ignore[arg-type]  # parametrized
    for _ in range(5):
        QApplication.processEvents()
    assert page.width() == width
    for button in widgets(page, QPushButton):
        assert button.width() >= button.minimumSizeHint().width(), button
    for label in widgets(page, QLabel):
        assert isinstance(label, QLabel)
        needed = label.heightForWidth(label.width()) if label.wordWrap() else label.minimumSizeHint().height()
        assert label.height() >= needed, label.text()


def test_tabs_are_turned_by_keyboard_and_escape_leaves(qtbot: QtBot, page: ModelsPage) -> None:
    page.tabs.setFocus()
    with qtbot.waitSignal(page.turned) as turned:
        qtbot.keyClick(page.tabs, Qt.Key.Key_Right)
    assert turned.args == ["add"]
    with qtbot.waitSignal(page.left):
        qtbot.keyClick(page.tabs, Qt.Key.Key_Escape)
    with qtbot.waitSignal(page.left):
        page.back_button.click()


def test_only_one_model_is_compared_with_itself_in_another_manner(page: ModelsPage) -> None:
    first, second = page.findChildren(CompareTab)[0].panes
    assert first.model == second.model == "A"
    assert (first.manner.name, second.manner.name) == ("As set", "Precisely")
