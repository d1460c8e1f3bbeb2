"""What is shown of a message in which words were found, and what of it is marked."""

from __future__ import annotations

import pytest

from tether_desktop.context.excerpts import excerpt_of
from tether_desktop.context.words import fold, one_line, patterns_of


def shown(text: str, query: str) -> tuple[str, list[str]]:
    patterns = patterns_of(fold(query).split())
    assert all(pattern.search(fold(text)) for pattern in patterns)
    excerpt, marks = excerpt_of(text, patterns)
    assert list(marks) == sorted(marks)
    return excerpt, [excerpt[start:end] for start, end in marks]


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("Here and there", "there", ["there"]),
        ("he said that he is here", "he", ["he", "he", "he"]),
        ("he said that he is here", "he is", ["he", "he", "is"]),
        ("Die Straße ist groß", "STRASSE GRO", ["Straße", "gro"]),
        ("Bücher und BÜCHER", "bucher", ["Bücher", "BÜCHER"]),
        ("日本語と日本", "日本", ["日本", "日本"]),
        ("日本語", "日本 本語", ["日本"]),
        ("So… what", ".", ["…"]),
        ("e\u0301te\u0301 x", "ete", ["e\u0301te\u0301"]),
        ("the ﬁnal ﬁle", "fi", ["ﬁ", "ﬁ"]),
    ],
)
def test_every_word_that_was_found_is_marked(text: str, query: str, marked: list[str]) -> None:
    assert shown(text, query) == (text, marked)


def test_a_short_text_is_shown_whole() -> None:
    assert shown("word", "word") == ("word", ["word"])


def test_what_was_left_out_is_shown_by_dots_and_marks_stay_in_place() -> None:
    excerpt, marked = shown("ä " * 200 + "needle" + " ö" * 200, "needle")
    assert excerpt == "…" + "ä " * 40 + "needle" + " ö" * 40 + "…"
    assert marked == ["needle"]


def test_a_piece_of_a_word_at_the_edge_is_no_word() -> None:
    text = "xhay" + " ." * 38 + " hay needle " + "hay" * 60
    excerpt, marked = shown(text, "hay needle")
    assert marked[0] == "hay"
    assert "needle" in marked
    assert marked.count("hay") == 1
    assert len(excerpt) < 200


def test_a_text_becomes_one_line() -> None:
    assert one_line(" a\n\n b\tc\u2028d e\u0301 ") == "a b c d \xe9"
