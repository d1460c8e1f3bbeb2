"""Makes the pages of the settings: each one's modules are read when it is first turned to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tether_desktop.ui.settings.settings_page import SettingsPage

if TYPE_CHECKING:
    from tether_desktop.settings import Settings


def make_page(name: str, settings: Settings) -> SettingsPage:
    """A page; KeyError when there is none of that name."""
    return _MAKERS[name](settings)


def _general(settings: Settings) -> SettingsPage:
    from tether_desktop.ui.settings.general_page import GeneralPage

    return GeneralPage(settings)


def _appearance(settings: Settings) -> SettingsPage:
    from tether_desktop.ui.settings.appearance_page import AppearancePage

    return AppearancePage(settings)


def _answers(settings: Settings) -> SettingsPage:
    from tether_desktop.ui.settings.answers_page import AnswersPage

    return AnswersPage(settings)


def _personas(settings: Settings) -> SettingsPage:
    from tether_desktop.ui.settings.personas_page import PersonasPage

    return PersonasPage(settings)


def _tools(settings: Settings) -> SettingsPage:
    from tether_desktop.ui.tools.tools_page import ToolsPage

    return ToolsPage(settings)


def _servers(_settings: Settings) -> SettingsPage:
    from tether_desktop.ui.tools.servers_page import ServersPage

    return ServersPage()


def _port(settings: Settings) -> SettingsPage:
    from tether_desktop.ui.port.port_page import PortPage

    return PortPage(settings)


def _data(settings: Settings) -> SettingsPage:
    from tether_desktop.ui.settings.data_page import DataPage

    return DataPage(settings)


def _shortcuts(settings: Settings) -> SettingsPage:
    from tether_desktop.ui.settings.shortcuts_page import ShortcutsPage

    return ShortcutsPage(settings)


def _about(_settings: Settings) -> SettingsPage:
    from tether_desktop.ui.settings.about_page import AboutPage

    return AboutPage()


_MAKERS: dict[str, Callable[[Settings], SettingsPage]] = {
    "General": _general,
    "Appearance": _appearance,
    "Models and answers": _answers,
    "Personas": _personas,
    "Tools": _tools,
    "MCP servers": _servers,
    "Local port": _port,
    "Data": _data,
    "Shortcuts": _shortcuts,
    "About": _about,
}
