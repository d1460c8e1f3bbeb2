"""The installer that carries its payload: it puts the program in place as a whole, and loses nothing of anybody's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EPOCH = 1_600_000_000
VERSION = "9.9"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it is for Linux")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "my home — Übung"
    home.mkdir()
    return home


def make_installer(folder: Path, *, kilobytes: str = "@KILOBYTES@", glibc: str = "2.17", says: str = "new") -> Path:
    """An installer of a program that says something."""
    from artefacts.archives import write_installer

    program = folder / "program"
    shutil.rmtree(program, ignore_errors=True)
    (program / "_internal").mkdir(parents=True)
    (program / "tether").write_text(f'#!/bin/sh\necho {says} "$@"\n', encoding="utf-8")
    (program / "tether").chmod(0o755)
    script = (ROOT / "packaging/frozen/installer.sh").read_text(encoding="utf-8")
    marks = {"VERSION": VERSION, "EDITION": "lite", "FILE": "tether.run", "GLIBC": glibc, "KILOBYTES": kilobytes}
    for mark, value in marks.items():
        script = script.replace(f"@{mark}@", value)
    write_installer(program, "tether", script, folder / "tether.run", EPOCH)
    return folder / "tether.run"


def run(installer: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(installer), *arguments], env={"HOME": str(home), "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=False, cwd=home,
    )  # fmt: skip


def test_it_installs_into_the_home_folder_and_leaves_nothing_else(tmp_path: Path, home: Path) -> None:
    done = run(make_installer(tmp_path), home)
    target = home / ".local/lib/tether-desktop"
    assert (done.returncode, done.stderr) == (0, "")
    assert str(target) in done.stdout
    assert subprocess.run([target / "tether", "there"], capture_output=True, check=True).stdout == b"new there\n"
    assert [path.name for path in target.parent.iterdir()] == ["tether-desktop"]


def test_another_version_is_replaced_and_what_was_added_stays(tmp_path: Path, home: Path) -> None:
    target = home / "apps/Tether"
    assert run(make_installer(tmp_path, says="old"), home, "--portable", "apps/Tether").returncode == 0
    for name in ("data", "compiler"):
        (target / name).mkdir()
        (target / name / "file").write_text("mine", encoding="utf-8")
    (target / "_internal/gone").touch()
    done = run(make_installer(tmp_path), home, "--target", str(target))
    assert done.returncode == 0
    assert "keeps everything there" in done.stdout
    assert (target / "tether").read_text(encoding="utf-8").startswith("#!/bin/sh\necho new")
    assert not (target / "_internal/gone").exists()
    assert (target / "portable").is_file()
    assert (target / "data/file").read_text(encoding="utf-8") == "mine"
    assert (target / "compiler/file").is_file()
    assert sorted(path.name for path in target.parent.iterdir()) == ["Tether"]


def test_a_portable_copy_stays_out_of_the_menu(tmp_path: Path, home: Path) -> None:
    done = run(make_installer(tmp_path), home, "--portable", str(home / "stick"))
    assert "menu" not in done.stdout
    assert (home / "stick/portable").is_file()


def test_a_damaged_file_installs_nothing(tmp_path: Path, home: Path) -> None:
    installer = make_installer(tmp_path)
    content = installer.read_bytes()
    for damaged in (content[:-10], content[:-1] + bytes([content[-1] ^ 1])):
        installer.write_bytes(damaged)
        done = run(installer, home)
        assert done.returncode == 1
        assert "Download it again" in done.stderr
        assert list(home.glob(".local/lib/*")) == []


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path, home: Path) -> None:
    (home / "thesis").mkdir()
    (home / "thesis/chapter").touch()
    done = run(make_installer(tmp_path), home, "--target", str(home / "thesis"))
    assert done.returncode == 1
    assert "something else" in done.stderr
    assert [path.name for path in home.rglob("*")] == ["thesis", "chapter"]


def test_a_full_disk_is_told_before_anything_changes(tmp_path: Path, home: Path) -> None:
    run(make_installer(tmp_path, says="old"), home)
    done = run(make_installer(tmp_path, kilobytes=str(10**14)), home)
    assert done.returncode == 1
    assert "Nothing was changed" in done.stderr
    assert "echo old" in (home / ".local/lib/tether-desktop/tether").read_text(encoding="utf-8")


def test_an_older_system_is_told_what_is_needed(tmp_path: Path, home: Path) -> None:
    done = run(make_installer(tmp_path, glibc="2.999"), home)
    assert done.returncode == 1
    assert "glibc 2.999" in done.stderr


def test_an_installation_that_was_cut_off_is_gone_on_with(tmp_path: Path, home: Path) -> None:
    target = home / ".local/lib/tether-desktop"
    run(make_installer(tmp_path, says="old"), home)
    (target / "data").mkdir()
    (target / "data/file").write_text("mine", encoding="utf-8")
    target.rename(target.with_name("tether-desktop.old"))
    target.with_name("tether-desktop.part").mkdir()
    assert run(make_installer(tmp_path), home).returncode == 0
    assert (target / "data/file").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in target.parent.iterdir()] == ["tether-desktop"]


def test_wrong_usage_and_help_are_told_apart(tmp_path: Path, home: Path) -> None:
    installer = make_installer(tmp_path)
    assert run(installer, home, "--fast").returncode == 2
    told = run(installer, home, "--help")
    assert told.returncode == 0
    assert told.stdout.startswith(f"Tether {VERSION}, lite:")
    assert "--portable FOLDER" in told.stdout


def test_it_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    first = make_installer(tmp_path).read_bytes()
    assert make_installer(tmp_path).read_bytes() == first
