"""How this copy of the program was installed, and by which way it goes again."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tether_desktop import paths

InstallKind = Literal["checkout", "package", "folder", "windows", "macos"]

PACKAGE_FOLDER = Path("/usr/lib/tether-desktop")
_WINDOWS_UNINSTALLER = "Uninstall Tether.exe"

_WAYS: dict[InstallKind, str] = {
    "checkout": "This is a checkout: delete its folder, {folder}.",
    "package": "It was installed by the system: sudo apt remove tether-desktop",
    "folder": "Run {folder}/uninstall.sh, or delete the folder after `tether desktop remove`.",
    "windows": "Remove Tether in the settings of Windows under Apps, or run {uninstaller}.",
    "macos": "Drag {folder} to the bin.",
}


@dataclass(frozen=True, slots=True)
class InstalledProgram:
    """This copy of the program.

    Attributes:
        kind: how it came here.
        folder: where it lies; on macOS the bundle.
        executable: what starts it.
    """

    kind: InstallKind
    folder: Path
    executable: Path

    @property
    def removal(self) -> str:
        """What a person does to remove it, in a sentence."""
        uninstaller = self.folder / _WINDOWS_UNINSTALLER
        return _WAYS[self.kind].format(folder=self.folder, uninstaller=uninstaller)


def installed_program() -> InstalledProgram:
    """How this copy was installed, by where it lies."""
    if not getattr(sys, "frozen", False):
        return InstalledProgram("checkout", paths.project_root(), Path(sys.executable))
    executable = Path(sys.executable).resolve()
    folder = executable.parent
    if sys.platform == "win32":
        return InstalledProgram("windows", folder, executable)
    if sys.platform == "darwin":
        bundle = next((each for each in executable.parents if each.suffix == ".app"), folder)
        return InstalledProgram("macos", bundle, executable)
    kind: InstallKind = "package" if folder == PACKAGE_FOLDER else "folder"
    return InstalledProgram(kind, folder, executable)
