"""`tether models trust`: it shows which library is meant, and allows only that one."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from tests.helpers.packed_models import write_library, write_packed_model
from tether_desktop.cli import main
from tether_desktop.model.discovery import catalog, trust

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose library nobody has allowed yet."""
    monkeypatch.setenv("MLC_DIST_PATH", str(tmp_path))
    monkeypatch.setattr(main, "start_logging", lambda: None)
    monkeypatch.setattr(catalog, "supported_isas", lambda: ("avx2",))
    write_packed_model(tmp_path, "Tiny")
    return write_library(tmp_path, trusted=False)


def answer(monkeypatch: pytest.MonkeyPatch, *, yes: bool) -> None:
    def confirm(_question: str, **_options: object) -> bool:
        if not yes:
            raise typer.Abort
        return True

    monkeypatch.setattr(typer, "confirm", confirm)


def test_the_library_and_its_checksum_are_shown_before_the_question(
    library: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    answer(monkeypatch, yes=False)
    assert main.run(["models", "trust", "Tiny"]) == 1
    told = capsys.readouterr().err
    assert str(library) in told
    assert trust.sha256_of(library) in told
    assert not trust.is_trusted(library)


def test_yes_is_remembered(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, yes=True)
    assert main.run(["models", "trust", "Tiny"]) == 0
    assert trust.is_trusted(library)


def test_a_checksum_answers_the_question_if_it_is_the_right_one(library: Path, capsys: Capture) -> None:
    assert main.run(["models", "trust", "Tiny", "--sha256", "0" * 64]) == 1
    assert not trust.is_trusted(library)
    assert main.run(["models", "trust", "Tiny", "--sha256", trust.sha256_of(library).upper()]) == 0
    assert trust.is_trusted(library)
    capsys.readouterr()
    assert main.run(["models", "trust", "Tiny"]) == 1
    assert "nothing to allow" in capsys.readouterr().err


def test_the_remedy_of_the_listing_names_the_command(capsys: Capture) -> None:
    assert main.run(["models", "list"]) == 0
    told = capsys.readouterr()
    assert "tether models trust" in told.out + told.err
