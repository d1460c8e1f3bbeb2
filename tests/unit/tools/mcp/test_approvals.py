"""What the person allowed, kept as hashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tether_desktop.errors import SettingsError
from tether_desktop.tools.mcp.approvals import Approvals


def test_what_was_allowed_and_accepted_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    first = Approvals(path)
    first.read()
    assert not first.allows("a", "1")
    assert first.pins("a") is None
    first.allow("a", "1")
    first.pin("a", {"echo": "2"})
    again = Approvals(path)
    again.read()
    assert (again.allows("a", "1"), again.allows("a", "2"), again.allows("b", "1")) == (True, False, False)
    assert again.pins("a") == {"echo": "2"}
    again.forget("a")
    first.read()
    assert (first.allows("a", "1"), first.pins("a")) == (False, None)


def test_two_programs_do_not_lose_each_others_answers(tmp_path: Path) -> None:
    one, other = Approvals(tmp_path / "state.json"), Approvals(tmp_path / "state.json")
    one.allow("a", "1")
    other.allow("b", "2")
    one.read()
    assert one.allows("a", "1")
    assert one.allows("b", "2")


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 9, "servers": {}}', '{"format": 1, "servers": {"a": 1}}'])
def test_a_damaged_file_allows_nothing_and_is_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")
    approvals = Approvals(path)
    approvals.read()
    assert not approvals.allows("a", "1")
    approvals.allow("a", "1")
    assert approvals.allows("a", "1")
    assert path.with_suffix(".damaged.json").read_text(encoding="utf-8") == text


def test_an_answer_that_cannot_be_saved_is_told_and_allows_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    approvals = Approvals(tmp_path / "file" / "state.json")
    with pytest.raises(SettingsError, match="cannot be saved"):
        approvals.allow("a", "1")
    assert not approvals.allows("a", "1")


def test_nothing_is_allowed_by_having_nothing_to_allow(tmp_path: Path) -> None:
    assert not Approvals(tmp_path / "state.json").allows("a", "")
