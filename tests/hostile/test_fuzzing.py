"""However a model's files are changed: they are understood, or refused with a reason and a hint."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.gguf_writer import write_gguf
from tests.helpers.hf_writer import hf_config, random_weights, write_hf_folder
from tests.helpers.hostile_files import Change, byte_changes, change_header, everything_below, json_changes
from tests.helpers.mlc_writer import write_mlc_folder
from tests.helpers.packed_models import write_library, write_packed_model
from tether_desktop.errors import TetherError
from tether_desktop.messages import text_message
from tether_desktop.model.compiler.folder import pack_model
from tether_desktop.model.compiler.model_card import Card
from tether_desktop.model.compiler.sources import open_source
from tether_desktop.model.compiler.tokenizer_files import open_tokenizer
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.protocol.prompt import load_prompt_template

LONGEST_HEADER = 9000
fuzzed = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
few = settings(fuzzed, max_examples=25)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest models there can be of every kind."""
    folder = tmp_path_factory.mktemp("sources")
    sizes = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "vocab_size": 288, "head_dim": 32}
    config = hf_config("qwen3", **sizes, num_attention_heads=2, num_key_value_heads=1)
    weights = random_weights(config)
    write_gguf(folder / "model.gguf", weights, config, matrices="Q8_0")
    write_hf_folder(folder / "hf", weights, config, shards=2)
    write_mlc_folder(folder / "mlc", weights, config, "q4f16_1")
    write_packed_model(folder, "broken")
    return folder


@pytest.fixture
def changed(sources: Path, tmp_path: Path) -> Callable[[str, Change], Path]:
    """Changes one file of a copy of a source; gives the copy."""

    def make(name: str, change: Change) -> Path:
        top = name.partition("/")[0]
        copy = tmp_path / top
        if copy.is_dir():
            shutil.rmtree(copy)
        (shutil.copytree if (sources / top).is_dir() else shutil.copyfile)(sources / top, copy)
        file = tmp_path / name
        file.write_bytes(change(file.read_bytes()))
        return copy

    return make


def refused_with_a_hint(work: Callable[[], object]) -> None:
    """Do it; any refusal must be one for people."""
    refusal: TetherError | None = None
    try:
        work()
    except TetherError as error:
        refusal = error
    assert refusal is None or (refusal.title and refusal.message and refusal.hint)


def pack(source: Path, folder: Path) -> None:
    """All that is done with source weights: open, read, pack, and write a prompt for them."""
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir()
    card = Card("Tiny", "nowhere")
    pack_model(open_source(source), open_tokenizer(source), folder, card=card, on_progress=lambda _: None)
    load_prompt_template(folder).render([text_message("user", "Hello <|im_end|>")])


@given(byte_changes(LONGEST_HEADER))
@fuzzed
def test_no_gguf_file_does_harm(changed: Callable[[str, Change], Path], tmp_path: Path, change: Change) -> None:
    source = changed("model.gguf", change)
    refused_with_a_hint(lambda: pack(source, tmp_path / "out"))


@pytest.mark.parametrize(
    "name",
    [
        *("hf/config.json", "hf/tokenizer.json", "hf/tokenizer_config.json", "hf/model.safetensors.index.json"),
        *("mlc/mlc-chat-config.json", "mlc/tensor-cache.json"),
    ],
)
@given(change=json_changes())
@few
def test_no_description_of_source_weights_does_harm(
    changed: Callable[[str, Change], Path], tmp_path: Path, name: str, change: Change
) -> None:
    source = changed(name, change)
    refused_with_a_hint(lambda: pack(source, tmp_path / "out"))


@given(st.one_of(json_changes().map(change_header), byte_changes(LONGEST_HEADER)))
@fuzzed
def test_no_safetensors_file_does_harm(changed: Callable[[str, Change], Path], tmp_path: Path, change: Change) -> None:
    source = changed("hf/model-00001-of-00002.safetensors", change)
    refused_with_a_hint(lambda: pack(source, tmp_path / "out"))


@pytest.mark.parametrize("name", ["broken/mlc-chat-config.json", "broken/tensor-cache.json"])
@given(change=st.one_of(json_changes(), byte_changes(LONGEST_HEADER)))
@fuzzed
def test_no_model_folder_keeps_the_others_from_being_listed(
    changed: Callable[[str, Change], Path], tmp_path: Path, name: str, change: Change
) -> None:
    changed(name, change)
    if not (tmp_path / "sound").exists():
        write_packed_model(tmp_path, "sound")
        write_library(tmp_path)
    before = everything_below(tmp_path)
    entries = {entry.name: entry for entry in Catalog([tmp_path]).list()}
    assert entries.keys() == {"broken", "sound"}
    assert entries["broken"].usable or (entries["broken"].reason and entries["broken"].remedy)
    refused_with_a_hint(lambda: load_prompt_template(tmp_path / "broken"))
    assert everything_below(tmp_path) == before


@given(change=st.one_of(json_changes(), byte_changes(LONGEST_HEADER)))
@fuzzed
def test_no_library_keeps_models_from_being_listed(tmp_path: Path, change: Change) -> None:
    if not (tmp_path / "sound").exists():
        write_packed_model(tmp_path, "sound")
    library = write_library(tmp_path, trusted=False)
    content = library.read_bytes()
    start, end = content.index(b'{"tether'), content.index(b"\x00\xfe}")
    library.write_bytes(content[:start] + change(content[start:end]) + content[end:])
    (entry,) = Catalog([tmp_path]).list()
    assert not entry.usable
    assert entry.remedy
