"""A page is read when the person or a search has named it, and not when the model made it up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.web_site import Answer, WebSite
from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin.known_addresses import addresses_in, check_known
from tether_desktop.tools.builtin.page_client import PageClient, parse_url
from tether_desktop.tools.builtin.page_tools import PageTools
from tether_desktop.tools.conversation import ConversationContext, in_conversation


@pytest.fixture
def tools() -> PageTools:
    return PageTools(PageClient(allowed=lambda address: address == "127.0.0.1"))


@pytest.fixture
def typed(site: WebSite) -> Iterator[None]:
    with in_conversation(ConversationContext(texts_by_user=f"Look at {site.url('/')} please, and {site.url('/b')}.")):
        yield


def is_known(url: str, typed: str = "", *seen: str) -> bool:
    try:
        check_known(parse_url(url), ConversationContext("s", typed, set(seen)))
    except ToolError:
        return False
    return True


@pytest.mark.parametrize(
    ("url", "typed"),
    [
        ("https://example.org/a?b=c", "see https://example.org/a?b=c"),
        ("https://example.org/a", "(https://example.org/a)."),
        ("https://example.org/a_(b)", "https://example.org/a_(b)"),
        ("https://example.org", "what is on example.org?"),
        ("https://www.example.org/", "EXAMPLE.org!"),
        ("http://example.org/a/", "https://www.example.org/a#part"),
        ("https://example.org:8443/x", "example.org:8443/x"),
        ("https://xn--mnchen-3ya.de/", "münchen.de"),
        ("https://example.org/%C3%A9", "https://example.org/é"),
        ("https://example.org/a", '<https://example.org/a>, "https://example.org/b"'),
    ],
)
def test_what_the_person_typed_is_known(url: str, typed: str) -> None:
    assert is_known(url, typed)


@pytest.mark.parametrize(
    ("url", "typed"),
    [
        ("https://example.org/", ""),
        ("https://example.org/b", "https://example.org/a"),
        ("https://example.org/a?secret=1", "https://example.org/a"),
        ("https://example.org/a/secret", "https://example.org/a"),
        ("https://secret.example.org/", "https://example.org/"),
        ("https://example.org.evil.example/", "https://example.org/"),
        ("https://example.org:8443/", "https://example.org/"),
        ("https://example.org/", "write to me@example.org"),
        ("https://le.org/", "example.org"),
        ("https://evil.example/", "https://example.org/?u=https://evil.example/"),
    ],
)
def test_what_nobody_typed_is_not_known(url: str, typed: str) -> None:
    assert not is_known(url, typed)


def test_what_a_search_returned_is_known() -> None:
    assert is_known("https://found.example/a", "", "https://found.example/a")
    assert not is_known("https://found.example/b", "", "https://found.example/a", "nonsense", "http://[")


def test_a_long_text_without_addresses_is_looked_through() -> None:
    assert list(addresses_in("a." * 50_000 + " " + "-" * 50_000 + "http://" * 1000)) != []


async def test_an_address_that_the_model_made_up_is_not_asked(tools: PageTools, site: WebSite, typed: None) -> None:
    with pytest.raises(ToolError, match="Neither the user nor a search"):
        await tools.fetch_page(site.url("/?stolen=secret"))
    with in_conversation(ConversationContext()), pytest.raises(ToolError, match="Neither the user"):
        await tools.fetch_page(site.url("/"))
    assert site.asked == []


async def test_a_page_is_given_as_text(tools: PageTools, site: WebSite, typed: None) -> None:
    site.give("/", "<title>Über</title><body><h1>Hi</h1><script>no()</script><p>there</p>")
    assert await tools.fetch_page(site.url("/")) == f"Über\n{site.url('/')}\n\n# Hi\n\nthere"


async def test_a_long_page_comes_in_parts(tools: PageTools, site: WebSite, typed: None) -> None:
    site.give("/", "".join(f"<p>paragraph {number}</p>" for number in range(1500)))
    first, last = await tools.fetch_page(site.url("/")), await tools.fetch_page(site.url("/"), 3)
    assert "Part 1 of 3.\n\nparagraph 0\n" in first
    assert last.endswith("paragraph 1499")
    assert (await tools.fetch_page(site.url("/"), 4)).endswith("The page has 3 parts only.")
    assert await tools.fetch_page(site.url("/"), -1) == first


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("né €".encode("cp1252"), "text/plain; charset=windows-1252", "né €"),
        ("日本".encode("shift_jis"), "text/plain; charset=Shift_JIS", "日本"),
        ("né".encode("latin-1"), "text/plain; charset=unknown", "né"),
        ("né".encode(), "text/plain; charset=hex", "né"),
        (b'<meta charset="iso-8859-2"><p>\xb1', "text/html", "ą"),
        ("<p>né".encode("utf-8-sig"), "text/html", "né"),
        (b'{"a": [1, 2]}', "application/json", '{"a": [1, 2]}'),
        (b" <p>sniffed", "", "sniffed"),
        (b"plain", "", "plain"),
        (b"<p>kept</p>", "text/plain", "<p>kept</p>"),
    ],
)
async def test_pages_are_decoded_as_they_say(
    tools: PageTools, site: WebSite, typed: None, body: bytes, kind: str, text: str
) -> None:
    site.answers["/"] = Answer(body, headers={"Content-Type": kind} if kind else {})
    assert (await tools.fetch_page(site.url("/"))).partition("\n\n")[2] == text


async def test_what_has_no_text_is_told(tools: PageTools, site: WebSite, typed: None) -> None:
    site.give("/", "<script>app()</script>")
    assert "The page has no text" in await tools.fetch_page(site.url("/"))
    site.answers["/b"] = Answer(b"GIF89a\0\0", headers={"Content-Type": ""})
    with pytest.raises(ToolError, match="What came is no text"):
        await tools.fetch_page(site.url("/b"))
