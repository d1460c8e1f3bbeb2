"""Automatic titles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tether_desktop.protocol.titles import LONGEST_TITLE, title_from


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Name three colours.", "Name three colours"),
        ("name three colours", "Name three colours"),
        ("What is a monad?\n\nI read about it.", "What is a monad"),
        ("Hi! Can you explain Rust lifetimes to me?", "Hi! Can you explain Rust lifetimes to me"),
        ("# Plan\n\n- buy **milk**\n- call `mum`", "Plan buy milk"),
        ("Explain [the docs](https://example.org/x?y=z) please", "Explain the docs please"),
        ("```python\nprint('x')\n```\nWhy does this fail?", "Why does this fail"),
        ("```\nprint(1)\n```", "Print(1)"),
        ("keep snake_case_names and 3.5 apart", "Keep snake_case_names and 3.5 apart"),
        ("Use a cache, e.g. in memory.", "Use a cache, e.g. in memory"),
        ("日本の首都はどこですか？教えてください。", "日本の首都はどこですか"),
        ("¿Qué hora es?", "¿Qué hora es"),
        ("Write a poem about the sea, in the style of somebody who has never seen it", "Write a poem about the sea"),
        ("", ""),
        ("   \n", ""),
        ("?!…", ""),
        ("🙂🙂🙂", ""),
    ],
)
def test_a_title_is_the_first_sentence_without_markdown(question: str, title: str) -> None:
    assert title_from(question) == title


def test_a_long_sentence_is_cut_between_words() -> None:
    title = title_from("Please tell me everything you know about the history of the printing press in Europe")
    assert title == "Please tell me everything you know about the"
    assert len(title) <= LONGEST_TITLE


def test_a_single_long_word_is_cut_anyway() -> None:
    assert title_from("x" * 500) == "X" + "x" * (LONGEST_TITLE - 1)


@given(st.text(max_size=400))
def test_any_text_gives_a_short_single_line(text: str) -> None:
    title = title_from(text)
    assert len(title) <= LONGEST_TITLE + 1
    assert "\n" not in title
    assert title == title.strip()


def test_a_pasted_book_is_not_read_to_its_end() -> None:
    assert title_from("*a " * 1_000_000) == title_from("*a " * 1000)
