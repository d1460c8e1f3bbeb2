"""Builds what is handed out for Windows, on Windows: a folder of each edition, zipped, and its installer."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import program_icons

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "packaging/windows/tether.nsi"


def main() -> None:
    """Build both editions, or the one that is named."""
    from artefacts.editions import EDITIONS, assemble
    from package import Build, Place

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "build/package")
    parser.add_argument("--artefacts", type=Path, default=ROOT / "build/artefacts")
    parser.add_argument("--edition", choices=EDITIONS, action="append")
    chosen = parser.parse_args()
    build = Build(Place(chosen.work.resolve(), chosen.artefacts.resolve()))
    frozen, models = build.freeze(), build.make_models()
    chosen.artefacts.mkdir(parents=True, exist_ok=True)
    icons = chosen.work / "icons"
    program_icons.write_icons(icons)
    for edition in chosen.edition or EDITIONS:
        folder = build.folder_of(edition)
        assemble(frozen, models, folder, edition, environment=build.environment, version=build.version, root=ROOT)
        build.check(folder)
        sign(folder / "tether.exe", folder / "tether-window.exe")
        name = f"tether-desktop-{build.version}-{edition}-windows-x86_64"
        shutil.make_archive(str(chosen.artefacts / name), "zip", folder.parent, folder.name)
        target = chosen.artefacts / f"{name}-setup.exe"
        compile_installer(folder, build.version, edition, icons / "tether.ico", target, more=_signing_of_installer())
        print(target)


def compile_installer(
    payload: Path, version: str, edition: str, icon: Path, target: Path, *, more: Mapping[str, str] | None = None
) -> None:
    """Compile the installer of an edition's folder.

    Raises:
        CalledProcessError: the script does not compile; warnings count.
    """
    defined = {
        "VERSION": version,
        "NUMERIC_VERSION": numeric_version(version),
        "EDITION": edition,
        "PAYLOAD": str(payload),
        "ICON": str(icon),
        "TARGET": str(target),
    }
    makensis(SCRIPT, {**defined, **(more or {})})


def makensis(script: Path, defined: Mapping[str, str]) -> None:
    """Run NSIS's compiler.

    Raises:
        CalledProcessError: the script does not compile; warnings count.
    """
    dash = "/" if os.name == "nt" else "-"
    words = [f"{dash}D{name}={value}" if value else f"{dash}D{name}" for name, value in defined.items()]
    command: list[str | Path] = [shutil.which("makensis") or "makensis", f"{dash}WX", f"{dash}V2", *words, script]
    subprocess.run(command, check=True)


def numeric_version(version: str) -> str:
    """A version as Windows wants it: four numbers; what comes before a release counts as its numbers alone."""
    numbers = re.findall(r"\d+", re.split(r"[a-z+]", version)[0])
    return ".".join([*numbers, "0", "0", "0", "0"][:4])


def sign(*files: Path) -> None:
    """Sign programs by the command in ``TETHER_SIGN_WINDOWS``, which gets a file's name in place of %1.

    Without it they stay unsigned.

    Raises:
        CalledProcessError: they cannot be signed.
    """
    command = os.environ.get("TETHER_SIGN_WINDOWS", "")
    for file in files if command else ():
        subprocess.run(command.replace("%1", str(file)), shell=True, check=True)  # noqa: S602  (the builder's own)


def _signing_of_installer() -> dict[str, str]:
    command = os.environ.get("TETHER_SIGN_WINDOWS", "")
    return {"SIGN": command} if command else {}


if __name__ == "__main__":
    main()
