"""A build is put in place as a whole or not at all."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers.tiny_starter import NAME, make_starter
from tether_desktop.errors import InstallError
from tether_desktop.model.compiler.starter_build import StarterBuild, build_starter


@pytest.fixture
def build(tmp_path: Path) -> StarterBuild:
    (tmp_path / "dist/work").mkdir(parents=True)
    starter, wheel = make_starter(tmp_path)
    dist = tmp_path / "dist"
    return StarterBuild(starter, wheel, dist / NAME, dist / "libs", dist / "work", "avx2")


def compile_quickly(model: Path, isa: str, target: Path, on_progress: Callable[[float], None]) -> None:
    """Stands in for the compiler, which has tests of its own."""
    assert (model / "mlc-chat-config.json").is_file()
    on_progress(0.5)
    target.write_bytes(isa.encode())


def in_place(build: StarterBuild) -> list[str]:
    return sorted(path.name for path in build.folder.parent.iterdir() if path != build.work)


def test_library_and_model_folder_are_put_in_place(build: StarterBuild) -> None:
    seen: list[tuple[str, float | None]] = []
    build_starter(build, compile_quickly, lambda *progress: seen.append(progress))
    assert in_place(build) == [NAME, "libs"]
    assert [path.read_bytes() for path in build.library_folder.iterdir()] == [b"avx2"]
    assert [stage for stage, _ in seen if stage != "packing"] == ["compiling", "compiling", "finishing"]
    packing = [part for stage, part in seen if stage == "packing"]
    assert packing == sorted(packing)  # type: ignore[type-var]
    assert packing[-1] == 1.0


def test_the_wheel_does_not_outlive_its_use(build: StarterBuild) -> None:
    build_starter(build, compile_quickly, lambda *_: None)
    assert build.wheel is not None
    assert not build.wheel.exists()


def test_a_compiler_that_fails_leaves_nothing_in_place(build: StarterBuild) -> None:
    def fail(*_: object) -> None:
        raise InstallError("The model cannot be compiled", "No linker.")

    with pytest.raises(InstallError, match="No linker"):
        build_starter(build, fail, lambda *_: None)
    assert in_place(build) == []


def test_the_model_folder_comes_last_so_that_it_never_lacks_its_library(build: StarterBuild) -> None:
    blocked = replace(build, folder=build.folder.parent / "none" / NAME)
    with pytest.raises(InstallError, match="cannot be written"):
        build_starter(blocked, compile_quickly, lambda *_: None)
    assert in_place(build) == ["libs"]


def test_what_was_there_before_is_replaced(build: StarterBuild) -> None:
    build.folder.mkdir()
    (build.folder / "old").write_text("")
    build_starter(build, compile_quickly, lambda *_: None)
    assert not (build.folder / "old").exists()
    assert (build.folder / "README.md").exists()


@pytest.mark.parametrize("failing_call", range(1, 11))
def test_a_disk_that_gets_full_at_any_point_is_told_and_leaves_no_model(
    build: StarterBuild, monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    calls = 0

    def fill_up(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls >= failing_call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(InstallError, match="No space left on device"):
        build_starter(build, compile_quickly, lambda *_: None)
    assert NAME not in in_place(build)


def test_a_damaged_wheel_is_told(build: StarterBuild) -> None:
    assert build.wheel is not None
    content = bytearray(build.wheel.read_bytes())
    content[2000:2100] = bytes(100)
    build.wheel.write_bytes(content)
    with pytest.raises(InstallError, match="cannot be used"):
        build_starter(build, compile_quickly, lambda *_: None)
    build.wheel.write_bytes(b"no zip")
    with pytest.raises(InstallError, match="cannot be used"):
        build_starter(replace(build, work=_fresh(build, "again")), compile_quickly, lambda *_: None)


def test_a_licence_of_an_absurd_size_is_refused(build: StarterBuild) -> None:
    assert build.wheel is not None
    with zipfile.ZipFile(build.wheel, "a") as wheel:
        wheel.writestr("huge", bytes(2 << 20))
    with pytest.raises(InstallError, match="huge has 2,097,152 bytes"):
        build_starter(replace(build, starter=replace(build.starter, licence="huge")), compile_quickly, lambda *_: None)


def _fresh(build: StarterBuild, name: str) -> Path:
    folder = build.work / name
    folder.mkdir()
    return folder
