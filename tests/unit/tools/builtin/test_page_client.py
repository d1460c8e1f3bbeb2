"""A page is fetched from the address that was checked, and from no other."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers.certificate import untrusted
from tests.helpers.web_site import Answer, Asked, WebSite, web_site
from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin.page_client import PageClient, PageLimits, parse_url
from tether_desktop.tools.builtin.public_address import is_public

HERE = "127.0.0.1"


class Names:
    """A resolver that a test fills in; a name may have one answer after the other."""

    def __init__(self, **names: list[list[str]]) -> None:
        self.names = {name.replace("_", "."): answers for name, answers in names.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            raise OSError("no such host")
        return answers.pop(0) if len(answers) > 1 else answers[0]


def client(names: Names, limits: PageLimits | None = None, tls: ssl.SSLContext | None = None) -> PageClient:
    """One that takes this computer for the internet."""
    return PageClient(allowed=lambda address: address == HERE, resolver=names, limits=limits, tls=tls)


async def fetch(client: PageClient, url: str) -> bytes:
    return (await client.get(parse_url(url))).body


async def test_the_server_hears_the_name_and_nothing_of_the_person(site: WebSite) -> None:
    site.give("/page", "hello")
    page = await client(Names(www_example_org=[[HERE]])).get(
        parse_url(site.url("/page?q=1#part", host="www.example.org"))
    )
    assert (page.body, page.content_type, page.charset, page.whole) == (b"hello", "text/html", "utf-8", True)
    (asked,) = site.asked
    assert asked.path == "/page?q=1"
    assert asked.headers["host"] == f"www.example.org:{site.port}"
    assert asked.headers["user-agent"].startswith("Tether/")
    assert {"cookie", "authorization", "referer"}.isdisjoint(asked.headers)


@pytest.mark.parametrize(
    "answer",
    [["127.0.0.1"], ["10.1.2.3"], ["::1"], ["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"], ["::"], []],
)
async def test_a_name_that_means_this_network_is_refused_even_if_it_means_the_internet_too(
    site: WebSite, answer: list[str]
) -> None:
    site.give("/")
    with pytest.raises(ToolError, match="is not on the public internet"):
        await fetch(PageClient(resolver=Names(trap_example=[answer])), site.url("/", host="trap.example"))
    assert site.asked == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "127.1", "0x7f.1", "[::ffff:7f00:1]"]
)
async def test_this_computer_is_refused_however_it_is_written(site: WebSite, host: str) -> None:
    site.give("/")
    with pytest.raises(ToolError, match=r"is not on the public internet|No address is known|is not the address"):
        await fetch(PageClient(), site.url("/", host=host))
    assert site.asked == []


async def test_a_name_that_changes_its_meaning_after_the_check_is_not_asked_again(site: WebSite) -> None:
    site.give("/", "checked")
    names = Names(rebind_example=[[HERE], ["10.0.0.1"]])
    assert await fetch(client(names), site.url("/", host="rebind.example")) == b"checked"
    assert names.asked == ["rebind.example"]
    with pytest.raises(ToolError, match="is not on the public internet"):
        await fetch(client(names), site.url("/", host="rebind.example"))


async def test_a_redirect_is_followed_to_where_it_may_lead(site: WebSite) -> None:
    site.give("/a", status=302, Location="/b?x=1")
    site.give("/b", status=307, Location=f"//other.example:{site.port}/c")
    site.give("/c", "arrived", Set_Cookie="id=1")
    names = Names(one_example=[[HERE]], other_example=[[HERE]])
    page = await client(names).get(parse_url(site.url("/a", host="one.example")))
    assert page.body == b"arrived"
    assert page.url == site.url("/c", host="other.example")
    assert names.asked == ["one.example", "one.example", "other.example"]


@pytest.mark.parametrize(
    "location",
    [
        "http://inner.example/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "ftp://one.example/",
        "http://user:password@one.example/",
        "gopher://x",
        "javascript:alert(1)",
    ],
)
async def test_a_redirect_to_anywhere_else_is_refused(site: WebSite, location: str) -> None:
    site.give("/", status=302, Location=location)
    names = Names(one_example=[[HERE]], inner_example=[["192.168.0.1"]])
    for address in ("10.0.0.1", "::1", "169.254.169.254"):
        names.names[address] = [[address]]
    with pytest.raises(ToolError):
        await fetch(client(names), site.url("/", host="one.example"))
    assert len(site.asked) == 1


async def test_a_name_that_turns_inwards_between_two_redirects_is_refused(site: WebSite) -> None:
    site.give("/", status=301, Location="/next")
    names = Names(one_example=[[HERE], ["127.0.0.2"]])
    with pytest.raises(ToolError, match="is not on the public internet"):
        await fetch(client(names), site.url("/", host="one.example"))
    assert len(site.asked) == 1


async def test_redirects_come_to_an_end(site: WebSite) -> None:
    site.give("/", status=302, Location="/")
    with pytest.raises(ToolError, match="sends on from one address to the next"):
        await fetch(client(Names(one_example=[[HERE]])), site.url("/", host="one.example"))
    assert len(site.asked) == 6


async def test_no_cookie_is_kept(site: WebSite) -> None:
    site.give("/", status=302, Location="/next", Set_Cookie="id=1")
    site.give("/next", "here", Set_Cookie="id=2")
    one = client(Names(one_example=[[HERE]]))
    for _ in range(2):
        await fetch(one, site.url("/", host="one.example"))
    assert not any("cookie" in asked.headers for asked in site.asked)


async def test_a_host_with_a_dead_address_is_reached_at_the_next(site: WebSite) -> None:
    site.give("/", "alive")
    names = Names(one_example=[["127.0.0.99", HERE]])
    one = PageClient(allowed=lambda address: address.startswith("127."), resolver=names)
    assert await fetch(one, site.url("/", host="one.example")) == b"alive"
    with pytest.raises(ToolError, match="cannot be connected to"):
        await fetch(one, "http://one.example:1/")


async def test_no_more_than_the_beginning_of_a_page_is_taken(site: WebSite) -> None:
    site.answers["/"] = Answer(b"x" * 10_000, endless=True)
    page = await client(Names(one_example=[[HERE]]), PageLimits(body_bytes=25_000)).get(
        parse_url(site.url("/", host="one.example"))
    )
    assert (len(page.body), page.whole) == (25_000, False)


async def test_a_small_answer_that_unpacks_to_a_large_one_is_cut_too(site: WebSite) -> None:
    packed = gzip.compress(b"\0" * (8 << 20))
    site.answers["/"] = Answer(packed, headers={"Content-Type": "text/html", "Content-Encoding": "gzip"})
    page = await client(Names(one_example=[[HERE]]), PageLimits(body_bytes=1000)).get(
        parse_url(site.url("/", host="one.example"))
    )
    assert (len(page.body), page.whole) == (1000, False)
    assert site.asked[0].headers["accept-encoding"] == "identity"


async def test_a_server_that_says_nothing_is_given_up(site: WebSite) -> None:
    site.answers["/"] = Answer(stalls=True)
    with pytest.raises(ToolError, match="did not answer within"):
        await fetch(client(Names(one_example=[[HERE]]), PageLimits(seconds=0.2)), site.url("/", host="one.example"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"no", 404), "answers 404 Not Found"),
        (Answer(b"no", 500), "answers 500"),
        (Answer(b"", 302, {}), "answers 302"),
        (Answer(b"%PDF", headers={"Content-Type": "application/pdf"}), "no text but application/pdf"),
        (Answer(b"x", headers={"Content-Type": "image/png"}), "no text but image/png"),
        (Answer(b"x", headers={"Content-Type": "text/html", "Content-Encoding": "br"}), "packed in a way"),
        (Answer(b"no gzip at all" * 9, headers={"Content-Type": "text/html", "Content-Encoding": "gzip"}), "broke off"),
    ],
)
async def test_what_is_no_page_is_told(site: WebSite, answer: Answer, said: str) -> None:
    site.answers["/"] = answer
    with pytest.raises(ToolError, match=said):
        await fetch(client(Names(one_example=[[HERE]])), site.url("/", host="one.example"))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text/plain", "text/plain"),
        ("application/json; charset=UTF-8", "application/json"),
        ("Application/Atom+XML", "application/atom+xml"),
        ("text/html;;=;charset", "text/html"),
        ("", ""),
    ],
)
async def test_texts_of_all_kinds_are_taken(site: WebSite, kind: str, expected: str) -> None:
    site.answers["/"] = Answer(b"x", headers={"Content-Type": kind} if kind else {})
    page = await client(Names(one_example=[[HERE]])).get(parse_url(site.url("/", host="one.example")))
    assert page.content_type == expected


async def test_a_certificate_has_to_be_for_the_name_and_not_for_the_address(tmp_path: Path) -> None:
    certificate = untrusted(tmp_path)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    names: list[str | None] = []
    certificate.sni_callback = lambda _socket, name, _context: names.append(name)
    with web_site(certificate) as site:
        site.give("/", "safe")
        allowed = client(Names(one_example=[[HERE]], **{HERE: [[HERE]]}), tls=trusting)
        allowed._resolve.names[HERE] = [[HERE]]  # type: ignore[attr-defined]
        # The certificate is for 127.0.0.1, so that address is believed, and a name that leads there is not.
        assert await fetch(allowed, site.url("/", scheme="https")) == b"safe"
        with pytest.raises(ToolError, match=r"certificate of one\.example is not trusted"):
            await fetch(allowed, site.url("/", host="one.example", scheme="https"))
        assert names[-1] == "one.example"
        with pytest.raises(ToolError, match="certificate"):
            await fetch(client(Names(one_example=[[HERE]])), site.url("/", host="one.example", scheme="https"))
        assert len(site.asked) == 1


async def test_a_proxy_of_the_environment_hears_the_checked_address(
    site: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def through(asked: Asked) -> Answer:
        return Answer(asked.path.encode(), headers={"Content-Type": "text/plain"})

    public = "93.184.216.34"
    monkeypatch.setenv("HTTP_PROXY", site.url())
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    site.answers[f"http://{public}/page"] = through
    assert await fetch(PageClient(resolver=Names(one_example=[[public]])), "http://one.example/page") == (
        f"http://{public}/page".encode()
    )
    assert site.asked[0].headers["host"] == "one.example"
    monkeypatch.setenv("HTTP_PROXY", "socks5h://127.0.0.1:1")
    with pytest.raises(ToolError, match=r"proxy|connected"):
        await fetch(PageClient(resolver=Names(one_example=[[public]])), "http://one.example/page")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "https://",
        "ftp://one.example/",
        "file:///etc/passwd",
        "http://a:b@one.example",
        "x" * 3000,
        "http://a b/",
        "http://[::1",
    ],
)
def test_what_is_no_address_of_a_page_is_told(text: str) -> None:
    with pytest.raises(ToolError, match="is not the address"):
        parse_url(text)


def test_an_address_without_a_scheme_is_encrypted() -> None:
    assert str(parse_url(" <example.org/a> ")) == "https://example.org/a"


def test_the_rule_that_holds_by_itself_is_the_public_internet() -> None:
    assert PageClient()._allowed is is_public
