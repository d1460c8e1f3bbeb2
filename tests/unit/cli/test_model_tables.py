"""How models are shown in the terminal: with what they would be loaded, and what that takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.packed_models import SHAPE, write_packed_model
from tether_desktop.cli.model_tables import forecast, print_entries
from tether_desktop.cli.output import tell
from tether_desktop.errors import TetherError
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.install.progress import Checked
from tether_desktop.model.pool.memory_fit import Memory, estimate, needs_of

Capture = pytest.CaptureFixture[str]

LONG = 4_000_000
PLENTY = Memory(2 * needs_of(SHAPE, LONG).total)
LITTLE = Memory(2 * needs_of(SHAPE, 0).total)


@pytest.fixture
def entry(tmp_path: Path) -> ModelEntry:
    """A model that was made for a longer context window than most computers have memory for."""
    folder = write_packed_model(tmp_path, "Long", context_window_size=LONG)
    return ModelEntry("Long", folder, context_window=LONG, size_bytes=1)


def row(entry: ModelEntry, context_window: int, memory: Memory, capsys: Capture) -> str:
    print_entries([entry], context_window, memory, json=False)
    return capsys.readouterr().out.splitlines()[1]


def test_a_model_that_fits_is_listed_with_its_own_context_window(entry: ModelEntry, capsys: Capture) -> None:
    listed = row(entry, 0, PLENTY, capsys)
    assert listed.split()[3] == str(LONG)
    assert "fits" in listed


def test_a_model_that_only_fits_with_less_is_listed_with_what_it_is_loaded_with(
    entry: ModelEntry, capsys: Capture
) -> None:
    listed = row(entry, 0, LITTLE, capsys)
    window = int(listed.split()[3])
    assert 4096 <= window < LONG
    assert f" {window} of {LONG} " in listed
    assert listed.rstrip().endswith("MB, fits  usable")


def test_a_context_window_that_was_set_is_judged_as_it_is(entry: ModelEntry, capsys: Capture) -> None:
    assert "will not fit" in row(entry, LONG, LITTLE, capsys)
    assert f" 4096 of {LONG} " in row(entry, 4096, PLENTY, capsys)


def test_json_has_the_context_window_that_is_loaded(entry: ModelEntry, capsys: Capture) -> None:
    print_entries([entry], 4096, PLENTY, json=True)
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["context_window"], listed["loaded_context_window"]) == (LONG, 4096)
    assert listed["fit"]["needed_bytes"] == needs_of(SHAPE, 4096).total


def test_what_cannot_be_computed_here_is_listed_without_memory(tmp_path: Path, capsys: Capture) -> None:
    remote = ModelEntry("server/model", tmp_path, kind="remote", context_window=8192)
    assert row(remote, 0, PLENTY, capsys).split() == ["server/model", "-", "8192", "-", "usable"]
    print_entries([remote], 0, PLENTY, json=True)
    assert json.loads(capsys.readouterr().out)[0]["fit"] is None


def test_before_it_is_made_a_long_model_is_told_with_what_it_will_be_loaded() -> None:
    def checked(largest: int) -> str:
        return forecast(Checked("Long", 1, LONG, estimate(SHAPE, LONG, LITTLE), largest))

    assert "will not fit" in checked(0)
    assert "tokens fit with ease" not in checked(0)
    assert "8,192 tokens fit with ease" in checked(8192)


@pytest.mark.parametrize(("title", "told"), [("It broke", "It broke."), ("May it run?", "May it run?")])
def test_titles_end_as_sentences_do(title: str, told: str, capsys: Capture) -> None:
    tell(TetherError(title, "Something happened."))
    assert capsys.readouterr().err.splitlines() == [told, "Something happened."]
