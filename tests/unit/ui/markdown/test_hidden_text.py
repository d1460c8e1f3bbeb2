"""Characters that nobody sees: named where they hide, left alone where scripts and signs need them."""

from __future__ import annotations

import pytest

from tether_desktop.ui.markdown.blocks import Span
from tether_desktop.ui.markdown.hidden_text import MARK, marked, visible

FLAG_OF_SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u2060", "\ufeff", "\u00ad", "\u3164", "\U000e0041", "\u200b"])
def test_what_hides_is_named_and_kept(hidden: str) -> None:
    before, mark, after = marked(Span(f"a{hidden}b", bold=True))
    assert (before, after) == (Span("a", bold=True), Span("b", bold=True))
    assert mark == Span(f"U+{ord(hidden):04X}", bold=True, syntax=MARK, source=hidden)


def test_a_run_of_hidden_characters_is_one_mark() -> None:
    spans = list(marked(Span("🏴" + "\U000e0041" * 1_000)))
    assert [span.text for span in spans] == ["🏴", "U+E0041 +999"]
    assert spans[1].source == "\U000e0041" * 1_000


@pytest.mark.parametrize(
    "text", ["👩‍👩‍👧", FLAG_OF_SCOTLAND, "می\u200cخواهم", "क्\u200dष", "שלום\u200f!", "日本語", "é", ""]
)
def test_what_scripts_and_signs_need_is_left_alone(text: str) -> None:
    assert list(marked(Span(text))) == [Span(text)]


def test_in_code_marks_of_direction_and_joiners_are_named_too() -> None:
    assert visible("a\u200fb\u200d") == "aU+200FbU+200D"


def test_what_a_document_would_take_for_its_own_is_replaced() -> None:
    assert visible("a\x00b\x1bc\x7f\u2029\ufdd0\ud800") == "a␀b␛c␡\u2028\ufffd\ufffd"
