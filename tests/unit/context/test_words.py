"""Text as the index keeps it, and queries as the index is asked."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.context.words import Term, fold, one_line, patterns_of, terms_of, words_of

# Letters with and without cases and accents, what folds to more or to less, marks, and scripts without spaces.
ALPHABET = "aAbBßäÄéİıŁø1²½ﬁΣς мЙё日本語がか゛ｶﾞกำไ한글हिन्दी .,_-'’\"“\\%*()\u0301\u200d\u00ad\0\ud800🚀…\n"
TEXTS = st.text(alphabet=ALPHABET, max_size=30)


def asks_for(term: Term, words: set[str]) -> bool:
    return term.word in words or (term.is_beginning and any(word.startswith(term.word) for word in words))


@settings(derandomize=True, max_examples=300, deadline=None)
@given(before=TEXTS, query=TEXTS, after=TEXTS)
def test_the_index_proposes_every_message_that_matches(before: str, query: str, after: str) -> None:
    text = one_line(f"{before}{query}{after}")
    query_words = fold(one_line(query)).split()
    if all(pattern.search(fold(text)) for pattern in patterns_of(query_words)):
        words = set(words_of(text))
        assert all(asks_for(term, words) for term in terms_of(query_words))


@settings(derandomize=True, max_examples=200, deadline=None)
@given(before=TEXTS, query=TEXTS, after=TEXTS)
def test_words_that_stand_alone_match(before: str, query: str, after: str) -> None:
    text = one_line(f"{before} {query} {after}")
    for pattern in patterns_of(fold(one_line(query)).split()):
        assert pattern.search(fold(text))


@settings(derandomize=True, max_examples=200, deadline=None)
@given(text=st.text())
def test_words_are_what_the_tokenizers_leave_alone(text: str) -> None:
    for word in words_of(text):
        assert not re.search(r"\s", word)
        assert all(character.isalnum() or not character.isascii() for character in word)
        word.encode()


def test_sqlite_keeps_every_word_as_it_is() -> None:
    words = words_of("ÄRGER a_b 100% 日本語 \0 'x' 🚀 हिन्दी ไทย don’t")
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(words, tokenize='ascii', detail='none')")
        connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, row)")
        connection.execute("INSERT INTO t VALUES (?)", (" ".join(words),))
        assert {word for (word,) in connection.execute("SELECT term FROM v")} == set(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat, the CAT", ["the", "cat", "\ue02c"]),
        ("日本語", ["日本", "本語", "語"]),
        ("x日y", ["x", "日", "y"]),
        ("", []),
    ],
)
def test_a_text_is_taken_apart(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_only_the_end_of_the_last_word_is_a_beginning() -> None:
    assert terms_of(["to", "rome"]) == [Term("to"), Term("rome", is_beginning=True)]
    assert terms_of(["日本語"]) == [Term("日本"), Term("本語")]
    assert terms_of(["日", "x日"]) == [Term("日", is_beginning=True), Term("x"), Term("日", is_beginning=True)]


def test_no_more_is_kept_than_every_database_takes() -> None:
    words = words_of(" ".join(f"日{number:07}" for number in range(200_000)))
    assert sum(len(word.encode()) + 4 for word in words) <= 1_000_000
    assert max(map(len, words_of("x" * 5000))) == 40
