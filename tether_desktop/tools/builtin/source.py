"""The tools that come with the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tether_desktop.errors import ToolError
from tether_desktop.settings import Settings
from tether_desktop.tools.builtin.calculator import calculate
from tether_desktop.tools.builtin.chosen_folders import ChosenFolders
from tether_desktop.tools.builtin.conversation_search import ConversationSearch, SearchConversations
from tether_desktop.tools.builtin.file_tools import FileTools
from tether_desktop.tools.builtin.page_client import PageClient
from tether_desktop.tools.builtin.page_tools import PageTools
from tether_desktop.tools.builtin.search_providers import SearchProvider
from tether_desktop.tools.builtin.weather import WeatherTools
from tether_desktop.tools.builtin.web_search import WebSearch, provider_of
from tether_desktop.tools.builtin.world_clock import convert_time, current_time
from tether_desktop.tools.declaration import function_tool
from tether_desktop.tools.tool import Tool


class BuiltinTools:
    """A source of tools; those for files and for the internet are there when the settings allow them."""

    def __init__(self, settings: Callable[[], Settings], search: SearchConversations) -> None:
        """Make the tools.

        Args:
            settings: those that hold now, asked again whenever they matter.
            search: finds earlier messages.
        """
        self._settings = settings
        self._offline = _offline(search)
        self._for_files = _for_files(settings)
        self._internet = _internet()
        self._web_search = function_tool(WebSearch(self._provider).web_search, title="Search the web")

    def tools(self) -> Sequence[Tool]:
        """Those that the settings allow now."""
        settings, offered = self._settings(), [*self._offline]
        if settings.tool_folders.strip():
            offered += self._for_files
        if settings.internet_tools == "on":
            offered += self._internet
            if settings.web_search != "off":
                offered.append(self._web_search)
        return tuple(offered)

    async def close(self) -> None:
        """End everything that runs; nothing does, between calls."""

    def _provider(self) -> SearchProvider:
        if (provider := provider_of(self._settings())) is None:
            message = "Nobody was chosen to search the web, or the address of the SearXNG server is missing."
            raise ToolError("The web cannot be searched", message, "Choose in the settings who searches the web.")
        return provider


def _offline(search: SearchConversations) -> list[Tool]:
    return [
        function_tool(current_time, title="Time in a place", permission="always"),
        function_tool(convert_time, title="Time elsewhere", permission="always"),
        function_tool(calculate, title="Calculator", permission="always"),
        function_tool(ConversationSearch(search).search_conversations, title="Search my conversations"),
    ]


def _for_files(settings: Callable[[], Settings]) -> list[Tool]:
    files = FileTools(lambda: ChosenFolders(settings().tool_folders))
    return [
        function_tool(files.list_files, title="List my files"),
        function_tool(files.read_file, title="Read a file of mine"),
        function_tool(files.search_files, title="Search my files"),
    ]


def _internet() -> list[Tool]:
    pages, weather = PageTools(PageClient()), WeatherTools()
    return [
        function_tool(pages.fetch_page, title="Read a page of the internet"),
        function_tool(weather.weather, title="Weather now"),
        function_tool(weather.weather_forecast, title="Weather forecast"),
    ]
