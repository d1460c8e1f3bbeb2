"""The tools that come with the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tether_desktop.settings import Settings
from tether_desktop.tools.builtin.calculator import calculate
from tether_desktop.tools.builtin.chosen_folders import ChosenFolders
from tether_desktop.tools.builtin.conversation_search import ConversationSearch, SearchConversations
from tether_desktop.tools.builtin.file_tools import FileTools
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
        self._always: tuple[Tool, ...] = (
            function_tool(current_time, title="Time in a place", permission="always"),
            function_tool(convert_time, title="Time elsewhere", permission="always"),
            function_tool(calculate, title="Calculator", permission="always"),
            function_tool(ConversationSearch(search).search_conversations, title="Search my conversations"),
        )

        files = FileTools(lambda: ChosenFolders(settings().tool_folders))
        self._for_files: tuple[Tool, ...] = (
            function_tool(files.list_files, title="List my files"),
            function_tool(files.read_file, title="Read a file of mine"),
            function_tool(files.search_files, title="Search my files"),
        )

    def tools(self) -> Sequence[Tool]:
        """Those that the settings allow now."""
        return (*self._always, *(self._for_files if self._settings().tool_folders.strip() else ()))

    async def close(self) -> None:
        """End everything that runs; idempotent."""
