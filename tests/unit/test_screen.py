"""What prevents a window is told before Qt ends the program without a word."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import pytest

from tether_desktop import screen
from tether_desktop.errors import WindowImpossible

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the system brings all of it")


@pytest.fixture(autouse=True)
def bare_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_screen_the_terminal_is_offered() -> None:
    with pytest.raises(WindowImpossible, match="DISPLAY") as error:
        screen.check()
    assert "tether chat" in error.value.hint


@pytest.mark.parametrize("name", ["QT_QPA_PLATFORM", "WAYLAND_DISPLAY"])
def test_any_kind_of_screen_will_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "something")
    screen.check()


def test_a_library_that_x11_needs_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    with pytest.raises(WindowImpossible, match=r"libX11-xcb\.so\.1") as error:
        screen.check()
    assert error.value.hint == "On Debian and Ubuntu: sudo apt install libx11-xcb1."


def test_a_missing_libgl_is_named_with_its_package() -> None:
    error = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    told = screen.explained(error)
    assert told is not None
    assert "libGL.so.1" in told.message
    assert "libgl1" in told.hint


def test_a_missing_library_that_nobody_knows_is_named_all_the_same() -> None:
    told = screen.explained(ImportError("libodd-2.so.7: cannot open shared object file: No such file or directory"))
    assert told is not None
    assert "libodd-2.so.7" in told.message


def test_other_errors_of_importing_are_faults_of_ours() -> None:
    assert screen.explained(ImportError("No module named 'qasync'")) is None


def test_where_nobody_reads_stderr_a_dialog_of_the_desktop_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program, shown = tmp_path / "xmessage", tmp_path / "shown"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >"{shown}"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(screen, "_DIALOGS", screen._DIALOGS[-1:])
    screen.tell(WindowImpossible("No window", "It broke.", "Mend it."))
    assert shown.read_text(encoding="utf-8").splitlines() == ["-center", "No window", "It broke.", "Mend it."]
    assert capsys.readouterr().err.splitlines() == ["No window", "It broke.", "Mend it."]
