"""Markdown to blocks: what is shown, and what is never let through."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.ui.markdown.block_builder import MOST_ROWS
from tether_desktop.ui.markdown.blocks import LINE_BREAK, Block, Line, Span, Table
from tether_desktop.ui.markdown.parser import (
    LONGEST_PARAGRAPH,
    MOST_BRACKETS,
    Final,
    final,
    has_references,
    parse,
    prewarm,
)


def only(blocks: Sequence[Block]) -> Line:
    (line,) = blocks
    assert isinstance(line, Line)
    return line


def lines(text: str) -> list[Line]:
    return [block for block in parse(text) if isinstance(block, Line) and block.kind != "code_header"]


def spans(text: str) -> tuple[Span, ...]:
    return only(parse(text)).spans


def shown(text: str) -> str:
    return "\n".join(line.text for line in lines(text))


def test_emphasis_becomes_styles() -> None:
    assert spans("a **b** *c* ~~d~~ `e`") == (
        Span("a "),
        Span("b", bold=True),
        Span(" "),
        Span("c", italic=True),
        Span(" "),
        Span("d", strike=True),
        Span(" "),
        Span("e", code=True),
    )


def test_emphasis_can_be_nested() -> None:
    assert spans("**a *b***") == (Span("a ", bold=True), Span("b", bold=True, italic=True))


def test_line_breaks_in_a_paragraph_are_kept() -> None:
    assert only(parse("a\nb  \nc")).text == f"a{LINE_BREAK}b{LINE_BREAK}c"


@pytest.mark.parametrize("level", range(1, 7))
def test_headings_have_levels(level: int) -> None:
    line = only(parse("#" * level + " Title"))
    assert (line.kind, line.level, line.text) == ("heading", level, "Title")


def test_a_dash_below_a_line_does_not_make_it_a_heading() -> None:
    for text in ("The list:\n-", "The list:\n- ", "The list:\n---", "The list:\n==="):
        assert "heading" not in [line.kind for line in lines(text)]


def test_lists_have_markers_and_depth() -> None:
    found = [(line.marker, line.depth, line.text) for line in lines("- a\n  - b\n    - c\n\n3. d\n4. e")]
    assert found == [("•", 1, "a"), ("◦", 2, "b"), ("▪", 3, "c"), ("3.", 1, "d"), ("4.", 1, "e")]


def test_only_the_first_paragraph_of_an_item_has_the_marker() -> None:
    assert [line.marker for line in lines("- a\n\n  b")] == ["•", ""]


def test_an_item_that_begins_with_code_keeps_its_marker() -> None:
    found = lines("- ```\n  x\n  ```")
    assert [(line.kind, line.marker) for line in found] == [("paragraph", "•"), ("code", "")]


def test_an_empty_item_keeps_its_marker() -> None:
    assert [line.marker for line in lines("- a\n-\n- c")] == ["•", "•", "•"]


def test_task_lists_have_check_boxes() -> None:
    found = [(line.marker, line.text) for line in lines("- [ ] open\n- [x] **done**\n- [y] neither")]
    assert found == [("☐", "open"), ("☑", "done"), ("•", "[y] neither")]


def test_quotations_have_depth() -> None:
    assert [(line.quote, line.text) for line in lines("> a\n> > b\n\nc")] == [(1, "a"), (2, "b"), (0, "c")]


def test_code_keeps_its_lines_and_language() -> None:
    found = lines("```python\nx = 1\n\n  y\n```")
    assert [line.text for line in found] == ["x = 1", "", "  y"]
    assert [line.last for line in found] == [False, False, True]
    assert {line.language for line in found} == {"python"}


def test_code_begins_with_a_header() -> None:
    assert parse("> ```python title\n> x\n> ```")[0] == Line("code_header", quote=1, language="python")


def test_markdown_in_code_is_left_alone() -> None:
    assert only(lines("```\n**a** <b> &amp; [x](http://y)\n```")).text == "**a** <b> &amp; [x](http://y)"


def test_code_that_is_not_closed_yet_is_code() -> None:
    assert [line.kind for line in lines("```py\nx = 1")] == ["code"]


def test_tables_have_rows_and_alignments() -> None:
    (table,) = parse("| a | b | c |\n|---|--:|:-:|\n| 1 | **2** | 3 |")
    assert isinstance(table, Table)
    assert table.alignments == ("left", "right", "center")
    assert table.rows[1] == ((Span("1"),), (Span("2", bold=True),), (Span("3"),))


def test_short_rows_of_a_table_are_filled_up() -> None:
    (table,) = parse("| a | b |\n|---|---|\n| 1 |")
    assert isinstance(table, Table)
    assert [len(row) for row in table.rows] == [2, 2]


def test_of_a_long_table_the_first_rows_are_shown_and_the_rest_is_offered() -> None:
    text = "| a | b | c |\n|---|---|---|\n" + "".join(f"| {number} | x | y |\n" for number in range(1_000))
    table, rest = parse(text)
    assert isinstance(table, Table)
    assert isinstance(rest, Line)
    assert len(table.rows) == MOST_ROWS + 1
    assert (rest.text, rest.whole) == ("Show all 1,000 rows", text.rstrip("\n"))


def test_a_table_too_wide_to_lay_out_is_shown_as_lines() -> None:
    found = parse("|".join("abcdefghijklmnopqrstuvwxyz") + "\n" + "|".join("-" * 26) + "\n")
    assert all(isinstance(block, Line) for block in found)


def test_a_rule_is_a_rule() -> None:
    assert only(parse("***")).kind == "rule"


@pytest.mark.parametrize("html", ["<script>alert(1)</script>", "<img src=x onerror=y>", "<!-- a -->", "<b>b</b>"])
def test_html_is_text(html: str) -> None:
    assert shown(html) == html


@pytest.mark.parametrize(
    "address", ["https://example.org/a?b=c", "http://example.org", "mailto:a@example.org", "HTTPS://EXAMPLE.ORG"]
)
def test_links_to_the_web_are_links(address: str) -> None:
    (span,) = spans(f"[words]({address})")
    assert span.text == "words"
    assert span.link.lower() == address.lower()


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "/etc/passwd",
        "//host/share",
        "data:text/html,x",
        "smb://h/s",
        "x.md",
    ],
)
def test_any_other_link_is_text(address: str) -> None:
    assert shown(f"[words]({address})") == f"[words]({address})"
    assert all(not span.link for span in spans(f"[words]({address}) <{address}>"))


def test_bare_addresses_become_links_without_the_punctuation_around_them() -> None:
    found = spans("See https://example.org/a_b, or (http://example.net).")
    assert [span.link for span in found if span.link] == ["https://example.org/a_b", "http://example.net"]


def test_addresses_in_code_stay_code() -> None:
    assert spans("`https://example.org`") == (Span("https://example.org", code=True),)


def test_an_image_is_its_words_and_its_address() -> None:
    assert spans("![a cat](https://example.org/c.png)") == (
        Span("a cat (https://example.org/c.png)", link="https://example.org/c.png", syntax="image"),
    )
    assert shown("![a cat](file:///c.png)") == "![a cat](file:///c.png)"


def test_of_a_long_address_of_an_image_the_beginning_is_shown_and_all_is_copied() -> None:
    address = f"https://example.org/{'a' * 3_000}"
    (span,) = spans(f"![a cat]({address})")
    assert len(span.text) < 100
    assert span.link == address
    assert span.original == f"a cat ({address})"


def test_a_picture_inside_an_address_stays_as_it_was_written() -> None:
    assert shown("![a cat](data:image/png;base64,AAAA)") == "![a cat](data:image/png;base64,AAAA)"


@pytest.mark.parametrize("mark", list("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u202c"))
@pytest.mark.parametrize("text", ["a{}b", "`a{}b`", "```\na{}b\n```", "[a{}b](http://x.org)", "| a{}b |\n|---|\n"])
def test_characters_that_reorder_text_are_spelled_out(text: str, mark: str) -> None:
    found = parse(text.format(mark))
    everything = repr(found)
    assert f"U+{ord(mark):04X}" in everything
    assert mark not in everything


def test_characters_a_document_would_misread_are_replaced() -> None:
    assert shown("a\x00b\x1bc\u2029d\ufdd0e\ud800f") == f"a\ufffdb␛c{LINE_BREAK}d\ufffde\ufffdf"


def test_lists_a_hundred_deep_are_lists() -> None:
    found = lines("\n".join("  " * depth + "- x" for depth in range(100)))
    assert [line.depth for line in found] == list(range(1, 101))


def test_what_lies_deeper_than_can_be_parsed_is_shown_as_it_was_written() -> None:
    text = "\n".join("  " * depth + f"- {depth}" for depth in range(150))
    assert shown(text + "\n\nafter") == text + "\n\nafter"


def test_a_paragraph_too_long_to_search_is_shown_as_it_was_written() -> None:
    text = "**a**\n" * (LONGEST_PARAGRAPH // 6 + 1)
    assert shown(text).replace(LINE_BREAK, "\n") == text.strip()


def test_a_paragraph_of_brackets_is_shown_as_it_was_written() -> None:
    text = "[" * (MOST_BRACKETS + 1) + "**a**"
    assert only(parse(text)).text == text


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_can_be_parsed(text: str) -> None:
    for block in parse(text):
        assert isinstance(block, Line | Table)


def test_the_last_piece_is_not_final() -> None:
    text = "# a\n\nb\nc\n\n- d\n- e\n"
    assert final(text, 100, 50) == Final(text.index("- e"), in_list=True)
    assert final(text[: -len("- e\n")], 100, 50) == Final(text.index("- d"))
    assert final("only\n", 100, 50) == Final()
    assert final("", 100, 50) == Final()


def test_a_piece_that_is_too_long_is_not_final() -> None:
    assert final("a\n\n" + "b" * 200 + "\n\nc\n", 100, 50) == Final(3)
    assert final("b" * 200 + "\n\nc\n", 100, 50) == Final()


def test_a_piece_of_too_many_lines_is_not_final() -> None:
    assert final("a\n" * 60 + "\nb\n", 1_000, 50) == Final()


def test_an_item_goes_on_where_the_list_before_it_ended() -> None:
    (whole, loose, tight) = lines("- a\n\n- b\n- c")
    assert (whole.tight, loose.tight, tight.tight) == (False, False, True)
    assert parse("- c", after="- b") == [tight]
    assert parse("- b", after="") == [loose]


def test_reference_definitions_are_noticed() -> None:
    assert has_references("a [b]\n\n[b]: http://x.org")
    assert not has_references("a [b]: c")


def test_prewarming_leaves_parsing_as_it_was() -> None:
    prewarm()
    assert only(parse("a")).text == "a"
