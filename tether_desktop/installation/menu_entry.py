"""Puts a copy of the program that lies in a folder into one person's desktop: menu, file type, `tether` on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tether_desktop.errors import MenuEntryFailed
from tether_desktop.installation.program import InstalledProgram
from tether_desktop.paths import APP_ID

_SERVICE = Path("systemd/user/tether.service")
_REFRESHERS = (
    ("update-desktop-database", "-q", "applications"),
    ("update-mime-database", "mime"),
)
"""What desktops keep lists by, and the folder each works on; a desktop without one looks by itself."""

_FOLDERS = ("applications", "mime", "metainfo", "systemd", "icons")


def add_menu_entry(program: InstalledProgram) -> list[Path]:
    """Copy what lies in the program's ``share`` to the person's own, with its place filled in; what was written.

    Raises:
        MenuEntryFailed: this copy brings nothing of the kind, or the folders cannot be written.
    """
    share = program.folder / "share"
    if program.kind != "folder" or not share.is_dir():
        raise MenuEntryFailed(
            "There is nothing to put into the menu",
            f"Tether in {program.folder} brings no menu entry of its own.",
            "Installers put Tether into the menu; so does this command for an unpacked archive, on Linux.",
        )
    try:
        written = [_write(file, share, program.executable) for file in sorted(share.rglob("*")) if file.is_file()]
        written += _put_on_path(program.executable)
    except OSError as error:
        raise _failed(error) from error
    _refresh()
    return written


def remove_menu_entry(program: InstalledProgram) -> list[Path]:
    """Take everything away again that :func:`add_menu_entry` writes; what was removed.

    Raises:
        MenuEntryFailed: something cannot be removed.
    """
    try:
        _switch_service_off()
        removed = list(_removed(program.executable))
    except OSError as error:
        raise _failed(error) from error
    if removed:
        _refresh()
        _tidy()
    return removed


def exec_word(path: Path) -> str:
    """A path as the Exec line of a menu entry takes it (Desktop Entry Specification, "The Exec key")."""
    quoted = "".join(f"\\{each}" if each in '"`$\\' else each for each in str(path))
    # What was escaped for the command is escaped again as a string of the file; a percent sign begins a field.
    return '"' + quoted.replace("\\", "\\\\").replace("%", "%%") + '"'


def unit_word(path: Path) -> str:
    """A path as the ExecStart line of a systemd unit takes it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") + '"'


def _write(file: Path, share: Path, executable: Path) -> Path:
    inside = file.relative_to(share)
    target = _data_home() / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    content = file.read_bytes()
    if file.suffix == ".desktop":
        content = content.replace(b"Exec=tether", b"Exec=" + exec_word(executable).encode())
    elif inside == _SERVICE:
        content = content.replace(b"ExecStart=tether", b"ExecStart=" + unit_word(executable).encode())
    target.write_bytes(content)
    return target


def _put_on_path(executable: Path) -> Iterator[Path]:
    """Let `tether` be found in terminals; a command of that name that is not ours stays."""
    link = _command()
    if os.path.lexists(link) and not link.is_symlink():
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(executable)
    yield link


def _removed(executable: Path) -> Iterator[Path]:
    home = _data_home()
    files = [
        home / f"applications/{APP_ID}.desktop",
        home / f"mime/packages/{APP_ID}.xml",
        home / f"metainfo/{APP_ID}.metainfo.xml",
        home / _SERVICE,
        *sorted(home.glob(f"icons/hicolor/*/apps/{APP_ID}.*")),
    ]
    if _command().is_symlink() and _command().readlink() == executable:
        files.append(_command())
    for file in files:
        if os.path.lexists(file):
            file.unlink()
            yield file


def _switch_service_off() -> None:
    """End `tether serve` where it was switched on for each login; a link to a unit that is gone would stay."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    config = Path(given) if given and Path(given).is_absolute() else Path.home() / ".config"
    link = config / "systemd/user/default.target.wants" / _SERVICE.name
    if not link.is_symlink() or link.readlink() != _data_home() / _SERVICE:
        return
    if (command := shutil.which("systemctl")) is not None:
        subprocess.run(
            [command, "--user", "disable", "--now", _SERVICE.name], capture_output=True, check=False, timeout=60
        )
    link.unlink(missing_ok=True)


def _refresh() -> None:
    for name, *options, folder in _REFRESHERS:
        command, place = shutil.which(name), _data_home() / folder
        if command and place.is_dir():
            subprocess.run([command, *options, place], capture_output=True, check=False, timeout=60)


def _tidy() -> None:
    """Take away lists of nothing, and folders that are empty now."""
    home = _data_home()
    if not any((home / "applications").rglob("*.desktop")):
        (home / "applications/mimeinfo.cache").unlink(missing_ok=True)
    if (home / "mime").is_dir() and not any((home / "mime").glob("packages/*.xml")):
        # All but the packages is made from them.
        shutil.rmtree(home / "mime")
    for name in _FOLDERS:
        inside = sorted((home / name).rglob("*"), reverse=True)
        for folder in (path for path in (*inside, home / name) if path.is_dir() and not any(path.iterdir())):
            folder.rmdir()


def _data_home() -> Path:
    given = os.environ.get("XDG_DATA_HOME", "")
    return Path(given) if given and Path(given).is_absolute() else Path.home() / ".local/share"


def _command() -> Path:
    return Path.home() / ".local/bin/tether"


def _failed(error: OSError) -> MenuEntryFailed:
    message = f"{error.filename}: {error.strerror or error}."
    return MenuEntryFailed("The desktop's menu cannot be changed", message, "Make the folder writable, then try again.")
