"""What a person typed is shown as it was typed."""

from __future__ import annotations

import pytest

from tether_desktop.ui.composer.typed_text import MOST_LINES, MOST_SHOWN, typed_blocks
from tether_desktop.ui.markdown.blocks import Line, Span


def lines(text: str) -> list[Line]:
    return [block for block in typed_blocks(text) if isinstance(block, Line) and block.kind != "code_header"]


@pytest.mark.parametrize(
    "text",
    [
        "2*3*4 and 2**8 and x**2 + y**2",
        "  indented\n    more",
        "a\n\n\nb",
        "# not a heading",
        "- not a list\n1. nor this",
        "> arrow",
        "<b>html</b> &amp; \\n",
        "snake_case_name __init__",
        "[a](http://x.org) ![i](y.png)",
        "| a | b |",
        "***",
    ],
)
def test_text_is_left_as_it_is(text: str) -> None:
    assert "\n".join(line.text for line in lines(text)) == text
    assert {line.kind for line in lines(text)} == {"paragraph"}


def test_bold_words_and_code_lose_only_their_marks() -> None:
    (line,) = lines("An **8B model**, and `x = 1`.")
    assert line.spans == (
        Span("An "),
        Span("8B model", bold=True),
        Span(", and "),
        Span("x = 1", code=True),
        Span("."),
    )


def test_fenced_code_is_code() -> None:
    found = lines("Why?\n```python\nx = 1\n\ny\n```\nThanks")
    assert [(line.kind, line.text) for line in found] == [
        ("paragraph", "Why?"),
        ("code", "x = 1"),
        ("code", ""),
        ("code", "y"),
        ("paragraph", "Thanks"),
    ]
    assert found[1].language == "python"


def test_a_fence_that_is_not_closed_reaches_to_the_end() -> None:
    assert [line.kind for line in lines("~~~\na\n```\nb")] == ["code", "code", "code"]


def test_addresses_become_links() -> None:
    (line,) = lines("see https://example.org/x.")
    assert [span.link for span in line.spans] == ["", "https://example.org/x", ""]


def test_hidden_characters_are_spelled_out() -> None:
    assert [line.text for line in lines("a\u202eb `c\u2066`")] == ["aU+202Eb cU+2066"]


@pytest.mark.parametrize("text", ["word\n" * 10_000, "word " * 200_000, "x" * 100_000, "```\n" + "code\n" * 9_000])
def test_of_a_book_the_beginning_is_shown_and_all_is_a_click_away(text: str) -> None:
    *shown, rest = typed_blocks(text)
    assert isinstance(rest, Line)
    assert rest.whole == text
    assert "more characters" in rest.text
    assert len(shown) <= MOST_LINES + 1
    assert sum(len(line.text) for line in shown if isinstance(line, Line)) <= MOST_SHOWN


def test_a_question_that_just_fits_is_shown_whole() -> None:
    for text in ("x\n" * (MOST_LINES - 1) + "x", "x" * MOST_SHOWN):
        assert not any(line.whole for line in lines(text))


def test_a_line_without_end_is_cut() -> None:
    found = lines("x" * 10_000)
    assert len(found) > 1
    assert "".join(line.text for line in found) == "x" * 10_000
