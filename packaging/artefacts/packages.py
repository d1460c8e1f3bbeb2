"""The Debian packages of Tether: what they are called and need, and where their files go."""

from __future__ import annotations

import shutil
from pathlib import Path

from artefacts.deb import Package
from artefacts.tree import link_tree

NAME = "tether-desktop"
HOME = Path("usr/lib/tether-desktop")
_LIBRARIES = (
    *("libgcc-s1", "libstdc++6", "zlib1g"),
    *("libgl1", "libegl1", "libx11-6", "libx11-xcb1", "libxcb1", "xkb-data"),
    *("libdbus-1-3", "libfontconfig1", "libfreetype6", "libglib2.0-0t64 | libglib2.0-0"),
)
"""What the program finds on the system; :data:`tether_desktop.screen.OF_THE_SYSTEM` has the files."""

_WAYLAND = ("libwayland-client0", "libwayland-cursor0", "libwayland-egl1")
_WHAT = (
    "Tether runs language models on your own processor, keeps every conversation in\n"
    " a database on your own disk, and lets models use tools with your permission.\n"
    " Nothing you write leaves the machine, unless you choose a model on a server."
)
_COMPILER = (
    "Most models run without it: Tether brings libraries for those that it offers.\n"
    " This compiles them for any other model, with Apache TVM."
)
_WITH = {
    "full": "This edition has a first small model inside, and works offline at once.",
    "lite": "This edition offers a first small model to download when it is first opened.",
}


def program_package(version: str, edition: str, glibc: str) -> Package:
    """The package of an edition; both have one name, so that one replaces the other and both go the same way."""
    return Package(
        NAME,
        edition_version(version, edition),
        (f"libc6 (>= {glibc})", *_LIBRARIES),
        (*_WAYLAND, "xdg-desktop-portal"),
        "private assistant that runs language models on your own computer",
        (_WHAT, _WITH[edition]),
    )


def compiler_package(version: str, glibc: str) -> Package:
    """The package of the compiler, which goes with this very version."""
    oldest, newest = (edition_version(version, edition) for edition in ("lite", "full"))
    return Package(
        f"{NAME}-compiler",
        version,
        (f"{NAME} (>= {oldest})", f"{NAME} (<= {newest})", f"libc6 (>= {glibc})", "binutils"),
        (),
        "compiler for models that Tether has no library for",
        (_COMPILER,),
    )


def system_packages(suite: str) -> list[str]:
    """What the program asks of a Debian, by the names that it has there: what desktops have without asking."""
    newer = suite != "bookworm"
    return [choice[0 if newer else -1] for choice in (each.split(" | ") for each in _LIBRARIES)]


def edition_version(version: str, edition: str) -> str:
    """The version of a package; the full edition counts as newer than the lite one of the same program."""
    return version if edition == "lite" else f"{version}+{edition}"


def stage_program(folder: Path, stage: Path) -> None:
    """Lay out an edition like the root of the system."""
    shutil.rmtree(stage, ignore_errors=True)
    link_tree(folder, stage / HOME)
    (stage / HOME / "uninstall.sh").unlink()
    shutil.move(stage / HOME / "share", stage / "usr/share")
    units = stage / "usr/lib/systemd/user"
    units.parent.mkdir(parents=True)
    shutil.move(stage / "usr/share/systemd/user", units)
    (stage / "usr/share/systemd").rmdir()
    commands = stage / "usr/bin"
    commands.mkdir()
    (commands / "tether").symlink_to("../lib/tether-desktop/tether")
    documents = stage / "usr/share/doc" / NAME
    documents.mkdir(parents=True)
    shutil.copyfile(folder / "_internal/LICENSE", documents / "copyright")


def stage_compiler(folder: Path, stage: Path) -> None:
    """Lay out the compiler like the root of the system."""
    shutil.rmtree(stage, ignore_errors=True)
    link_tree(folder, stage / HOME / folder.name)
    link_tree(folder / "licences", stage / "usr/share/doc" / f"{NAME}-compiler")
