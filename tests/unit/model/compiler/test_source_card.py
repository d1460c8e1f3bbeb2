"""A source's own name and licence are found where each kind of source has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.tiny_model import TinyConfig, write_tiny_gguf
from tether_desktop.model.compiler.source_card import SourceCard, licence_texts, read_card


@pytest.mark.parametrize(
    ("file", "fields", "name"),
    [
        ("Qwen3-0.6B-Q8_0.gguf", {"general.name": "Something else"}, "Qwen3-0.6B"),
        ("ggml-model-q4_0.gguf", {"general.name": "SmolLM2 135M"}, "SmolLM2-135M"),
        ("model.gguf", {"general.basename": "Tiny"}, "Tiny"),
        ("model.gguf", {}, "Folder"),
    ],
)
def test_a_gguf_file_is_called_by_the_best_that_is_known(
    tmp_path: Path, file: str, fields: dict[str, str], name: str
) -> None:
    path = tmp_path / "Folder" / file
    path.parent.mkdir()
    write_tiny_gguf(path, TinyConfig(), fields={"general.license": "mit\nevil", **fields})
    assert read_card(path) == SourceCard(name, "mit evil")


def test_a_folder_says_its_licence_in_its_card(tmp_path: Path) -> None:
    folder = tmp_path / "Llama-3.2-1B"
    folder.mkdir()
    assert read_card(folder) == SourceCard("Llama-3.2-1B", "")
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: llama3.2\n---\n# Llama\nlicense: fake\n")
    assert read_card(folder).licence == "llama3.2"


def test_a_folder_in_the_hubs_cache_is_called_by_its_repository(tmp_path: Path) -> None:
    folder = tmp_path / "models--org--Nice-Model" / "snapshots" / "0123abcd"
    folder.mkdir(parents=True)
    assert read_card(folder).model == "Nice-Model"


def test_licence_texts_are_files_of_a_sensible_size(tmp_path: Path) -> None:
    for name in ("LICENSE", "LICENCE.txt", "NOTICE.md", "licensed_code.py", "README.md"):
        (tmp_path / name).write_text("text")
    (tmp_path / "COPYING").write_bytes(bytes(2 << 20))
    (tmp_path / "LICENSE.d").mkdir()
    assert [path.name for path in licence_texts(tmp_path)] == ["LICENCE.txt", "LICENSE", "NOTICE.md"]
    assert list(licence_texts(tmp_path / "LICENSE")) == []
