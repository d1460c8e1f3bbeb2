"""What libraries ask of others, read from real ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have other formats")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library without content that needs libc and one that is nowhere."""
    linker = shutil.which("ld")
    assert linker is not None
    (tmp_path / "content").write_bytes(b"something")
    subprocess.run([linker, "-r", "-b", "binary", "-o", "object.o", "content"], cwd=tmp_path, check=True)
    for name, needed in (("libother.so.3", ()), ("libours.so.1", ("libother.so.3",))):
        command = [linker, "-shared", "-soname", name, "--no-as-needed", "-o", name, "object.o", *needed]
        subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path / "libours.so.1"


def test_a_library_says_its_name_and_its_needs(library: Path) -> None:
    from artefacts.elf import Elf, read_elf

    assert read_elf(library) == Elf("libours.so.1", ("libother.so.3",))


def test_other_files_say_nothing(tmp_path: Path) -> None:
    from artefacts.elf import read_elf

    for content in (b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01"):
        (tmp_path / "file").write_bytes(content)
        assert read_elf(tmp_path / "file") is None


def test_what_lies_beside_is_not_asked_of_the_system(library: Path) -> None:
    from artefacts.elf import asked_of_the_system

    assert asked_of_the_system(library.parent) == {}
    (library.parent / "libother.so.3").unlink()
    assert asked_of_the_system(library.parent) == {"libother.so.3": [library]}


def test_the_oldest_glibc_is_that_of_the_most_demanding_file() -> None:
    from artefacts.elf import oldest_glibc

    major, minor = oldest_glibc(Path(sys.executable).resolve().parents[1] / "bin").split(".")
    assert (major, int(minor) > 2) == ("2", True)
