"""The pages of the settings: their names, and which rows of the settings table each has."""

from __future__ import annotations

from dataclasses import dataclass

from tether_desktop.ui.translation import mark, translate


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under a heading; an empty one is none."""

    heading: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A page.

    Attributes:
        name: what it is called, to be translated: :attr:`translated`.
        icon: its Lucide name.
        groups: its rows of the settings table.
        others: what else can be found there, to be translated like the name.
    """

    name: str
    icon: str
    groups: tuple[Group, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def translated(self) -> str:
        """The name in the language that is on."""
        return page_words(self.name)

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of all its rows."""
        return tuple(name for group in self.groups for name in group.rows)


def page_words(text: str) -> str:
    """A name or a heading in the language that is on."""
    return translate("SettingsPages", text)


PAGES = (
    PageFacts(
        mark("SettingsPages", "General"),
        "settings",
        (
            Group("", ("language", "chat_titles", "send_key")),
            Group(mark("SettingsPages", "Among other programs"), ("closing", "notifications", "quick_window")),
        ),
    ),
    PageFacts(
        mark("SettingsPages", "Appearance"),
        "sun",
        (Group("", ("theme", "text_size", "density", "reduced_motion")),),
    ),
    PageFacts(
        mark("SettingsPages", "Models and answers"),
        "cpu",
        (
            Group("", ("default_model", "system_prompt")),
            Group(mark("SettingsPages", "Answers"), ("max_tokens", "thinking", "thinking_limit", "history_summary")),
            Group(mark("SettingsPages", "Sampling"), ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")),
            Group(
                mark("SettingsPages", "Memory and speed"),
                ("context_window", "threads", "chat_memory", "loaded_models", "idle_minutes"),
            ),
        ),
    ),
    PageFacts(mark("SettingsPages", "Personas"), "user-round", others=(mark("SettingsPages", "Add a persona"),)),
    PageFacts(
        mark("SettingsPages", "Tools"),
        "wrench",
        (
            Group("", ("tool_use", "internet_tools", "web_search", "searxng_address")),
            Group(mark("SettingsPages", "Limits"), ("tool_rounds", "tool_timeout", "tool_folders")),
        ),
        (mark("SettingsPages", "Your own tools"), mark("SettingsPages", "Ask again for every tool")),
    ),
    PageFacts(
        mark("SettingsPages", "MCP servers"),
        "server",
        others=(mark("SettingsPages", "Add a server"), mark("SettingsPages", "Paste JSON of servers")),
    ),
    PageFacts(
        mark("SettingsPages", "Local port"),
        "plug",
        (
            Group("", ("serve", "port", "lan_access")),
            Group(mark("SettingsPages", "More"), ("host", "host_names", "cors_origins", "requests_per_minute")),
        ),
        (mark("SettingsPages", "Token"), mark("SettingsPages", "Requests")),
    ),
    PageFacts(
        mark("SettingsPages", "Data"),
        "hard-drive",
        (
            Group(mark("SettingsPages", "Bin"), ("bin_days",)),
            Group(mark("SettingsPages", "Other places"), ("dist_path", "sqlite_url")),
        ),
        (
            mark("SettingsPages", "Back up"),
            mark("SettingsPages", "Export all chats"),
            mark("SettingsPages", "Import chats"),
            mark("SettingsPages", "Empty bin"),
            mark("SettingsPages", "Erase all chats"),
            mark("SettingsPages", "Where everything lies"),
        ),
    ),
    PageFacts(mark("SettingsPages", "Shortcuts"), "keyboard", (Group("", ("shortcuts",)),)),
    PageFacts(
        mark("SettingsPages", "About"),
        "info",
        others=(
            mark("SettingsPages", "Version"),
            mark("SettingsPages", "Licences"),
            mark("SettingsPages", "Copy diagnostics"),
            mark("SettingsPages", "Show the tour again"),
        ),
    ),
)
"""All pages, in their order."""

PAGE_NAMES = tuple(page.name for page in PAGES)


def page_of(row: str) -> PageFacts:
    """The page that has a row of the settings table; StopIteration when none has."""
    return next(page for page in PAGES if row in page.rows)


def page_named(name: str) -> PageFacts:
    """The page of that name; StopIteration when there is none."""
    return next(page for page in PAGES if page.name == name)
