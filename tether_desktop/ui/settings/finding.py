"""Finding a setting by any of its words."""

from __future__ import annotations

from dataclasses import dataclass

from tether_desktop.ui.commands import COMMANDS
from tether_desktop.ui.settings.page_table import PAGES, page_of, page_words
from tether_desktop.ui.settings.setting_words import description_of, title_of


@dataclass(frozen=True, slots=True)
class Place:
    """Something that is in the settings.

    Attributes:
        title: what it is called.
        about: what it is for.
        page: the name of its page.
        row: its row of the settings table; empty for what is none.
        words: all that it can be found by, in small letters.
    """

    title: str
    about: str
    page: str
    row: str
    words: str


def places() -> list[Place]:
    """All that can be found, in the order of the pages, in the language that is on."""
    from tether_desktop.settings import setting_rows

    found = [
        _place(
            title_of(row), description_of(row), page_of(row.name).name, row.name, f"{row.name} {row.env} {row.title}"
        )
        for row in setting_rows()
    ]
    found += [_place(page_words(each), "", page.name, "", each) for page in PAGES for each in (page.name, *page.others)]
    found += [_place(command.translated, "", "Shortcuts", "", command.title) for command in COMMANDS]
    order = [page.name for page in PAGES]
    return sorted(found, key=lambda place: order.index(place.page))


def matching(query: str, among: list[Place]) -> list[Place]:
    """Those in which all words of a query begin or are; those that are called so come first."""
    wanted = query.casefold().split()
    hits = [place for place in among if all(word in place.words for word in wanted)]
    return sorted(hits, key=lambda place: not all(word in place.title.casefold() for word in wanted))


def _place(title: str, about: str, page: str, row: str, more: str) -> Place:
    words = " ".join((title, about, page_words(page), more)).casefold()
    return Place(title, about, page, row, words)
