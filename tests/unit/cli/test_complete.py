"""What a shell gets to complete, from real folders and databases, and nothing else where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.scripted_models import write_scripted_model
from tether_desktop import __main__ as entry
from tether_desktop import paths
from tether_desktop.cli.complete import model_names, session_ids, tool_names
from tether_desktop.context.store import Store
from tether_desktop.settings import load_settings


def test_models_sessions_and_tools_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_DIST_PATH", str(tmp_path))
    write_scripted_model(tmp_path, "First")
    write_scripted_model(tmp_path, "Second")
    store = Store(load_settings().database_url)
    session = store.create_session("Kitchen")
    store.create_session()
    store.close()
    assert model_names("Fi") == ["First"]
    assert session_ids(session.id[:12]) == [(session.id, "Kitchen")]
    assert "calculate" in tool_names("calc")
    assert tool_names("zzz") == []


def test_nothing_is_made_or_told_where_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert session_ids("") == []
    assert not paths.database_path().exists()
    paths.make_private_folder(paths.data_dir())
    paths.database_path().write_bytes(b"no database")
    assert session_ids("") == []
    assert capsys.readouterr() == ("", "")


def test_a_shell_that_asks_opens_no_window(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["tether"])
    monkeypatch.setattr(entry, "open_window", lambda: pytest.fail("a window"))
    for name, value in {"_TETHER_COMPLETE": "complete_bash", "COMP_WORDS": "tether ses", "COMP_CWORD": "1"}.items():
        monkeypatch.setenv(name, value)
    entry.main()
    assert capsys.readouterr().out.strip() == "sessions"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    from tether_desktop.cli import main

    assert main.run(["completion", shell]) == 0
    assert "_TETHER_COMPLETE" in capsys.readouterr().out
