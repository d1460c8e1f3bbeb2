"""Who searches the web: services with the person's own key, or a SearXNG server."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from tether_desktop import stored_keys
from tether_desktop.errors import ToolError
from tether_desktop.stored_keys import KeyPlace
from tether_desktop.tools.builtin.page_client import parse_url
from tether_desktop.tools.builtin.web_service import WebService

BRAVE_KEY = KeyPlace(
    "Brave Search",
    "https://api.search.brave.com",
    "TETHER_BRAVE_KEY",
    "Give it with `tether tools key brave`, or with the environment variable TETHER_BRAVE_KEY.",
)
TAVILY_KEY = KeyPlace(
    "Tavily",
    "https://api.tavily.com",
    "TETHER_TAVILY_KEY",
    "Give it with `tether tools key tavily`, or with the environment variable TETHER_TAVILY_KEY.",
)

KEYS = {"brave": BRAVE_KEY, "tavily": TAVILY_KEY}
"""Where the keys are kept, by the values of the setting."""

_TAG = re.compile(r"<[^<>]{1,200}>")
_LONGEST_TITLE = 200
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A result: texts in one line each, and an address that can be fetched."""

    title: str
    url: str
    text: str


class SearchProvider(Protocol):
    """Searches the web."""

    async def search(self, query: str, count: int) -> Sequence[FoundPage]:
        """What it finds, the best first.

        Raises:
            ToolError: it cannot be asked.
            SettingsError: its key is missing.
        """
        ...


class Brave:
    """Brave Search, with a key."""

    def __init__(self, url: str = BRAVE_KEY.address) -> None:
        self._service = WebService(BRAVE_KEY.name, url)

    async def search(self, query: str, count: int) -> Sequence[FoundPage]:
        """What it finds, the best first."""
        key = await asyncio.to_thread(stored_keys.read_key, BRAVE_KEY)
        asked = {"q": query, "count": str(count)}
        headers = {"X-Subscription-Token": key.value}
        answer = await self._service.ask("/res/v1/web/search", asked, headers=headers, key=key)
        web = answer.get("web")
        return list(_pages(web.get("results") if isinstance(web, dict) else [], "description"))[:count]


class Tavily:
    """Tavily, with a key."""

    def __init__(self, url: str = TAVILY_KEY.address) -> None:
        self._service = WebService(TAVILY_KEY.name, url)

    async def search(self, query: str, count: int) -> Sequence[FoundPage]:
        """What it finds, the best first."""
        key = await asyncio.to_thread(stored_keys.read_key, TAVILY_KEY)
        body = {"query": query, "max_results": count}
        answer = await self._service.ask("/search", body=body, headers=key.headers(), key=key)
        return list(_pages(answer.get("results"), "content"))[:count]


class SearXng:
    """A SearXNG server, wherever the person says it is: on this computer, too."""

    def __init__(self, address: str) -> None:
        """Prepare.

        Raises:
            ToolError: it is no address.
        """
        self._service = WebService("The SearXNG server", str(parse_url(address)))

    async def search(self, query: str, count: int) -> Sequence[FoundPage]:
        """What it finds, the best first."""
        try:
            answer = await self._service.ask("/search", {"q": query, "format": "json"})
        except ToolError as error:
            if "answers 403" not in error.message:
                raise
            hint = "Allow json under search.formats in the settings of the server."
            raise ToolError(error.title, "The SearXNG server does not answer programs.", hint) from error
        return list(_pages(answer.get("results"), "content"))[:count]


def _pages(results: Any, text_key: str) -> Iterator[FoundPage]:
    """The results that can be used."""
    for each in results if isinstance(results, list) else []:
        if isinstance(each, dict) and (url := _url(each.get("url"))):
            title = _one_line(each.get("title"), _LONGEST_TITLE) or url
            yield FoundPage(title, url, _one_line(each.get(text_key), _LONGEST_TEXT))


def _url(value: Any) -> str:
    try:
        return str(parse_url(value)) if isinstance(value, str) else ""
    except (ToolError, httpx2.InvalidURL):
        return ""


def _one_line(value: Any, longest: int) -> str:
    text = html.unescape(_TAG.sub("", value)) if isinstance(value, str) else ""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest]}…"
