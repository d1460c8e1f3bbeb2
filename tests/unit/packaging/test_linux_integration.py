"""What makes the program part of a Linux desktop."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tether_desktop.paths import APP_ID

ROOT = Path(__file__).parents[3]
DEB_SCRIPTS = ROOT / "packaging/linux/deb"


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything laid out, for a release of 20 September 2020."""
    import linux_integration

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600560000")
    linux_integration.lay_out(tmp_path, "1.2.3", "https://example.org/tether")
    return tmp_path


def validated(program: str, *arguments: object) -> None:
    """Have a tool of the desktop's makers look at a file, where it is installed."""
    command = shutil.which(program)
    if command is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def read(path: Path) -> ET.Element:
    """The root of an XML file."""
    return ET.fromstring(path.read_bytes())  # noqa: S314  (a file of ours)


def test_the_menu_entry_is_valid_and_opens_models(share: Path) -> None:
    path = share / f"applications/{APP_ID}.desktop"
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(path, encoding="utf-8")
    assert entry["Desktop Entry"]["Exec"] == "tether %F"
    assert entry["Desktop Entry"]["Icon"] == APP_ID
    assert "application/x-gguf;" in entry["Desktop Entry"]["MimeType"]
    assert entry["Desktop Action quick"]["Exec"] == "tether --quick"
    validated("desktop-file-validate", path)


def test_the_metadata_is_valid_and_tells_of_this_release(share: Path) -> None:
    path = share / f"metainfo/{APP_ID}.metainfo.xml"
    component = read(path)
    assert component.findtext("launchable") == f"{APP_ID}.desktop"
    release = component.find("releases/release")
    assert release is not None
    assert release.attrib == {"version": "1.2.3", "date": "2020-09-20"}
    assert component.findtext("url[@type='homepage']") == "https://example.org/tether"
    validated("appstreamcli", "validate", "--no-net", path)


def test_a_project_without_a_known_home_names_none() -> None:
    import linux_integration

    assert b"homepage" not in linux_integration.metainfo("1.2.3")


def test_files_of_models_are_known_by_their_name_and_by_their_first_bytes(share: Path) -> None:
    path = share / f"mime/packages/{APP_ID}.xml"
    space = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
    kind = read(path).find("m:mime-type", space)
    assert kind is not None
    assert kind.attrib["type"] == "application/x-gguf"
    assert kind.find("m:glob", space).attrib["pattern"] == "*.gguf"  # type: ignore[union-attr]
    assert kind.find("m:magic/m:match", space).attrib["value"] == "GGUF"  # type: ignore[union-attr]


def test_the_icon_lies_there_in_every_size(share: Path) -> None:
    import program_icons

    sides = {path.parent.parent.name for path in share.glob(f"icons/hicolor/*/apps/{APP_ID}.png")}
    assert sides == {f"{side}x{side}" for side in program_icons.LINUX_SIDES}
    assert (share / f"icons/hicolor/scalable/apps/{APP_ID}.svg").is_file()


def test_the_users_service_stops_as_the_systems_service_does(share: Path) -> None:
    ours, systems = (
        path.read_text(encoding="utf-8")
        for path in (share / "systemd/user/tether.service", ROOT / "packaging/tether.service")
    )
    assert "ExecStart=tether serve" in ours
    assert "User=" not in ours
    for line in ("KillMode=mixed", "KillSignal=SIGTERM", "OOMPolicy=continue", "MemoryDenyWriteExecute=yes"):
        assert line in ours
        assert line in systems


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
@pytest.mark.parametrize("argument", ["configure", "upgrade", "remove", "purge", "abort-upgrade"])
def test_a_script_of_the_package_ends_well_and_touches_no_home(tmp_path: Path, name: str, argument: str) -> None:
    kept = tmp_path / ".local/share/Tether/tether.db"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"chats")
    done = subprocess.run(
        ["/bin/sh", DEB_SCRIPTS / name, argument],
        env={"HOME": str(tmp_path), "PATH": "/nowhere"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert kept.read_bytes() == b"chats"
    assert ("~/.local/share/Tether" in done.stdout) == ((name, argument) == ("postrm", "purge"))


def test_uninstalling_a_folder_that_is_no_tether_removes_nothing(tmp_path: Path) -> None:
    script = shutil.copy(ROOT / "packaging/linux/uninstall.sh", tmp_path)
    (tmp_path / "letters").mkdir()
    done = subprocess.run(["/bin/sh", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (tmp_path / "letters").is_dir()


@pytest.mark.parametrize("portable", [True, False])
def test_uninstalling_removes_the_menu_entry_and_then_the_folder(tmp_path: Path, portable: bool) -> None:
    folder = tmp_path / "my “own” tether"
    (folder / "_internal").mkdir(parents=True)
    told = tmp_path / "told"
    program = folder / "tether"
    program.write_text(f'#!/bin/sh\necho "$*" >> "{told}"\n', encoding="utf-8")
    program.chmod(0o755)
    if portable:
        (folder / "portable").touch()
    script = shutil.copy(ROOT / "packaging/linux/uninstall.sh", folder)
    subprocess.run([script, "--data"], check=True, capture_output=True)
    assert told.read_text(encoding="utf-8").splitlines() == ["uninstall --data", "desktop remove"]
    assert folder.exists() == portable
