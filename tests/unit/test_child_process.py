"""Child processes: how they are started on each system, and what their exit codes mean."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.helpers.frozen import pretend_installed
from tether_desktop import child_process, paths
from tether_desktop.child_process import child_command, child_environment, explain_exit, spawn_options
from tether_desktop.errors import ProgramReplaced


def test_from_source_a_child_is_the_same_python_with_our_package() -> None:
    assert child_command("engine") == [sys.executable, "-m", "tether_desktop", "--child", "engine"]


def test_in_a_bundle_a_child_is_the_program_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert child_command("compile") == [sys.executable, "--child", "compile"]


def test_the_window_of_windows_starts_children_of_the_program_that_has_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "tether-window.exe"))
    assert child_command("engine") == [str(tmp_path / "tether.exe"), "--child", "engine"]


def test_no_child_is_started_of_a_program_that_was_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(tmp_path, monkeypatch)
    monkeypatch.setattr(child_process, "_STARTED_FROM", child_process._program_file())
    assert spawn_options()
    (tmp_path / "new").write_text("another version", encoding="utf-8")
    (tmp_path / "new").replace(tmp_path / "tether")
    with pytest.raises(ProgramReplaced, match="stored"):
        spawn_options()
    (tmp_path / "tether").unlink()
    with pytest.raises(ProgramReplaced):
        spawn_options()


def test_a_child_starts_where_our_package_is_found() -> None:
    assert Path(spawn_options()["cwd"]) == paths.project_root()


def test_the_environment_keeps_what_finds_things_and_drops_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "LD_LIBRARY_PATH",
        "SystemRoot",
        "TETHER_DATA_DIR",
        "HTTPS_PROXY",
        "AWS_SECRET_ACCESS_KEY",
        "MLC_SQLITE_URL",
    ):
        monkeypatch.setenv(name, "value")
    kept = {name.upper() for name in child_environment()}
    assert {"LD_LIBRARY_PATH", "SYSTEMROOT", "TETHER_DATA_DIR", "PYTHONUTF8"} <= kept
    assert kept.isdisjoint({"HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY", "MLC_SQLITE_URL"})


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "memory ran out"),
        (signal.SIGILL, "this processor does not have"),
        (signal.SIGBUS, "could not be read to its end"),
        (signal.SIGSEGV, "crashed"),
        (signal.SIGABRT, "crashed"),
        (signal.SIGTERM, "asked to end"),
        (signal.SIGUSR1, "SIGUSR1"),
    ],
)
def test_a_signal_is_explained(number: signal.Signals, words: str) -> None:
    assert words in explain_exit(-number).reason
    assert explain_exit(-number).hint


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0xC000001D, "this processor does not have"),
        (0xC0000005, "crashed"),
        (0xC0000017, "memory ran out"),
        (3, "exit code 3"),
        (-99, "signal 99"),
    ],
)
def test_an_exit_code_is_explained_those_of_windows_too(code: int, words: str) -> None:
    assert words in explain_exit(code).reason
    assert explain_exit(code).hint
