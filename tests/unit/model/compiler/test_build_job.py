"""A build is put in place as a whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.packed_models import write_native_file
from tests.helpers.tiny_model import TinyConfig, make_tiny_model, write_tiny_gguf
from tests.helpers.tiny_starter import NAME, make_starter
from tether_desktop.errors import InstallError, ModelBroken
from tether_desktop.model.compiler.build_job import build_model, library_name
from tether_desktop.model.decoder_shape import shape_json, shape_of
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.model_folder import CONFIG_NAME, read_config, read_json
from tether_desktop.model.install.compile_job import BuildRequest


@pytest.fixture
def request_(tmp_path: Path) -> BuildRequest:
    """A build of the tiny starter from its wheel."""
    dist = tmp_path / "dist"
    (dist / "work").mkdir(parents=True)
    starter, wheel = make_starter(tmp_path)
    return BuildRequest(
        dist / NAME,
        dist / "libs",
        dist / "work",
        "avx2",
        wheel=wheel,
        starter=starter,
        origin="The tests.",
        licence="MIT",
    )


def compile_quickly(model: Path, isa: str, target: Path, on_progress: Callable[[float], None]) -> None:
    """Stands in for the compiler, which has tests of its own."""
    config = read_json(model / CONFIG_NAME)
    on_progress(0.5)
    write_native_file(target, metadata_of(config, isa))


def metadata_of(config: dict[str, Any], isa: str) -> dict[str, Any]:
    shape = shape_of(config)
    return {
        "tether_library": 2,
        "model_type": config["model_type"],
        "isa": isa,
        "prefill_chunk_size": config["prefill_chunk_size"],
        "decoder": shape_json(shape),
        "arguments": list(shape.parameters()),
    }


def never_compile(*_: object) -> None:
    raise AssertionError("nothing has to be compiled")


def silent(*_: object) -> None:
    """Nobody listens."""


def in_place(build: BuildRequest) -> list[str]:
    return sorted(path.name for path in build.folder.parent.iterdir() if path != build.work)


def from_gguf(build: BuildRequest, **changes: Any) -> BuildRequest:
    """The same build of a GGUF file."""
    source = build.folder.parent.parent / "source.gguf"
    if not source.exists():
        write_tiny_gguf(source, TinyConfig(), fields={"general.license": "apache-2.0"})
    return replace(build, wheel=None, starter=None, source=source, licence="", work=fresh(build, "gguf"), **changes)


def fresh(build: BuildRequest, name: str) -> Path:
    folder = build.work / name
    folder.mkdir()
    return folder


def test_library_and_model_folder_are_put_in_place(request_: BuildRequest) -> None:
    seen: list[tuple[str, float | None]] = []
    report = build_model(request_, compile_quickly, lambda *progress: seen.append(progress))
    assert in_place(request_) == [NAME, "libs"]
    assert (list(request_.library_folder.iterdir()), report.compiled) == ([report.library], True)
    assert [stage for stage, _ in seen if stage != "packing"] == ["compiling", "compiling", "finishing"]
    packing = [part for stage, part in seen if stage == "packing"]
    assert packing == sorted(packing)  # type: ignore[type-var]
    assert packing[-1] == 1.0
    assert {mapped.matrix: mapped.exact for mapped in report.mappings} == dict.fromkeys(
        ("embed", "qkv", "o", "gate_up", "down"), True
    )


def test_the_wheel_does_not_outlive_its_use(request_: BuildRequest) -> None:
    build_model(request_, compile_quickly, silent)
    assert request_.wheel is not None
    assert not request_.wheel.exists()


def test_a_gguf_file_keeps_its_licence_and_stays_where_it_is(request_: BuildRequest) -> None:
    build = from_gguf(request_)
    build_model(build, compile_quickly, silent)
    card = (build.folder / "README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card
    assert "The tests." in card
    assert build.source is not None
    assert build.source.exists()


def test_what_a_copy_was_packed_from_is_noted(request_: BuildRequest) -> None:
    made_from = {"path": "source.gguf", "size": 1, "modified_ns": 2}
    build = from_gguf(request_, packed_from=made_from)
    build_model(build, compile_quickly, silent)
    assert read_config(build.folder).packed_from == made_from


def test_a_compiler_that_fails_leaves_nothing_in_place(request_: BuildRequest) -> None:
    def fail(*_: object) -> None:
        raise InstallError("The model cannot be compiled", "No linker.")

    with pytest.raises(InstallError, match="No linker"):
        build_model(request_, fail, silent)
    assert in_place(request_) == []


def test_the_model_folder_comes_last_so_that_it_never_lacks_its_library(request_: BuildRequest) -> None:
    blocked = request_.folder.parent / "file"
    blocked.write_text("")
    with pytest.raises(InstallError, match="cannot be written"):
        build_model(replace(request_, folder=blocked / NAME), compile_quickly, silent)
    assert in_place(request_) == ["file", "libs"]


def test_what_was_there_before_is_replaced(request_: BuildRequest) -> None:
    request_.folder.mkdir()
    (request_.folder / "old").write_text("")
    build_model(request_, compile_quickly, silent)
    assert not (request_.folder / "old").exists()
    assert (request_.folder / "README.md").exists()


def test_models_of_the_same_shape_share_a_library(request_: BuildRequest) -> None:
    first = build_model(request_, compile_quickly, silent)
    trust.add(first.library)
    second = build_model(from_gguf(request_, folder=request_.folder.with_name("Other")), never_compile, silent)
    assert (second.library, second.compiled) == (first.library, False)
    assert in_place(request_) == ["Other", NAME, "libs"]


def test_a_library_that_nobody_allowed_is_not_reused(request_: BuildRequest) -> None:
    build_model(request_, compile_quickly, silent)
    assert build_model(from_gguf(request_), compile_quickly, silent).compiled


def test_a_library_is_compiled_anew_when_that_is_asked_for(request_: BuildRequest) -> None:
    first = build_model(request_, compile_quickly, silent)
    trust.add(first.library)
    again = replace(request_, wheel=None, starter=None, compile_anew=True)
    assert build_model(again, compile_quickly, silent).compiled
    assert read_config(request_.folder).shape is not None


def test_names_of_libraries_differ_with_the_shape_and_the_instruction_set(tmp_path: Path) -> None:
    tied = read_config(make_tiny_model(tmp_path, TinyConfig(), "Tied").folder).shape
    untied = read_config(make_tiny_model(tmp_path, TinyConfig(tied=False), "Untied").folder).shape
    assert tied is not None
    assert untied is not None
    names = {library_name("llama", shape, chunk, isa) for shape in (tied, untied) for chunk in (32, 64) for isa in "ab"}
    assert len(names) == 8
    assert library_name("llama", tied, 64, "avx2").startswith("llama-")


@pytest.mark.parametrize("failing_call", range(1, 11))
def test_a_disk_that_gets_full_at_any_point_is_told_and_leaves_no_model(
    request_: BuildRequest, monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    calls = 0

    def fill_up(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls >= failing_call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(InstallError, match="No space left on device"):
        build_model(request_, compile_quickly, silent)
    assert NAME not in in_place(request_)


def test_a_damaged_wheel_is_told(request_: BuildRequest) -> None:
    assert request_.wheel is not None
    content = bytearray(request_.wheel.read_bytes())
    content[2000:2100] = bytes(100)
    request_.wheel.write_bytes(content)
    with pytest.raises(InstallError, match="cannot be used"):
        build_model(request_, compile_quickly, silent)
    request_.wheel.write_bytes(b"no zip")
    with pytest.raises(InstallError, match="cannot be used"):
        build_model(replace(request_, work=fresh(request_, "again")), compile_quickly, silent)


def test_a_licence_of_an_absurd_size_is_refused(request_: BuildRequest) -> None:
    assert request_.wheel is not None
    assert request_.starter is not None
    with zipfile.ZipFile(request_.wheel, "a") as wheel:
        wheel.writestr("huge", bytes(2 << 20))
    with pytest.raises(InstallError, match="huge has 2,097,152 bytes"):
        build_model(replace(request_, starter=replace(request_.starter, licence="huge")), compile_quickly, silent)


def test_a_packed_folder_is_copied_with_what_belongs_to_it(request_: BuildRequest, tmp_path: Path) -> None:
    packed = make_tiny_model(tmp_path).folder
    (packed / "LICENSE").write_text("Free.")
    (packed / "run_me.py").write_text("evil")
    (packed / "inner").mkdir()
    seen: list[float | None] = []
    build = replace(request_, wheel=None, starter=None, source=packed)
    report = build_model(build, compile_quickly, lambda stage, part: seen.append(part) if stage == "packing" else None)
    names = {path.name for path in packed.iterdir()} - {"run_me.py", "inner"}
    assert {path.name for path in build.folder.iterdir()} == names
    assert all((build.folder / name).read_bytes() == (packed / name).read_bytes() for name in names)
    assert (seen, report.mappings) == (sorted(seen), ())  # type: ignore[type-var]
    assert seen[-1] == 1.0


def test_a_packed_folder_that_is_damaged_is_not_copied(request_: BuildRequest, tmp_path: Path) -> None:
    packed = make_tiny_model(tmp_path).folder
    shard = packed / "params_shard_0.bin"
    shard.write_bytes(bytes(shard.stat().st_size))
    with pytest.raises(ModelBroken, match="MD5"):
        build_model(replace(request_, wheel=None, starter=None, source=packed), compile_quickly, silent)
    assert in_place(request_) == []


def test_a_packed_folder_whose_index_leads_elsewhere_is_not_copied(request_: BuildRequest, tmp_path: Path) -> None:
    packed = make_tiny_model(tmp_path).folder
    index = read_json(packed / "tensor-cache.json")
    index["records"][0]["dataPath"] = "../outside.bin"
    (packed / "tensor-cache.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(ModelBroken):
        build_model(replace(request_, wheel=None, starter=None, source=packed), compile_quickly, silent)
    assert in_place(request_) == []
