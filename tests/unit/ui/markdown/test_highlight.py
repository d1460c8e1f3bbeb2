"""Highlighted code."""

from __future__ import annotations

import pytest

from tether_desktop.ui.markdown import highlight
from tether_desktop.ui.markdown.highlight import code_lines


def text_of(lines: list[highlight.SpanLine]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


def test_tokens_have_the_colours_of_their_kind() -> None:
    (line,) = code_lines('def f(): return "a" # b', "python")
    kinds = {span.text.strip(): span.syntax for span in line}
    assert (kinds["def"], kinds["f"], kinds['"a"'], kinds["# b"]) == ("keyword", "name", "string", "comment")


@pytest.mark.parametrize("language", ["", "klingon", "text", "Python", "c++", "diff", "json", "html"])
@pytest.mark.parametrize("growing", [True, False])
@pytest.mark.parametrize("code", ["", "a", "\n", "\n\na\n", "  x\t= 1\n", "+ a\n- b", "'unclosed\n" * 50, "é😀\n<b>"])
def test_the_text_is_never_changed(code: str, language: str, growing: bool) -> None:
    assert text_of(code_lines(code, language, growing=growing)) == code


def test_an_unknown_language_has_one_colour() -> None:
    assert {span.syntax for line in code_lines("def f(): pass", "klingon") for span in line} == {""}


def test_code_too_large_or_too_wide_has_one_colour() -> None:
    wide = "x = '" + "a" * highlight.LONGEST_LINE + "'"
    long = "x = 1\n" * (highlight.LONGEST_CODE // 6 + 1)
    for code in (wide, long):
        lines = code_lines(code, "python")
        assert text_of(lines) == code
        assert {span.syntax for line in lines for span in line} == {""}


def test_code_that_grows_is_lexed_once_for_each_piece() -> None:
    code = "\n".join(f"x{number} = {number}" for number in range(10 * highlight.CHUNK_LINES))
    code_lines(code, "python", growing=True)
    before = highlight._lexed.cache_info().misses
    code_lines(code + "\ny = 1", "python", growing=True)
    assert highlight._lexed.cache_info().misses == before + 1
