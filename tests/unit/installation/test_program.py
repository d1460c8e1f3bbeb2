"""How this copy of the program was installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tether_desktop import paths
from tether_desktop.installation import program as program_module
from tether_desktop.installation.program import installed_program


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A frozen program in a folder."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "tether"))
    return tmp_path.resolve()


def test_a_checkout_is_removed_with_its_folder() -> None:
    found = installed_program()
    assert found.kind == "checkout"
    assert str(paths.project_root()) in found.removal


def test_an_unpacked_folder_has_a_script_to_remove_it(frozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    found = installed_program()
    assert (found.kind, found.folder) == ("folder", frozen)
    assert f"{frozen}/uninstall.sh" in found.removal


def test_a_package_is_removed_by_the_system(frozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(program_module, "PACKAGE_FOLDER", frozen)
    assert installed_program().removal.endswith("sudo apt remove tether-desktop")


def test_windows_has_an_uninstaller(frozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    found = installed_program()
    assert found.kind == "windows"
    assert "Uninstall Tether.exe" in found.removal


def test_macos_has_a_bundle(tmp_path: Path, frozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "Tether.app/Contents/MacOS/tether"))
    found = installed_program()
    assert (found.kind, found.folder) == ("macos", frozen / "Tether.app")
    assert "bin" in found.removal
