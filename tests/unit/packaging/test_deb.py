"""The Debian packages: their names, what they need, and where their files go."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tether_desktop.screen import OF_THE_SYSTEM

EPOCH = 1_600_000_000
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg is Debian's")


def asked(package: Path, *options: str) -> str:
    return subprocess.run(["dpkg-deb", *options, str(package)], capture_output=True, text=True, check=True).stdout


def test_the_full_edition_replaces_the_lite_one_and_the_next_version_both() -> None:
    from artefacts.packages import edition_version

    lite, full, following = edition_version("0.1.0", "lite"), edition_version("0.1.0", "full"), "0.1.1"
    if shutil.which("dpkg"):
        for older, newer in ((lite, full), (full, following)):
            assert subprocess.run(["dpkg", "--compare-versions", older, "lt", newer], check=False).returncode == 0
    assert (lite, full) == ("0.1.0", "0.1.0+full")


def test_everything_that_is_the_systems_own_has_a_package_that_is_asked_for() -> None:
    from artefacts.packages import program_package

    package = program_package("1", "lite", "2.36")
    asked_for = {word.split(" ")[0] for field in (*package.depends, *package.recommends) for word in field.split(" | ")}
    assert set(OF_THE_SYSTEM.values()) <= asked_for


@needs_dpkg
def test_a_package_is_the_same_bytes_each_time_and_roots(tmp_path: Path) -> None:
    from artefacts.deb import Package, write_deb

    made = []
    for number in (1, 2):
        stage = tmp_path / f"stage{number}"
        (stage / "usr/bin").mkdir(parents=True)
        (stage / "usr/bin/program").write_text("#!/bin/sh\n", encoding="utf-8")
        (stage / "usr/bin/name with spaces").symlink_to("program")
        (tmp_path / "scripts").mkdir(exist_ok=True)
        (tmp_path / "scripts/postinst").write_text("#!/bin/sh\n", encoding="utf-8")
        package = Package("demo", "1", ("libc6",), (), "a demo", ("One\n two.", "Three."))
        made.append(tmp_path / f"demo{number}.deb")
        write_deb(package, stage, made[-1], epoch=EPOCH, scripts=tmp_path / "scripts")
    assert made[0].read_bytes() == made[1].read_bytes()
    assert "root/root" in asked(made[0], "--contents")
    assert asked(made[0], "--field").splitlines()[:4] == [
        "Package: demo",
        "Version: 1",
        "Architecture: amd64",
        "Maintainer: Tether Desktop maintainers <maintainers@tetherdesktop.invalid>",
    ]
    assert asked(made[0], "--field").endswith("Description: a demo\n One\n two.\n .\n Three.\n")


def test_an_edition_is_laid_out_where_the_system_looks(tmp_path: Path) -> None:
    from artefacts.packages import stage_program
    from artefacts.tree import file_list

    folder = tmp_path / "tether"
    for name in ("tether", "uninstall.sh", "_internal/LICENSE", "share/applications/a.desktop",
                 "share/systemd/user/tether.service"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    stage_program(folder, tmp_path / "stage")
    assert file_list(tmp_path / "stage") == [
        "usr/bin/tether",
        "usr/lib/systemd/user/tether.service",
        "usr/lib/tether-desktop/_internal/LICENSE",
        "usr/lib/tether-desktop/tether",
        "usr/share/applications/a.desktop",
        "usr/share/doc/tether-desktop/copyright",
    ]
    assert (tmp_path / "stage/usr/bin/tether").resolve() == tmp_path / "stage/usr/lib/tether-desktop/tether"
