"""A model folder full of traps is listed to its end: each trap with its reason, and nothing in it changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.hostile_files import everything_below
from tests.helpers.packed_models import SHAPE, write_json, write_library, write_native_file, write_packed_model
from tether_desktop.errors import TetherError
from tether_desktop.model.decoder_shape import shape_json
from tether_desktop.model.discovery import catalog, embedded_json
from tether_desktop.model.discovery.catalog import Catalog, ModelEntry
from tether_desktop.model.discovery.watch import folder_state

EMPTY_LISTS = "[]," * 200_000
DECODER = shape_json(SHAPE)


@pytest.fixture(autouse=True)
def avx2_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer with AVX2 and without MLC-LLM."""
    monkeypatch.setattr(catalog, "supported_isas", lambda: ("avx2",))
    monkeypatch.setattr(catalog, "official_engine_there", lambda: False)


def listed(root: Path) -> dict[str, ModelEntry]:
    """All models by name; looking at them and at each of them changes nothing."""
    before = everything_below(root)
    entries = {entry.name: entry for entry in Catalog([root]).list()}
    folder_state([root])
    for name in list(entries)[:20]:
        for look in (Catalog([root]).find, Catalog([root]).source, Catalog([root]).verify, Catalog([root]).paths):
            try:
                look(name)
            except TetherError as error:
                assert error.hint, name  # noqa: PT017  (most are refused, and each with a hint)
    assert everything_below(root) == before
    for entry in entries.values():
        assert entry.usable or (entry.reason and entry.remedy)
        assert not [word for word in ("object has no", "NoneType", "indices must be", "'<'") if word in entry.reason]
    return entries


@pytest.mark.parametrize(
    "content",
    [f'{{"a":[{EMPTY_LISTS}[]]}}', '{"a":' + "[" * 2_000_000, "9" * 5000, "NaN", "\0" * 99, "[" * 3_000_000],
    ids=["lists", "depth", "digits", "NaN", "zeros", "size"],
)
@pytest.mark.parametrize("name", ["mlc-chat-config.json", "tensor-cache.json"])
def test_a_file_that_is_no_description_is_told(tmp_path: Path, name: str, content: str) -> None:
    (write_packed_model(tmp_path, "trap") / name).write_text(content)
    write_packed_model(tmp_path, "sound")
    write_library(tmp_path)
    entries = listed(tmp_path)
    assert (entries["sound"].usable, entries["trap"].usable) == (True, False)
    assert name in entries["trap"].reason


@pytest.mark.parametrize(
    "changes",
    [
        {"decoder": {**DECODER, "norm_eps": 10**400}},
        {"decoder": {**DECODER, "norm_eps": float("nan")}},
        {"decoder": {**DECODER, "hidden": 2**62}},
        {"decoder": {**DECODER, "formats": []}},
        {"decoder": []},
        {"isa": "x" * 1000},
        {"arguments": [[[]]]},
        {"arguments": 7},
        {"arguments": ["x"]},
        {"prefill_chunk_size": 10**30},
        {"tether_library": 10**400},
    ],
)
def test_a_library_that_says_what_cannot_be_fits_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_packed_model(tmp_path, "sound")
    write_library(tmp_path, **changes)
    assert "no compiled library" in listed(tmp_path)["sound"].reason


@pytest.mark.parametrize("marker", ['{"tether_library"', '{"model_type"'])
def test_no_library_is_read_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str) -> None:
    tried: list[int] = []
    parse = embedded_json._try_parse

    def counted(text: bytes, *arguments: Any) -> Any:
        tried.append(len(text))
        return parse(text, *arguments)

    monkeypatch.setattr(embedded_json, "_try_parse", counted)
    write_packed_model(tmp_path, "sound")
    trap = write_native_file(tmp_path / "libs" / "trap.so", {})
    trap.write_text(f"{marker}:[{EMPTY_LISTS}" * 20)
    assert not listed(tmp_path)["sound"].usable
    assert sum(tried) <= 8 << 20


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be there")
def test_names_are_shown_as_a_screen_can(tmp_path: Path) -> None:
    for name in ("\x1b[2J\x1b]0;x\x07", "\u202egnp", "a\nb", "con", "x" * 200, " lead", "-rf", "$(rm)", "<b>", "%s{0}"):
        (tmp_path / f"{name}.gguf").write_bytes(b"GGUF")
    names = listed(tmp_path).keys()
    assert len(names) == 10
    assert all(name.isprintable() for name in names)
    assert "\ufffd[2J\ufffd]0;x\ufffd" in names


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_and_devices_lead_nowhere(tmp_path: Path) -> None:
    links = {"self": "self", "gone": "nowhere", "round": ".", "zero.gguf": "/dev/zero", "null.gguf": os.devnull}
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "pipe.gguf")
    trap = write_packed_model(tmp_path, "trap")
    (trap / "mlc-chat-config.json").unlink()
    os.mkfifo(trap / "mlc-chat-config.json")
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "zero.so").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "libs" / "pipe.so")
    assert not [entry for entry in listed(tmp_path).values() if entry.usable]


def weight_map(places: Any) -> Callable[[Path], None]:
    return lambda folder: write_json(folder / "model.safetensors.index.json", {"weight_map": places})


@pytest.mark.parametrize(
    "places", [5, {"a": [1]}, {"a": "../x"}, {"a": None}, {"a": "a\0"}, {"a": "\ud800"}, {"a": "C:x"}]
)
def test_an_index_of_a_checkpoint_that_leads_elsewhere_is_told(tmp_path: Path, places: Any) -> None:
    folder = tmp_path / "trap"
    folder.mkdir()
    write_json(folder / "config.json", {"model_type": "llama"})
    weight_map(places)(folder)
    assert listed(tmp_path)["trap"].reason == "model.safetensors.index.json is not an index of weight files."


def test_a_folder_of_great_depth_is_not_followed_to_its_end(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 60)
    deep.mkdir(parents=True)
    (deep / "model.gguf").write_bytes(b"x")
    assert listed(tmp_path) == {}
