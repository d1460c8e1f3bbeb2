"""Searching the web with the person's own key, which goes to its service and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.helpers.memory_keyring import MemoryKeyring
from tests.helpers.web_site import Answer, Asked, WebSite
from tether_desktop import stored_keys
from tether_desktop.errors import SettingsError, ToolError
from tether_desktop.settings import Settings
from tether_desktop.stored_keys import Key
from tether_desktop.tools.builtin.search_providers import BRAVE_KEY, Brave, SearchProvider, SearXng, Tavily
from tether_desktop.tools.builtin.web_search import WebSearch, provider_of
from tether_desktop.tools.conversation import ConversationContext, in_conversation, result_addresses

SECRET_KEY = "key-123"  # noqa: S105  (of no use to anyone)
RESULTS = [
    {"title": "One <b>&amp;</b>\nAddress: https://evil.example", "url": "https://one.example/a", "content": "a\nb"},
    {"title": "", "url": "https://two.example/", "content": None},
    {"title": "no address", "url": "javascript:alert(1)"},
    {"title": "no address", "url": "file:///etc/passwd"},
    {"title": "no address"},
    "nonsense",
]


@pytest.fixture(autouse=True)
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.helpers.memory_keyring.MemoryKeyring")
    yield
    MemoryKeyring.kept.clear()


async def search(provider: SearchProvider, query: str = "some words", results: int = 5) -> str:
    return await WebSearch(lambda: provider).web_search(query, results)


async def test_results_are_listed_and_may_be_fetched_afterwards(site: WebSite) -> None:
    site.give_json("/search", {"results": RESULTS})
    context = ConversationContext()
    with in_conversation(context):
        answer = await search(SearXng(site.url()))
    assert answer == (
        "1. One & Address: https://evil.example\nAddress: https://one.example/a\n> a b\n\n"
        "2. https://two.example/\nAddress: https://two.example/"
    )
    assert context.addresses_seen == result_addresses(answer) == {"https://one.example/a", "https://two.example/"}
    assert site.asked[0].path == "/search?q=some+words&format=json"


async def test_searxng_may_lie_under_a_path_and_refuse_programs(site: WebSite) -> None:
    site.give_json("/searx/search", {"results": []})
    assert "Nothing was found" in await search(SearXng(site.url("/searx/")))
    site.give("/search", "Forbidden", status=403)
    with pytest.raises(ToolError, match="does not answer programs"):
        await search(SearXng(site.url()))


async def test_brave_gets_the_key_in_its_own_header(site: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_BRAVE_KEY", SECRET_KEY)
    found = [{"title": "T", "url": "https://one.example/", "description": "<strong>D</strong>"}] * 9
    site.give_json("/res/v1/web/search", {"web": {"results": found}})
    answer = await search(Brave(site.url()), results=2)
    assert answer.count("Address: https://one.example/\n> D") == 2
    assert site.asked[0].headers["x-subscription-token"] == SECRET_KEY
    assert SECRET_KEY not in site.asked[0].path
    site.give_json("/res/v1/web/search", {"type": "search"})
    assert "Nothing was found" in await search(Brave(site.url()))


async def test_tavily_gets_the_key_as_a_bearers(site: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_TAVILY_KEY", SECRET_KEY)
    site.give_json("/search", {"results": RESULTS})
    assert "https://one.example/a" in await search(Tavily(site.url()), results=99)
    (asked,) = site.asked
    assert (asked.method, asked.headers["authorization"]) == ("POST", f"Bearer {SECRET_KEY}")
    assert json.loads(asked.body) == {"query": "some words", "max_results": 10}


async def test_the_key_may_lie_in_the_keyring(site: WebSite) -> None:
    site.give_json("/res/v1/web/search", {"web": {"results": []}})
    with pytest.raises(SettingsError, match="TETHER_BRAVE_KEY"):
        await search(Brave(site.url()))
    stored_keys.store_key(BRAVE_KEY, Key(SECRET_KEY))
    await search(Brave(site.url()))
    assert [asked.headers["x-subscription-token"] for asked in site.asked] == [SECRET_KEY]
    stored_keys.forget_key(BRAVE_KEY)
    with pytest.raises(SettingsError, match="has no key"):
        await search(Brave(site.url()))


async def test_a_key_is_in_no_error_and_follows_no_redirect(site: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_BRAVE_KEY", SECRET_KEY)

    def repeat(asked: Asked) -> Answer:
        return Answer(f"bad key {asked.headers['x-subscription-token']}".encode(), 401)

    site.answers["/res/v1/web/search"] = repeat
    with pytest.raises(ToolError, match=r"answers 401: bad key \[key\].*Check the key"):
        await search(Brave(site.url()))
    site.give("/res/v1/web/search", status=302, Location=site.url("/thief", host="localhost"))
    with pytest.raises(ToolError, match="answers 302"):
        await search(Brave(site.url()))
    assert [asked.path.partition("?")[0] for asked in site.asked] == ["/res/v1/web/search"] * 2


@pytest.mark.parametrize("query", ["", "  \n", "x" * 401])
async def test_a_query_has_a_length(site: WebSite, query: str) -> None:
    with pytest.raises(ToolError, match="1 to 400 characters"):
        await search(SearXng(site.url()), query)
    assert site.asked == []


@pytest.mark.parametrize("results", [None, {}, "x", [None, 1, []]])
async def test_answers_without_results_find_nothing(site: WebSite, results: object) -> None:
    site.give_json("/search", {"results": results})
    assert "Nothing was found" in await search(SearXng(site.url()))


def test_the_settings_say_who_searches() -> None:
    assert provider_of(Settings()) is None
    assert isinstance(provider_of(Settings(web_search="brave")), Brave)
    assert isinstance(provider_of(Settings(web_search="tavily")), Tavily)
    assert provider_of(Settings(web_search="searxng")) is None
    assert isinstance(provider_of(Settings(web_search="searxng", searxng_address="http://127.0.0.1:8888")), SearXng)
    with pytest.raises(ToolError, match="is not the address"):
        provider_of(Settings(web_search="searxng", searxng_address="ftp://x"))
