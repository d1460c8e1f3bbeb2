"""The frozen program: what goes into it, and how it begins."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def frozen_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "packaging/frozen")


def begin(**variables: str) -> tuple[int, dict[str, str]]:
    """Begin as the frozen program does; its exit code, and the environment that its children would get."""
    code = f"""
import json, os, runpy, sys
sys.argv = ["tether", "--child", "dancer"]
try:
    runpy.run_path({str(ROOT / "packaging/frozen/entry.py")!r}, run_name="__main__")
except SystemExit as end:
    print(json.dumps([end.code, dict(os.environ)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    status, environment = json.loads(done.stdout)
    return status, environment


def test_what_the_program_starts_is_not_told_where_our_libraries_lie() -> None:
    status, told = begin(LD_LIBRARY_PATH="/bundle", LD_LIBRARY_PATH_ORIG="/own", _PYI_ARCHIVE_FILE="/bundle/tether")
    assert status == 2
    assert told["LD_LIBRARY_PATH"] == "/own"
    assert not {name for name in told if name.startswith("_PYI_") or name.endswith("_ORIG")}
    _, told = begin(LD_LIBRARY_PATH="/bundle")
    assert "LD_LIBRARY_PATH" not in told


@pytest.mark.skipif(sys.platform != "linux", reason="only there it can be replaced, and is kept open")
def test_modules_are_read_from_the_file_that_was_started_whatever_takes_its_place(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("the one that was started", encoding="utf-8")
    code = f"""
import pathlib, runpy, sys, types
place = pathlib.Path({str(program)!r})
archive = types.SimpleNamespace(_filename=str(place))
sys.modules["pyimod02_importers"] = types.SimpleNamespace(pyz_archive=archive)
sys.frozen, sys.executable, sys.argv = True, str(place), ["tether", "--child", "dancer"]
try:
    runpy.run_path({str(ROOT / "packaging/frozen/entry.py")!r}, run_name="__main__")
except SystemExit:
    place.unlink()
    place.write_text("another")
    print(pathlib.Path(archive._filename).read_text())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "the one that was started"


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/plugins/platforms/libqwayland.so", True),
        ("PySide6/Qt/plugins/platforms/libqvnc.so", False),
        ("PySide6\\Qt\\plugins\\tls\\qopensslbackend.dll", False),
        ("PySide6/Qt/translations/qtbase_de.qm", True),
        ("PySide6/Qt/translations/qtbase_fr.qm", False),
        ("libGL.so.1", False),
        ("libstdc++.so.6", False),
        ("libxcb-cursor.so.0", True),
        ("libsqlite3.so.0", True),
        ("resources/translations/tether_de.ts", False),
        ("numpy/core/tests/data.csv", False),
        ("tvm_ffi/include/tvm.h", False),
    ],
)
def test_what_belongs_to_others_or_to_nobody_stays_out(target: str, *, wanted: bool) -> None:
    import contents

    assert contents.is_wanted(target) == wanted


def test_the_whole_standard_library_goes_in_but_for_what_is_named() -> None:
    import contents

    names = contents.standard_library()
    assert {"statistics", "sqlite3", "zoneinfo", "asyncio", "json"} <= set(names)
    assert not set(names) & {*contents.LEFT_OUT, "antigravity", "this"}


def test_resources_go_in_and_sources_of_translations_do_not() -> None:
    import contents

    files = {(Path(source).relative_to(ROOT).as_posix(), target) for source, target in contents.own_files(ROOT)}
    assert ("resources/models.json", "resources") in files
    assert not any(source.endswith(".ts") for source, _ in files)


@pytest.mark.skipif(shutil.which("ld") is None, reason="libraries are made with the linker")
def test_what_nothing_needs_is_taken_out(tmp_path: Path) -> None:
    from artefacts.trim import trim

    inside = tmp_path / "_internal"
    (inside / "package").mkdir(parents=True)
    (inside / "content").write_bytes(b"something")
    subprocess.run(["ld", "-r", "-b", "binary", "-o", "object.o", "content"], cwd=inside, check=True)
    for name, needed in (
        ("libneeded.so.1", ()),
        ("libforgotten.so.1", ()),
        ("libcrypto.so.3", ()),
        ("package/module.so", ("libneeded.so.1",)),
    ):
        command = ["ld", "-shared", "-soname", name, "--no-as-needed", "-o", name, "object.o", *needed]
        subprocess.run(command, cwd=inside, check=True)
    (inside / "alias.so").symlink_to("libforgotten.so.1")
    removed = trim(tmp_path)
    assert sorted(path.name for path in removed) == ["alias.so", "libforgotten.so.1"]
    assert (inside / "libneeded.so.1").exists()
    assert (inside / "libcrypto.so.3").exists()


def test_metadata_keep_their_licences_and_say_so(tmp_path: Path) -> None:
    from artefacts.trim import trim

    folder = tmp_path / "_internal/demo-1.0.dist-info"
    (folder / "licenses").mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n", encoding="utf-8")
    (folder / "licenses/COPYING").write_text("Do as you like.", encoding="utf-8")
    for name in ("direct_url.json", "INSTALLER", "WHEEL", "RECORD"):
        (folder / name).write_text("/home/somebody", encoding="utf-8")
    trim(tmp_path)
    found = metadata.PathDistribution(folder)
    assert found.version == "1.0"
    listed = {str(file) for file in found.files or ()}
    assert listed == {f"{folder.name}/{name}" for name in ("METADATA", "RECORD", "licenses/COPYING")}
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["COPYING", "METADATA", "RECORD"]
