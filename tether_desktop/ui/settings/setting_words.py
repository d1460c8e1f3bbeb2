"""What the rows of the settings table say to people, in the language that is on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tether_desktop.ui.translation import mark, translate

if TYPE_CHECKING:
    from tether_desktop.settings import SettingRow

_CHOICES = {
    ("theme", "system"): mark("Settings", "System"),
    ("theme", "light"): mark("Settings", "Light"),
    ("theme", "dark"): mark("Settings", "Dark"),
    ("language", "system"): mark("Settings", "As the system"),
    ("language", "en"): "English",
    ("language", "de"): "Deutsch",
    ("density", "comfortable"): mark("Settings", "Comfortable"),
    ("density", "compact"): mark("Settings", "Compact"),
    ("send_key", "enter"): mark("Settings", "Enter"),
    ("send_key", "ctrl_enter"): mark("Settings", "Ctrl+Enter"),
    ("chat_titles", "model"): mark("Settings", "Found by the model"),
    ("chat_titles", "question"): mark("Settings", "The question's words"),
    ("closing", "ask"): mark("Settings", "Ask once"),
    ("closing", "quit"): mark("Settings", "Ends Tether"),
    ("closing", "background"): mark("Settings", "Leaves it in the tray"),
    ("tool_use", "auto"): mark("Settings", "Automatic"),
    ("tool_use", "on"): mark("Settings", "Always"),
    ("tool_use", "off"): mark("Settings", "Never"),
    ("web_search", "off"): mark("Settings", "Nobody"),
    ("web_search", "brave"): "Brave",
    ("web_search", "tavily"): "Tavily",
    ("web_search", "searxng"): "SearXNG",
}
_ALLOWED = {
    "a whole number": mark("Settings", "a whole number"),
    "a whole number from": mark("Settings", "a whole number from {low}"),
    "a whole number from up to": mark("Settings", "a whole number from {low} up to {high}"),
    "a number": mark("Settings", "a number"),
    "a number from": mark("Settings", "a number from {low}"),
    "a number from up to": mark("Settings", "a number from {low} up to {high}"),
    "a number above": mark("Settings", "a number above {low}"),
    "a number above up to": mark("Settings", "a number above {low} up to {high}"),
    "a text": mark("Settings", "a text"),
}
_LIMITED = re.compile(r"(a .*?number)(?: (from|above) (\S+))?(?: (up to) (\S+))?")
RELOADS = frozenset({"threads", "context_window", "chat_memory"})
"""What a model takes when it is loaded."""
RESTARTS = frozenset({"dist_path", "sqlite_url", "language"})
"""What the program takes when it starts."""


def title_of(row: SettingRow) -> str:
    """The row's title."""
    return translate("Settings", row.title)


def description_of(row: SettingRow) -> str:
    """What the row is for."""
    return translate("Settings", row.description)


def choice_words(name: str, choice: str) -> str:
    """How a choice of a row is called."""
    return translate("Settings", _CHOICES.get((name, choice), choice.capitalize()))


def allowed_words(row: SettingRow) -> str:
    """Which values a row takes: "a number from 0 up to 5"."""
    match = _LIMITED.fullmatch(row.allowed)
    if match is None:
        return translate("Settings", row.allowed)
    kind, above, low, up_to, high = match.groups()
    words = " ".join(filter(None, (kind, above, up_to)))
    return translate("Settings", _ALLOWED.get(words, row.allowed)).format(low=low, high=high)


def when_it_holds(name: str) -> str:
    """When a row's new value holds; empty where it does at once."""
    if name in RELOADS:
        return translate("Settings", "Holds for models that are loaded from now on.")
    return translate("Settings", "Holds when Tether is started again.") if name in RESTARTS else ""


def shown(value: object) -> str:
    """A value as a person types it."""
    return f"{value:g}" if isinstance(value, float) else str(value)
