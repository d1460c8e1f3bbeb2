"""Searches the web, and lets the pages that were found be fetched."""

from __future__ import annotations

from collections.abc import Callable

from tether_desktop.errors import ToolError
from tether_desktop.settings import Settings
from tether_desktop.tools.builtin.search_providers import Brave, FoundPage, SearchProvider, SearXng, Tavily
from tether_desktop.tools.conversation import RESULT_MARK, current_conversation

_LONGEST_QUERY = 400
_MOST_RESULTS = 10


class WebSearch:
    """The tool over whoever searches when it is called."""

    def __init__(self, provider: Callable[[], SearchProvider]) -> None:
        self._provider = provider

    async def web_search(self, query: str, results: int = 5) -> str:
        """Search the web. Read one of the results with fetch_page.

        Args:
            query: a few words, as for any search engine.
            results: how many results, at most 10.
        """
        wanted = " ".join(query.split())
        if not wanted or len(wanted) > _LONGEST_QUERY:
            message = f"The query has to have 1 to {_LONGEST_QUERY} characters."
            raise ToolError("The web cannot be searched", message, "Use a few words.")
        found = await self._provider().search(wanted, min(max(results, 1), _MOST_RESULTS))
        if not found:
            return f"Nothing was found for {wanted!r}. Other words may find more."
        current_conversation().addresses_seen.update(page.url for page in found)
        return "\n\n".join(_entry(number, page) for number, page in enumerate(found, start=1))


def provider_of(settings: Settings) -> SearchProvider | None:
    """Who searches, by the settings; None where nobody was chosen.

    Raises:
        ToolError: the address of the server is none.
    """
    if settings.web_search == "searxng":
        return SearXng(settings.searxng_address) if settings.searxng_address.strip() else None
    providers: dict[str, Callable[[], SearchProvider]] = {"brave": Brave, "tavily": Tavily}
    chosen = providers.get(settings.web_search)
    return chosen() if chosen else None


def _entry(number: int, page: FoundPage) -> str:
    # The number keeps a title from looking like the line with the address.
    return f"{number}. {page.title}\n{RESULT_MARK}{page.url}\n> {page.text}".removesuffix("\n> ")
