"""A large history to measure with: English-like text in many sessions, brought in as imports are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from tether_desktop.context.database import Database
from tether_desktop.context.parts import dump_parts
from tether_desktop.context.search_index import index_messages
from tether_desktop.context.tables import MessageTable, SessionTable
from tether_desktop.messages import Text

_WORDS_OF_A_MESSAGE = 40
_VOCABULARY = 30_000
_AT_ONCE = 5_000
_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
_PAUSE = timedelta(seconds=90)
_CONSONANTS, _VOWELS, _ENDS = "bcdfghjklmnprstvwy", "aeiou", ("", "", "n", "r", "s", "t", "ng")


class HistoryBuilder:
    """Adds sessions, and messages whose words are as common as those of a language: Zipf's law.

    The same messages come out every time.

    Attributes:
        vocabulary: the commonest word first.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._chance = random.Random(5)
        self.vocabulary = self._make_words()
        self._weights = list(accumulate(1 / rank for rank in range(1, _VOCABULARY + 1)))
        self._now = _BEGIN

    def add_sessions(self, count: int) -> list[str]:
        """Empty sessions; returns their ids."""
        sessions = [{"id": self._id(), "title": self._text(4)} for _ in range(count)]
        same = {"model": "model", "created_at": self._now, "last_active": self._now}
        with self._database.write() as connection:
            connection.execute(insert(SessionTable), [session | same for session in sessions])
        return [session["id"] for session in sessions]

    def add_messages(self, session_ids: list[str], count: int) -> None:
        """Messages of which each begins another branch of one of the sessions, in turn: what is searched and stored."""
        rows = (self._row(session_ids[number % len(session_ids)], None) for number in range(count))
        self._insert(list(rows))

    def add_branch(self, session_id: str, count: int) -> None:
        """One long conversation."""
        rows: list[dict[str, Any]] = []
        for _ in range(count):
            rows.append(self._row(session_id, rows[-1]["id"] if rows else None))
        self._insert(rows)
        with self._database.write() as connection:
            shown = update(SessionTable).where(SessionTable.id == session_id)
            connection.execute(shown.values(head_id=rows[-1]["id"]))

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            with self._database.write() as connection:
                connection.execute(insert(MessageTable), some)
                index_messages(connection, [row["id"] for row in some])

    def _row(self, session_id: str, parent_id: str | None) -> dict[str, Any]:
        self._now += _PAUSE * self._chance.random() * 2
        said = {"role": "user", "parts": dump_parts([Text(self._text(_WORDS_OF_A_MESSAGE))]), "model": "", "error": ""}
        return said | {"id": self._id(), "session_id": session_id, "parent_id": parent_id, "created_at": self._now}

    def _text(self, words: int) -> str:
        return " ".join(self._chance.choices(self.vocabulary, cum_weights=self._weights, k=words)) + "."

    def _id(self) -> str:
        return UUID(int=self._chance.getrandbits(128), version=4).hex

    def _make_words(self) -> list[str]:
        """Different words; the commonest are the shortest."""
        words = dict.fromkeys(self._each_word())
        return list(words)

    def _each_word(self) -> Iterator[str]:
        made: set[str] = set()
        while len(made) < _VOCABULARY:
            longest = 1 + (len(made) > 60) + (len(made) > 2000) + (len(made) > 10000)
            word = "".join(self._syllable() for _ in range(self._chance.randint(1, longest)))
            if word not in made:
                made.add(word)
                yield word

    def _syllable(self) -> str:
        return self._chance.choice(_CONSONANTS) + self._chance.choice(_VOWELS) + self._chance.choice(_ENDS)
