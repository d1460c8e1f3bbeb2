"""The history benchmark, on a small history: the same in every run, and all its queries find something to measure."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import history
from benchmarks.history_build import HistoryBuilder
from tether_desktop.context.database import Database
from tether_desktop.context.store import Store


def built(file: Path) -> list[str]:
    """The texts of a small history."""
    with closing(Database(f"sqlite:///{file}")) as database:
        builder = HistoryBuilder(database)
        (session_id,) = builder.add_sessions(1)
        builder.add_messages([session_id], 5)
        builder.add_branch(session_id, 10)
    with closing(Store(f"sqlite:///{file}")) as store:
        assert len(store.list_sessions()) == 1
        return [record.message.text for record in store.history(session_id)]


def test_the_same_history_comes_out_every_time(tmp_path: Path) -> None:
    first = built(tmp_path / "one.db")
    assert len(set(first)) == 10
    assert built(tmp_path / "two.db") == first
    assert {len(text.split()) for text in first} == {40}


def test_every_kind_of_query_and_page_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_MESSAGES", 3000)
    monkeypatch.setattr(history, "_SESSIONS", 20)
    monkeypatch.setattr(history, "_LONG_SESSION", 120)
    searches, openings, growth = history.run(quick=True).tables
    hits = {row[0]: row[1] for row in searches.rows}
    assert hits["word of nearly every message"] == hits["beginning of one letter"] == hits["two common words"] == 20
    assert hits["nothing"] == hits["nothing, titles too"] == 0
    assert hits["beginning of one letter, titles too"] == 20
    assert [row[1] for row in openings.rows] == [50, 50, 120, 21, 21]
    assert [row[0] for row in growth.rows] == list(range(30, 301, 30))
    assert all(row[1] > 0 < row[3] for row in growth.rows)
