"""The doctor: it names what does not work, and what to do about it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.helpers.packed_models import write_library, write_official_library
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.app import Tether
from tether_desktop.cli import main
from tether_desktop.doctor import Finding, examine, models, program
from tether_desktop.model.discovery import trust
from tether_desktop.model.pool.demand import Demand
from tether_desktop.model.pool.memory_fit import Memory, Needs
from tether_desktop.model.tvm import runtime
from tether_desktop.settings import load_settings


class Usage(NamedTuple):
    """What ``shutil.disk_usage`` returns."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A healthy machine with one model."""
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MLC_DIST_PATH", str(tmp_path / "dist"))
    monkeypatch.setenv("MLC_PORT", "0")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(main, "start_logging", lambda: None)
    monkeypatch.setattr(program, "supported_isas", lambda: ("avx2",))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 10**12))
    write_scripted_model(tmp_path / "dist")
    return tmp_path


def finding(check: str) -> Finding:
    (found,) = [each for each in examine() if each.check == check]
    return found


def test_a_healthy_machine_has_nothing_to_complain_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert {each.status for each in examine()} == {"ok"}
    assert main.run(["doctor"]) == 0
    assert "model Scripted: usable" in capsys.readouterr().out


def test_looking_creates_no_database(folders: Path) -> None:
    assert finding("database").status == "ok"
    assert not list((folders / "data").glob("*.db*"))


def test_something_essential_that_fails_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "supported_isas", lambda: ())
    assert main.run(["doctor", "--json"]) == 1
    findings = {each["check"]: each for each in json.loads(capsys.readouterr().out)}
    assert findings["processor"]["status"] == "fail"
    assert findings["processor"]["remedy"]


def test_a_broken_model_is_a_warning_with_its_remedy(folders: Path) -> None:
    (folders / "dist" / "Scripted" / "script.json").unlink()
    assert finding("model Scripted").status == "warn"
    assert finding("model Scripted").remedy
    assert "models add starter" in finding("models").remedy


def test_a_model_that_memory_is_not_enough_for_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = Needs(weights=5_000_000_000, cache=0, working=0)
    monkeypatch.setattr(models, "expected_demand", lambda *_: Demand(needs))
    monkeypatch.setattr(models, "memory_now", lambda: Memory(4_000_000_000))
    assert finding("memory").status == "warn"
    assert finding("memory").message == "4.0 GB free; Scripted needs 5.0 GB."
    monkeypatch.setattr(models, "memory_now", lambda: Memory(6_000_000_000))
    assert finding("memory").status == "ok"


def test_every_model_folder_is_named_and_one_that_cannot_be_read_is_a_warning(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders / "file").write_text("")
    roots = [folders / "dist", folders / "later", folders / "file"]
    monkeypatch.setenv("MLC_DIST_PATH", os.pathsep.join(map(str, roots)))
    found = [each for each in examine() if each.check == "model folder"]
    assert [each.status for each in found] == ["ok", "ok", "warn"]
    assert all(str(root) in each.message for root, each in zip(roots, found, strict=True))
    assert "MLC_DIST_PATH" in found[-1].remedy


def test_libraries_say_what_they_are_for_and_whether_they_may_run(folders: Path) -> None:
    write_library(folders / "dist")
    write_library(folders / "dist", "foreign.so", isa="avx512_vnni", trusted=False)
    write_official_library(folders / "dist")
    (folders / "dist" / "libs" / "unknown.so").write_bytes(b"something")
    assert finding("library tiny.so").message == "llama, AVX2; may run"
    assert finding("library foreign.so").message == "llama, AVX512-VNNI; nobody has allowed it to run yet"
    assert finding("library tiny-vulkan.so").message == "MLC-LLM's, llama q4f16_1; nobody has allowed it to run yet"
    assert finding("library unknown.so").status == "warn"
    assert finding("library unknown.so").remedy


def test_a_list_of_trusted_libraries_that_cannot_be_read_is_a_warning(folders: Path) -> None:
    assert not [each for each in examine() if each.check == "trusted libraries"]
    write_library(folders / "dist")
    trust.trusted_path().write_text("damaged")
    assert finding("trusted libraries").status == "warn"
    assert finding("trusted libraries").remedy


@pytest.mark.parametrize(("there", "text"), [(True, "installed"), (False, "not installed; only libraries")])
def test_the_official_engine_is_optional(monkeypatch: pytest.MonkeyPatch, *, there: bool, text: str) -> None:
    monkeypatch.setattr(models, "official_engine_there", lambda: there)
    assert finding("MLC-LLM's own engine").message.startswith(text)
    assert finding("MLC-LLM's own engine").status == "ok"


@pytest.mark.parametrize("package", ["tvm", "tvm_ffi"])
def test_a_missing_runtime_is_a_failure(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    found = importlib.util.find_spec

    def find_spec(name: str) -> object:
        return None if name == package else found(name)

    monkeypatch.setattr(runtime, "find_spec", find_spec)
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    assert finding("runtime").status == "fail"
    assert finding("runtime").remedy


async def test_a_running_instance_is_not_a_fault() -> None:
    async with Tether(load_settings()):
        assert finding("data folder").status == "ok"
        assert "running Tether" in finding("data folder").message
        assert finding("database").message.startswith("0 conversations, ")


def test_a_data_folder_that_cannot_be_used_is_a_failure(folders: Path) -> None:
    (folders / "data").write_text("a file, not a folder")
    assert finding("data folder").status == "fail"
    assert "TETHER_DATA_DIR" in finding("data folder").remedy


def test_settings_that_cannot_be_used_are_a_failure_and_the_rest_is_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_TEMPERATURE", "warm")
    assert finding("settings").status == "fail"
    assert "TETHER_TEMPERATURE" in finding("settings").remedy
    assert finding("processor").status == "ok"


def test_a_database_that_cannot_be_opened_is_a_failure(folders: Path) -> None:
    (folders / "data").mkdir()
    (folders / "data" / "tether.db").write_bytes(b"this is no database " * 100)
    assert finding("database").status == "fail"
    assert finding("database").message


@pytest.mark.parametrize(("free", "status"), [(50_000_000, "fail"), (500_000_000, "warn"), (2_000_000_000, "ok")])
def test_scarce_disk_space_is_told(monkeypatch: pytest.MonkeyPatch, free: int, status: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, free))
    assert finding("disk of the data folder").status == status
    assert finding("disk of the models").status == status


def test_qt_that_cannot_be_loaded_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PySide6.QtWidgets", None)
    assert finding("window").status == "fail"
    assert finding("window").remedy


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display of their own")
def test_no_display_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert finding("display").status == "warn"
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert finding("display").message == "Wayland"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is theirs")
def test_a_missing_library_of_x11_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.setattr(program.ctypes, "CDLL", missing)
    assert finding("display").status == "fail"
    assert "libxcb-cursor0" in finding("display").remedy


def test_missing_fonts_are_a_warning(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    monkeypatch.setattr(program.paths, "resources_dir", lambda: folders)
    assert finding("fonts").status == "warn"
