"""Which texts are found by which words, in all scripts, and alike in every database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tether_desktop.context.store import Store
from tether_desktop.messages import text_message

WRITTEN_IN_OTHER_WAYS = [
    ("ÄRGER im Büro", "ärger IM büro"),
    ("Ärger im Büro", "buro arger"),
    ("El niño comió piñas", "nino pin"),
    ("Straße", "STRASSE"),
    ("MASSE", "maße"),
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
    ("Ἀχιλλεύς", "αχιλλ"),
    ("Смотри, ёлка!", "елка"),
    ("İstanbul ve Işık", "isik istan"),
    ("Łódź", "lodz"),
    ("smørrebrød", "smorre"),
    ("Cafe\u0301", "café"),
    ("caf\xe9", "cafe\u0301"),
    ("two\n  lines", "two lines"),
    ('a \\ and a "quote"', '\\ and a "QUOTE"'),
    ("I don’t know", "don't"),
    ("🚀 start", "🚀"),
    ("A 👩🏽‍🚀 flies", "👩🏽‍🚀"),
    ("the ﬁnal answer", "final"),
    ("ＦＵＬＬ width", "full"),
    ("use snake_case_names", "case"),
    ("2026-11-22T10:30", "11-22"),
    ("soft\u00adware", "software"),
    ("مُحَمَّد", "محمد"),
    ("שָׁלוֹם", "שלום"),
]
WITHOUT_SPACES = [
    ("日本語で話しましょう", "本語"),
    ("日本語で話しましょう", "日"),
    ("日本語で話しましょう", "う"),
    ("日本語で話しましょう", "しょう 本語"),
    ("我们明天去北京大学。", "北京大学"),
    ("我们明天去北京大学。", "京大"),
    ("Windows上の設定とPython3で", "設定"),
    ("Windows上の設定とPython3で", "python"),
    ("Windows上の設定とPython3で", "上の windows"),
    ("ｶﾀｶﾅのテスト", "カタカナ"),
    ("학교에서 친구를 만났다", "학교 친구"),
    ("학교에서 친구를 만났다", "구"),
    ("ภาษาไทยไม่มีช่องว่าง", "ไทย"),
    ("ภาษาไทยไม่มีช่องว่าง", "ช่องว่าง"),
    ("ພາສາລາວ", "ລາວ"),
    ("ភាសាខ្មែរ", "ខ្មែរ"),
    ("मैं हिन्दी बोलता हूँ", "हिन्दी"),
    ("நான் தமிழ் பேசுகிறேன்", "தமிழ்"),
    ("𠮷野家で食べる", "𠮷野"),
]
NOT_THERE = [
    ("日本と本語", "日本語"),
    ("かき", "がき"),
    ("ไทย", "ไทร"),
    ("axb", "a.b"),
    ("plain text", "plain-text"),
    ("C and more", "C++"),
    ("chrome", "rome"),
    ("one two", "one three"),
    ("हिन्दी", "न्दी"),
]
SPECIAL = [
    "%",
    "_",
    "100%",
    "a_b",
    "*",
    "[a]",
    "\\",
    "' OR 1=1 --",
    "\0",
    '"',
    '"" AND',
    "NEAR(",
    "^a",
    "a:*",
    "´",
    "&",
]
SPECIAL += ["|", "!a", "<->", "(", "-a", "{words}:", "''", "C++", "rock'n'roll", "\ud800", "\ue025"]

PLAIN = "plain text, 100 of it, axb a c near, and rock n roll or 1 = 1"


def say(store: Store, text: str) -> tuple[str, str]:
    """Store a message; its session's id and its own."""
    message = store.add_message(store.create_session().id, text_message("user", text), parent_id=None)
    return message.session_id, message.id


def found(store: Store, query: str) -> list[str]:
    return [hit.message_id for hit in store.search_messages(query, 10)]


def check_found(store: Store, text: str, query: str) -> None:
    session_id, wanted = say(store, text)
    assert found(store, query) == [wanted], (text, query)
    store.delete_session(session_id)


def check_not_found(store: Store, text: str, query: str) -> None:
    session_id, _ = say(store, text)
    assert found(store, query) == [], (text, query)
    store.delete_session(session_id)


def check_plain(store: Store, query: str) -> None:
    check_not_found(store, PLAIN, query)
    check_found(store, f"there is {query} in here", query)


@pytest.fixture(scope="module")
def shared() -> Iterator[Store]:
    """A store in memory, in which nothing is but what a test has just said."""
    with closing(Store("sqlite://")) as store:
        yield store


@pytest.mark.parametrize(("text", "query"), WRITTEN_IN_OTHER_WAYS)
def test_letters_are_the_same_however_they_are_written(shared: Store, text: str, query: str) -> None:
    check_found(shared, text, query)


@pytest.mark.parametrize(("text", "query"), WITHOUT_SPACES)
def test_scripts_without_spaces_are_found_anywhere_within(shared: Store, text: str, query: str) -> None:
    check_found(shared, text, query)


@pytest.mark.parametrize(("text", "query"), NOT_THERE)
def test_what_is_not_there_is_not_found(shared: Store, text: str, query: str) -> None:
    check_not_found(shared, text, query)


@pytest.mark.parametrize("query", SPECIAL)
def test_no_character_has_a_special_meaning(shared: Store, query: str) -> None:
    check_plain(shared, query)


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_a_server_finds_the_same(store: Store) -> None:
    for text, query in [*WRITTEN_IN_OTHER_WAYS, *WITHOUT_SPACES]:
        check_found(store, text, query)
    for text, query in NOT_THERE:
        check_not_found(store, text, query)
    for query in SPECIAL:
        check_plain(store, query)
