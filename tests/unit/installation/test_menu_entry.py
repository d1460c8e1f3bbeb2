"""An unpacked program in the menu of one person's desktop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tether_desktop.errors import MenuEntryFailed
from tether_desktop.installation.menu_entry import add_menu_entry, exec_word, remove_menu_entry, unit_word
from tether_desktop.installation.program import InstalledProgram
from tether_desktop.paths import APP_ID

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it is for Linux")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "jörg müller"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return home


@pytest.fixture
def program(tmp_path: Path) -> InstalledProgram:
    folder = tmp_path / "programs of “mine” 100%"
    files = {
        f"applications/{APP_ID}.desktop": "[Desktop Entry]\nType=Application\nName=Tether\nExec=tether %F\n",
        f"icons/hicolor/16x16/apps/{APP_ID}.png": "picture",
        f"mime/packages/{APP_ID}.xml": '<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info"/>',
        "systemd/user/tether.service": "[Service]\nExecStart=tether serve\n",
    }
    for name, text in files.items():
        path = folder / "share" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return InstalledProgram("folder", folder, folder / "tether")


def launched(line: str) -> list[str]:
    """The words that a launcher reads from an Exec line: the string's escapes, the command's quotes, the fields."""
    command = "printf '%s\\n' " + line.replace("\\\\", "\\")
    said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, encoding="utf-8", check=True).stdout
    return [word.replace("%%", "%") for word in said.splitlines()]


def test_the_entry_starts_the_program_where_it_lies(home: Path, program: InstalledProgram) -> None:
    add_menu_entry(program)
    entry = home / f".local/share/applications/{APP_ID}.desktop"
    line = next(line for line in entry.read_text(encoding="utf-8").splitlines() if line.startswith("Exec="))
    assert launched(line.removeprefix("Exec=")) == [str(program.executable), "%F"]
    unit = (home / ".local/share/systemd/user/tether.service").read_text(encoding="utf-8")
    assert f"ExecStart={unit_word(program.executable)} serve" in unit
    assert (home / ".local/bin/tether").readlink() == program.executable
    if command := shutil.which("desktop-file-validate"):
        subprocess.run([command, entry], check=True)


def test_what_was_added_is_removed_and_nothing_else(home: Path, program: InstalledProgram) -> None:
    other = home / ".local/share/applications/other.desktop"
    other.parent.mkdir(parents=True)
    other.touch()
    written = add_menu_entry(program)
    assert add_menu_entry(program) == written, "again is no harm"
    assert sorted(remove_menu_entry(program)) == sorted(written)
    assert remove_menu_entry(program) == []
    other.unlink(missing_ok=False)
    add_menu_entry(program)
    remove_menu_entry(program)
    assert [path for path in (home / ".local").rglob("*") if not path.is_dir()] == [], "no list of nothing is left"
    assert not (home / ".local/share/mime").exists()


def test_a_service_that_was_switched_on_is_switched_off(
    home: Path, program: InstalledProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    add_menu_entry(program)
    wanted = home / ".config/systemd/user/default.target.wants"
    wanted.mkdir(parents=True)
    ours, theirs = wanted / "tether.service", wanted / "other.service"
    ours.symlink_to(home / ".local/share/systemd/user/tether.service")
    theirs.symlink_to("/usr/lib/systemd/user/other.service")
    remove_menu_entry(program)
    assert not ours.is_symlink()
    assert theirs.is_symlink()


def test_a_command_of_that_name_that_is_not_ours_stays(home: Path, program: InstalledProgram) -> None:
    theirs = home / ".local/bin/tether"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("something else", encoding="utf-8")
    add_menu_entry(program)
    remove_menu_entry(program)
    assert theirs.read_text(encoding="utf-8") == "something else"


def test_a_home_of_its_own_for_data_is_followed(
    home: Path, program: InstalledProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "elsewhere"))
    add_menu_entry(program)
    assert (home / f"elsewhere/applications/{APP_ID}.desktop").is_file()
    assert not (home / ".local/share").exists()


def test_a_checkout_has_nothing_to_put_into_the_menu(tmp_path: Path) -> None:
    with pytest.raises(MenuEntryFailed, match="brings no menu entry"):
        add_menu_entry(InstalledProgram("checkout", tmp_path, tmp_path / "python"))


def test_a_folder_that_cannot_be_written_is_told(home: Path, program: InstalledProgram) -> None:
    (home / ".local").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(MenuEntryFailed, match="cannot be changed"):
        add_menu_entry(program)


@pytest.mark.parametrize("path", ['/a "b"/tether', "/costs $5/`x`/tether", "/50%/tether", "/back\\slash/tether"])
def test_odd_paths_come_out_as_they_went_in(path: str) -> None:
    said = exec_word(Path(path))
    assert launched(said) == [path]
    assert unit_word(Path(path)).startswith('"')
    assert os.linesep not in said
