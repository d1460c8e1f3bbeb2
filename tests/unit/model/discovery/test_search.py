"""Looking through the model folders: what is a model, what it is called, and what cannot be looked at."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.packed_models import (
    write_library,
    write_packed_model,
)
from tests.helpers.scripted_models import write_scripted_model
from tests.helpers.source_weights import only, write_checkpoint, write_gguf
from tether_desktop.errors import (
    ModelBroken,
)
from tether_desktop.model.discovery import search as model_search
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.catalog import Catalog

pytestmark = pytest.mark.usefixtures("avx2_computer")


def test_models_are_found_down_to_the_eighth_level(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "1" / "2" / "3" / "4" / "5" / "6" / "7", "Deep")
    write_scripted_model(tmp_path / "1" / "2" / "3" / "4" / "5" / "6" / "7" / "8", "Too deep")
    write_scripted_model(tmp_path, "High")
    assert [entry.name for entry in Catalog([tmp_path]).list()] == ["Deep", "High"]


def test_models_inside_a_model_half_made_ones_and_plain_folders_are_not_listed(tmp_path: Path) -> None:
    folder = write_scripted_model(tmp_path, "Outer")
    write_scripted_model(folder, "Inner")
    write_scripted_model(tmp_path, ".Half-made")
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").write_text("not a folder")
    assert [entry.name for entry in Catalog([tmp_path]).list()] == ["Outer"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_loop_of_links_is_not_followed(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "models", "One")
    (tmp_path / "models" / "back").symlink_to(tmp_path, target_is_directory=True)
    assert [entry.name for entry in Catalog([tmp_path]).list()] == ["One"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_linked_model_is_listed(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "elsewhere", "Linked")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "Linked").symlink_to(tmp_path / "elsewhere" / "Linked", target_is_directory=True)
    assert only(tmp_path / "dist").usable


def test_models_of_the_same_name_are_told_apart_by_their_path(tmp_path: Path) -> None:
    folders = [write_scripted_model(tmp_path / where, "Same") for where in ("one", "one/more", "two", "two/more")]
    catalog = Catalog([tmp_path / "one", tmp_path / "two"])
    names = {entry.name: entry.path for entry in catalog.list()}
    assert sorted(names.values()) == sorted(folders)
    assert names["Same"] == folders[0]
    assert all(catalog.get(name).path == path for name, path in names.items())


def test_every_gguf_file_of_a_folder_is_a_model(tmp_path: Path) -> None:
    for name in ("Tiny-Q4_0.gguf", "Tiny-Q8_0.gguf"):
        write_gguf(tmp_path / "Tiny" / name)
    write_gguf(tmp_path / "Tiny" / "sub" / "Other.gguf")
    assert [entry.name for entry in Catalog([tmp_path]).list()] == ["Other", "Tiny-Q4_0", "Tiny-Q8_0"]


def test_a_split_gguf_is_one_model_and_all_its_parts_must_be_there(tmp_path: Path) -> None:
    parts = [write_gguf(tmp_path / f"Big-{number:05}-of-00003.gguf", number) for number in (1, 2, 3)]
    assert (only(tmp_path).name, only(tmp_path).path, only(tmp_path).size_bytes) == ("Big", parts[0], 6)
    parts[0].unlink()
    assert only(tmp_path).reason == f"{parts[0].name} is missing or empty."


def test_snapshots_in_the_cache_of_the_hub_are_called_as_their_repository(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "models--Qwen--Qwen2.5-0.5B" / "snapshots", "0123abc")
    assert only(tmp_path).name == "Qwen2.5-0.5B"


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_links_that_lead_nowhere_are_listed_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "not there")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    gone, loop = Catalog([tmp_path]).list()
    assert gone.reason == f"It is a link to {tmp_path / 'not there'}, which is not there."
    assert loop.reason == "It is a link that leads to itself."
    assert all(entry.remedy and not entry.usable for entry in (gone, loop))
    with pytest.raises(ModelBroken, match="leads to itself"):
        Catalog([tmp_path]).verify("loop")
    Catalog([tmp_path]).remove("loop")
    assert only(tmp_path) == gone


def test_a_folder_that_cannot_be_read_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, scandir = tmp_path / "secret", os.scandir
    secret.mkdir()

    def refused(path: Path) -> Any:
        if Path(path) == secret:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert (only(tmp_path).name, only(tmp_path).reason) == ("secret", "It cannot be read: Permission denied.")


def test_a_model_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("not a folder")
    assert "cannot be read" in only(tmp_path / "dist").reason


def test_a_model_that_is_named_as_the_model_folder_is_found(tmp_path: Path) -> None:
    folder = write_scripted_model(tmp_path, "Direct")
    assert (only(folder).name, only(folder).usable) == ("Direct", True)


def test_folders_named_twice_or_inside_each_other_give_each_model_once(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "sub", "One")
    roots = [tmp_path, tmp_path, tmp_path / "sub", tmp_path / "sub"]
    assert [entry.name for entry in Catalog(roots).list()] == ["One"]


def test_a_whole_disk_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_search, "MOST_FOLDERS", 5)
    for number in range(9):
        (tmp_path / str(number)).mkdir()
    write_scripted_model(tmp_path, "9")
    assert "more than 5 folders" in only(tmp_path).reason


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have only names that are text")
def test_a_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/bad\xff")  # noqa: PTH102  (a path of bytes)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff/model.gguf")).write_bytes(b"x")
    write_scripted_model(Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff")), "S\udcff")
    names = [entry.name for entry in Catalog([tmp_path]).list()]
    assert names == ["S\ufffd", "model"]
    assert Catalog([tmp_path]).get("S\ufffd").usable


def test_looking_never_loads_anything_native(tmp_path: Path) -> None:
    write_packed_model(tmp_path)
    library = write_library(tmp_path)
    library.write_bytes(library.read_bytes() + b"no code at all")
    trust.add(library)
    loaded = {*sys.modules}
    assert only(tmp_path).usable
    assert not {name for name in sys.modules.keys() - loaded if name.split(".")[0] in {"tvm", "tvm_ffi", "mlc_llm"}}
