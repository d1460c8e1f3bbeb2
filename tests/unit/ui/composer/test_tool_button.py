"""The composer's tools: the menu, and the call that one question demands."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from tether_desktop.messages import ToolChoice
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.ui.composer.composer import Composer
from tether_desktop.ui.composer.tool_button import NO_TOOLS
from tether_desktop.ui.composer.tool_mode import ToolMode, tool_use
from tether_desktop.ui.tools.tool_facts import ToolFacts

TIME = ToolFacts("time", "Time in a place", "Built in")
READ = ToolFacts("read", "Read & search", "Built in")
OFF = ToolFacts("off", "Switched off", "Built in", enabled=False)
NEVER = ToolFacts("never", "Never", "Built in", permission="never")


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    made = Composer()
    qtbot.addWidget(made)
    made.show()
    made.set_tools({tool.name: tool for tool in (TIME, READ, OFF, NEVER)})
    return made


def demands(menu: QMenu) -> dict[str, QAction]:
    (submenu,) = [action.menu() for action in menu.actions() if action.menu() is not None]
    assert isinstance(submenu, QMenu)
    return {action.text(): action for action in submenu.actions() if action.text()}


def demand(composer: Composer, text: str) -> None:
    menu = composer.tool_button.menu_now()
    demands(menu)[text].trigger()
    menu.deleteLater()


def test_without_tools_the_button_is_off_and_says_why(qtbot: QtBot) -> None:
    composer = Composer()
    qtbot.addWidget(composer)
    assert not composer.tool_button.isEnabled()
    assert composer.tool_button.accessibleName() == NO_TOOLS


def test_the_menu_names_what_holds_and_what_can_be_demanded(composer: Composer) -> None:
    menu = composer.tool_button.menu_now()
    modes = [action for action in menu.actions() if action.isCheckable()]
    assert [(action.text(), action.isChecked()) for action in modes] == [
        ("Tools as the settings say", True),
        ("Tools on for this chat", False),
        ("Tools off for this chat", False),
    ]
    assert list(demands(menu)) == ["Any tool (it must use one)", "Read && search", "Time in a place"]
    menu.deleteLater()


def test_another_mode_is_asked_for(qtbot: QtBot, composer: Composer) -> None:
    menu = composer.tool_button.menu_now()
    with qtbot.waitSignal(composer.tool_mode_chosen) as chosen:
        menu.actions()[2].trigger()
    assert chosen.args == ["off"]
    menu.deleteLater()


def test_a_demanded_tool_is_a_chip_that_can_be_taken_off(qtbot: QtBot, composer: Composer) -> None:
    demand(composer, "Time in a place")
    assert composer.demand == ToolChoice("named", "time")
    assert composer.demand_chip.isVisible()
    assert composer.demand_chip.label.text() == "Must use: Time in a place"
    qtbot.mouseClick(composer.demand_chip.remove_button, Qt.MouseButton.LeftButton)
    assert composer.demand is None
    assert not composer.demand_chip.isVisible()


def test_any_tool_can_be_demanded(composer: Composer) -> None:
    demand(composer, "Any tool (it must use one)")
    assert composer.demand == ToolChoice("required")


def test_a_demand_goes_with_its_tool(composer: Composer) -> None:
    demand(composer, "Time in a place")
    composer.set_tools({"read": READ})
    assert composer.demand is None
    demand(composer, "Any tool (it must use one)")
    composer.set_tools({})
    assert composer.demand is None


@pytest.mark.parametrize(
    ("mode", "choice"),
    [("settings", None), ("on", ToolChoice("auto")), ("off", ToolChoice("none"))],
)
def test_the_mode_decides_unless_a_question_demands_more(mode: ToolMode, choice: ToolChoice | None) -> None:
    assert tool_use(mode) == ToolUse(choice, attended=True)
    assert tool_use(mode, ToolChoice("required")) == ToolUse(ToolChoice("required"), attended=True)
