"""What Windows and macOS want of a program beside its code: an icon, a version, a description."""

from __future__ import annotations

import plistlib
import re
import sys
from pathlib import Path
from typing import Any

INFO = "packaging/macos/Info.plist"


def icon(root: Path, folder: Path) -> str | None:
    """The file of the icon, drawn into a folder; None where programs carry none."""
    if sys.platform not in {"win32", "darwin"}:
        return None
    sys.path.insert(0, str(root / "packaging"))
    import program_icons

    program_icons.write_icons(folder)
    return str(folder / ("tether.ico" if sys.platform == "win32" else "tether.icns"))


def info_plist(root: Path, version: str) -> dict[str, Any]:
    """What macOS is told of the application."""
    told: dict[str, Any] = plistlib.loads((root / INFO).read_bytes())
    # Apple takes three numbers; what comes before a release has the number of that release.
    found = re.match(r"\d+(\.\d+){0,2}", version)
    numbers = found[0] if found is not None else "0"
    return {**told, "CFBundleShortVersionString": numbers, "CFBundleVersion": numbers}


def version_resource(version: str, original_name: str) -> Any:
    """What Windows shows in a file's properties; None elsewhere."""
    if sys.platform != "win32":
        return None
    from package_windows import numeric_version
    from PyInstaller.utils.win32 import versioninfo as v

    numbers = tuple(map(int, numeric_version(version).split(".")))
    words = {
        "CompanyName": "Tether contributors",
        "FileDescription": "Tether",
        "FileVersion": version,
        "LegalCopyright": "Apache License 2.0",
        "OriginalFilename": original_name,
        "ProductName": "Tether",
        "ProductVersion": version,
    }
    table = v.StringTable("040904B0", [v.StringStruct(name, value) for name, value in words.items()])
    return v.VSVersionInfo(
        ffi=v.FixedFileInfo(filevers=numbers, prodvers=numbers),
        kids=[v.StringFileInfo([table]), v.VarFileInfo([v.VarStruct("Translation", [0x0409, 0x04B0])])],
    )
