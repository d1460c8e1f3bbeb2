"""A page as a person would read it, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.tools.builtin.html_tokens import Tag, tokens
from tether_desktop.tools.builtin.readable_html import readable

LONG = "words that go on and on " * 20


def text(html: str) -> str:
    return readable(html)[1]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>one <b>two</b>\n three<p>four", "one two three\n\nfour"),
        ("a<br>b<BR/>c", "a\nb\nc"),
        ("<h1>Title</h1>text<h3>Next</h3>", "# Title\n\ntext\n\n### Next"),
        ("<ul><li>one<li><p>two</p></li><li></li></ul>end", "- one\n- two\n\nend"),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>1<td>2</table>", "a | b\n1 | 2"),
        ("x<pre>  a\n   b</pre>y", "x\n\n  a\n   b\n\ny"),
        ("a &amp; b &lt;c&gt; &#8364; &nbsp;&unknown;", "a & b <c> € &unknown;"),
        ("1 < 2 and a<b", "1 < 2 and a"),
        ("a<!-- <b>no</b> > -->b<!doctype html>c<?php no ?>d", "abcd"),
        ("a<script>if (a<b) { '</p>' }</script>b<style>p{}</style>c", "abc"),
        ("a<div hidden>no<div>no</div>no</div>b", "a\n\nb"),
        ("a<span style='color:red; DISPLAY : none'>no</span>b", "ab"),
        ('a<p aria-hidden="true">no<p>b', "a\n\nb"),
        ("<a title='a > b' href=x>link</a>", "link"),
        ("<p class=it's>stays</p>", "stays"),
        ("text<p unclosed", "text"),
        ("", ""),
    ],
)
def test_tags_become_white_space_and_marks(html: str, expected: str) -> None:
    assert text(html) == expected


def test_the_title_is_told() -> None:
    assert readable("<head><title>\n A &amp; B </title></head><body>c")[0] == "A & B"


def test_menus_are_left_out_where_there_is_more() -> None:
    page = f"<nav>menu</nav><p>{LONG}</p><aside>advert</aside><footer>imprint</footer>"
    assert text(page) == LONG.strip()
    assert text("<nav>only a menu</nav>") == "only a menu"
    assert text(f"<nav>never closed<p>{LONG}") == f"never closed\n\n{LONG.strip()}"


@pytest.mark.parametrize("tag", ["main", "article"])
def test_what_the_page_calls_its_content_is_taken(tag: str) -> None:
    assert text(f"<div>Cookies!</div><{tag} class=x><p>{LONG}</p></{tag}><div>More</div>") == LONG.strip()
    assert text(f"<div>{LONG}</div><{tag}>short</{tag}>") == f"{LONG.strip()}\n\nshort"


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<a>",
        "<!--",
        "<p",
        "<b><i>",
        "&",
        '<a b="x>',
        "<a b='\">",
        "<a =\"'",
        "</",
        "<li>",
        "<p hidden>",
        "<script>",
        "&#9",
        " hidden=",
    ],
)
def test_hostile_pages_take_no_longer_than_others(piece: str) -> None:
    # What took time by the square of the length would be seen by the time limit of the tests.
    readable(piece * (100_000 // len(piece)))


def test_the_number_of_a_character_may_be_as_long_as_it_likes() -> None:
    assert text("&#" + "9" * 10_000 + ";").startswith("&#999")


@given(st.text(alphabet="<>/!-\"'= apdivscrt&;#h1\n", max_size=60))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_any_text_can_be_read(html: str) -> None:
    assert isinstance(text(html), str)


def test_attributes_are_read_in_all_their_forms() -> None:
    (tag,) = [each for each in tokens("<A b=1 C='2 3' d = \"4\" e f=>") if isinstance(each, Tag)]
    assert (tag.name, tag.is_end) == ("a", False)
    assert tag.given() == {"b": "1", "c": "2 3", "d": "4", "e": "", "f": ""}
