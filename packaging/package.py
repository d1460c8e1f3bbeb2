"""Builds everything that is handed out for Linux: `make package`.

The frozen program goes to ``build/package``, what is handed out to ``build/artefacts``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import checksums
import system_packages
from artefacts import archives, checks, deb, tree
from artefacts.compiler import FOLDER as COMPILER_FOLDER
from artefacts.compiler import build_compiler
from artefacts.editions import EDITIONS, assemble
from artefacts.elf import oldest_glibc
from artefacts.environment import Environment, install_project, needed_of_system, prepare
from artefacts.packages import compiler_package, program_package, stage_compiler, stage_program
from artefacts.trim import trim

from tether_desktop.screen import OF_THE_SYSTEM

ROOT = Path(__file__).resolve().parent.parent
STARTED = time.monotonic()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a build puts things.

    Attributes:
        work: everything on the way.
        artefacts: what is handed out.
    """

    work: Path
    artefacts: Path

    def program(self, edition: str) -> Path:
        """The binary of an edition."""
        return self.work / edition / "tether/tether"


class Build:
    """One build of everything."""

    def __init__(self, place: Place) -> None:
        """Prepare; nothing is done yet."""
        self.place = place

    @cached_property
    def epoch(self) -> int:
        """The time that everything gets: that of the last commit, or ``SOURCE_DATE_EPOCH``."""
        told = os.environ.get("SOURCE_DATE_EPOCH")
        return int(told or _output("git", "log", "-1", "--format=%ct"))

    @cached_property
    def version(self) -> str:
        """Of the program."""
        text = (ROOT / "tether_desktop/__init__.py").read_text(encoding="utf-8")
        found = re.search(r'__version__ = "(.+)"', text)
        assert found is not None  # noqa: S101  (it is there)
        return found[1]

    @cached_property
    def environment(self) -> Environment:
        """What is frozen."""
        tell("The environment to freeze")
        return prepare(self.place.work / "venv", ROOT)

    @cached_property
    def source(self) -> Path:
        """The checkout's own files, without what lies about in it, and with the translations made."""
        source = self.place.work / "source"
        shutil.rmtree(source, ignore_errors=True)
        listed = _output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
        for name in filter(None, listed):
            if (ROOT / name).is_file():
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, source / name)
        self.environment.run("packaging/translations.py", "release", cwd=source)
        return source

    def freeze(self) -> Path:
        """The folder of the program without models."""
        tell("The program")
        install_project(self.environment, self.source)
        target, work = self.place.work / "frozen", self.place.work / "pyinstaller"
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
        options = ["--noconfirm", "--log-level", "WARN", "--distpath", str(target), "--workpath", str(work)]
        variables = {
            "SOURCE_DATE_EPOCH": str(self.epoch),
            "PYINSTALLER_CONFIG_DIR": str(self.place.work / "pyinstaller-config"),
            # Packages compress modules better than each by itself is compressed, and no start has to undo it.
            "PYINSTALLER_ZLIB_COMPRESSION_LEVEL": "0",
        }
        self.environment.run(
            *("-m", "PyInstaller", *options, str(self.source / "packaging/frozen/tether.spec")),
            # Not the checkout: the program is taken as it was installed.
            cwd=self.place.work,
            variables=variables,
        )
        trim(target / "tether")
        return target / "tether"

    def make_models(self) -> Path:
        """The folder with the libraries and the starter model."""
        tell("Libraries and the starter model")
        target = self.place.work / "models"
        variables = {
            "PYTHONPATH": os.pathsep.join((str(self.source), str(self.source / "packaging"))),
            "TETHER_DATA_DIR": str(self.place.work / "data"),
        }
        self.environment.run(
            "-m", "artefacts.models", target, self.place.work / "cache", cwd=self.source, variables=variables
        )
        return target

    def make_editions(self) -> None:
        """The folders of both editions, checked."""
        frozen, models = self.freeze(), self.make_models()
        for edition in EDITIONS:
            tell(f"The edition {edition}")
            folder = self.folder_of(edition)
            assemble(frozen, models, folder, edition, environment=self.environment, version=self.version, root=ROOT)
            tree.normalize(folder, self.epoch)
            self.check(folder)

    def make_compiler(self) -> Path:
        """The folder of the compiler's package."""
        tell("The compiler")
        target = self.place.work / "compiler" / COMPILER_FOLDER
        build_compiler(self.environment, target, self.source)
        tree.normalize(target, self.epoch)
        _stop_at("The compiler's package cannot be handed out", checks.machine_paths(target, self.traces))
        return target

    def check(self, folder: Path) -> None:
        """Make sure that an edition may be handed out.

        Raises:
            SystemExit: with what is wrong with it.
        """
        problems = [
            *checks.forbidden_files(folder),
            *checks.machine_paths(folder, self.traces),
            *checks.unknown_libraries(folder, OF_THE_SYSTEM),
            *checks.dead_links(folder),
        ]
        _stop_at(f"{folder} cannot be handed out", problems)

    def write(self, edition: str) -> None:
        """Write the files of one edition."""
        tell(f"The files of the edition {edition}")
        folder = self.folder_of(edition)
        glibc, name = oldest_glibc(folder), f"tether-desktop-{self.version}-{edition}-linux-x86_64"
        stage = self.place.work / "stage" / edition
        stage_program(folder, stage)
        package = program_package(self.version, edition, glibc)
        target = self.place.artefacts / f"tether-desktop_{self.version}_{edition}_amd64.deb"
        deb.write_deb(package, stage, target, epoch=self.epoch, scripts=ROOT / "packaging/linux/deb")
        _stop_at("The package cannot be handed out", checks.too_large(edition, target))
        archives.write_archive(folder, "tether", self.place.artefacts / f"{name}.tar.gz", self.epoch)
        script = (ROOT / "packaging/frozen/installer.sh").read_text(encoding="utf-8")
        for mark, value in (("VERSION", self.version), ("EDITION", edition), ("FILE", f"{name}.run"), ("GLIBC", glibc)):
            script = script.replace(f"@{mark}@", value)
        archives.write_installer(folder, "tether", script, self.place.artefacts / f"{name}.run", self.epoch)

        # By the interpreter that was frozen: the bill has its version.
        self.environment.run(
            *("packaging/sbom.py", folder, self.place.artefacts / f"{name}.cdx.json"),
            cwd=ROOT,
            variables={"SOURCE_DATE_EPOCH": str(self.epoch)},
        )

    def write_compiler(self) -> None:
        """Write the files of the compiler's package."""
        folder, stage = self.make_compiler(), self.place.work / "stage" / "compiler"
        stage_compiler(folder, stage)
        package = compiler_package(self.version, oldest_glibc(folder))
        target = self.place.artefacts / f"tether-desktop-compiler_{self.version}_amd64.deb"
        deb.write_deb(package, stage, target, epoch=self.epoch)
        archive = self.place.artefacts / f"tether-desktop-compiler-{self.version}-linux-x86_64.tar.gz"
        archives.write_archive(folder, COMPILER_FOLDER, archive, self.epoch)

    def folder_of(self, edition: str) -> Path:
        """The folder of an edition."""
        return self.place.program(edition).parent

    @property
    def traces(self) -> Iterable[str]:
        """What must not be read in anything that is handed out: where it was built, and by whom."""
        home = str(Path.home())
        # The folder of root is that of the machines on which the packages of others were built, too.
        mine = [str(ROOT), str(self.place.work.resolve()), *([home] if home not in {"/", "/root"} else [])]
        base = str(Path(sys.base_prefix))
        return [*mine, *([base] if base.startswith(home) else [])]


