"""Finds earlier conversations for the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tether_desktop.tools.conversation import current_conversation

_MOST = 20
_SHORTEST_WORD = 3
_MOST_WORDS = 6
_WORD = re.compile(r"\w+")
_SPEAKERS = {"user": "the user", "assistant": "the assistant"}


class FoundMessage(Protocol):
    """A message in which something was found; the store's own record is one."""

    @property
    def title(self) -> str:
        """Of its conversation; empty where it has none."""
        ...

    @property
    def message_id(self) -> str:
        """Its identity."""
        ...

    @property
    def role(self) -> str:
        """Who said it."""
        ...

    @property
    def created_at(self) -> datetime:
        """When; an aware time."""
        ...

    @property
    def excerpt(self) -> str:
        """The text around what was found."""
        ...


class SearchConversations(Protocol):
    """Searches what was said, newest first; may take a while, and is called in a thread."""

    def __call__(self, query: str, limit: int, *, except_session: str = "") -> Sequence[FoundMessage]:
        """Messages that have the query in their visible text."""
        ...


class ConversationSearch:
    """The tool over a way to search."""

    def __init__(self, search: SearchConversations) -> None:
        self._search = search

    def search_conversations(self, query: str, limit: int = 5) -> str:
        """Search the user's earlier conversations with you for something that was said.

        Args:
            query: a word or a short phrase, as it was said.
            limit: how many results, at most 20.
        """
        most = min(max(limit, 1), _MOST)
        # What was said in this conversation the model has before it, and the question that led here would be found.
        here = current_conversation().session_id
        if found := self._search(query, most, except_session=here):
            return _listed(f"Earlier messages with {query!r}, newest first:", found)
        words = _words(query)
        if len(words) > 1 and (found := self._by_words(words, most, here)):
            return _listed(f"No message has {query!r} as a whole. These have words of it, the most first:", found)
        return f"No earlier message has {query!r} in it. A single word finds more."

    def _by_words(self, words: list[str], most: int, here: str) -> list[FoundMessage]:
        """Messages with any of the words: those that were found for most of them first, then the newest."""
        found: dict[str, FoundMessage] = {}
        counts: dict[str, int] = {}
        for word in words:
            for each in self._search(word, _MOST, except_session=here):
                found[each.message_id] = each
                counts[each.message_id] = counts.get(each.message_id, 0) + 1
        best = sorted(found.values(), key=lambda each: (counts[each.message_id], each.created_at), reverse=True)
        return best[:most]


def _words(query: str) -> list[str]:
    words = [word for word in _WORD.findall(query.casefold()) if len(word) >= _SHORTEST_WORD]
    return list(dict.fromkeys(words))[:_MOST_WORDS]


def _listed(heading: str, found: Sequence[FoundMessage]) -> str:
    return "\n\n".join([heading, *map(_entry, found)])


def _entry(found: FoundMessage) -> str:
    day = found.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    who = _SPEAKERS.get(found.role, found.role)
    return f"{day}, {who} in {found.title or 'a conversation without a title'!r}:\n{found.excerpt}"