def tell(what: str) -> None:
    """Say what comes now, and when."""
    print(f"== {time.monotonic() - STARTED:4.0f} s  {what}", flush=True)


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def _stop_at(title: str, problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise SystemExit("\n  ".join([f"{title}:", *found[:50]]))


def _show(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size / checks.MEGABYTE:8.1f} MB  {path.name}")


def main() -> None:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "build/package", help="where everything on the way goes")
    parser.add_argument("--artefacts", type=Path, default=ROOT / "build/artefacts", help="where the files go")
    parser.add_argument("--folders", action="store_true", help="stop at the folders of the editions")
    chosen = parser.parse_args()
    try:
        system_packages.install_missing(needed_of_system(), print)
    except system_packages.SystemPackagesError as error:
        raise SystemExit(str(error)) from error
    build = Build(Place(chosen.work.resolve(), chosen.artefacts.resolve()))
    build.make_editions()
    if chosen.folders:
        return
    shutil.rmtree(build.place.artefacts, ignore_errors=True)
    build.place.artefacts.mkdir(parents=True)
    for edition in EDITIONS:
        build.write(edition)
    build.write_compiler()
    checksums.main([str(build.place.artefacts)])
    tell("Done")
    _show(build.place.artefacts)


if __name__ == "__main__":
    main()
