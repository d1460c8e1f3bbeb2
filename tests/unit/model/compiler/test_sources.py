"""Files and folders are opened by what they are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from tests.helpers.gguf_writer import add_field, metadata, write_gguf
from tests.helpers.hf_writer import hf_config, random_weights, write_hf_folder
from tests.helpers.mlc_writer import write_mlc_folder
from tests.helpers.source_decoder import floats
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.sources import open_source

CONFIG = hf_config("llama")
WEIGHTS = random_weights(CONFIG)


def written(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    write_gguf(path, WEIGHTS, CONFIG)
    return path


def split(folder: Path, count: int = 3, **changes: Any) -> list[Path]:
    """The model in several files, metadata in the first, as llama.cpp's splitter writes it."""
    folder.mkdir(exist_ok=True)
    whole = gguf.GGUFReader(written(folder / "whole.gguf"))
    paths = [folder / f"tiny-{number + 1:05}-of-{count:05}.gguf" for number in range(count)]
    for number, path in enumerate(paths):
        writer = gguf.GGUFWriter(path, arch="llama")
        fields = {"split.no": number, "split.count": count, "split.tensors.count": len(whole.tensors)}
        for key, value in ({**metadata(CONFIG), **fields} if number == 0 else fields).items():
            add_field(writer, key, changes.get(key, value))
        for tensor in whole.tensors[number::count]:
            writer.add_tensor(tensor.name, np.array(tensor.data))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    del whole
    (folder / "whole.gguf").unlink()
    return paths


def is_the_model(path: Path) -> bool:
    source = open_source(path)
    name = "model.layers.1.mlp.down_proj.weight"
    return bool((floats(source, "down", 1) == WEIGHTS[name]).all()) and source.config.layers == 2


def refusal(path: Path) -> ModelBroken:
    with pytest.raises(ModelBroken) as failure:
        open_source(path)
    assert failure.value.hint
    return failure.value


def test_a_gguf_file_is_opened_by_itself_and_as_the_only_one_of_a_folder(tmp_path: Path) -> None:
    path = written(tmp_path / "models" / "tiny.GGUF")
    assert is_the_model(path)
    assert is_the_model(path.parent)


def test_what_turns_images_into_input_may_lie_beside_the_model(tmp_path: Path) -> None:
    path = written(tmp_path / "tiny.gguf")
    shutil.copy(path, tmp_path / "mmproj-tiny-f16.gguf")
    assert open_source(tmp_path).path == path


def test_a_folder_of_hugging_face_is_opened(tmp_path: Path) -> None:
    assert is_the_model(write_hf_folder(tmp_path / "hf", WEIGHTS, CONFIG))


def test_a_gguf_file_beside_a_config_json_is_opened(tmp_path: Path) -> None:
    path = written(tmp_path / "tiny.gguf")
    (tmp_path / "config.json").write_text("{}")
    assert open_source(tmp_path).path == path


def test_a_folder_whose_weights_are_missing_is_refused(tmp_path: Path) -> None:
    folder = write_hf_folder(tmp_path / "hf", WEIGHTS, CONFIG)
    (folder / "model.safetensors").unlink()
    assert "safetensors" in refusal(folder).message


def test_a_folder_of_mlc_is_opened_even_where_a_config_json_lies_in_it(tmp_path: Path) -> None:
    write_mlc_folder(tmp_path / "mlc", WEIGHTS, CONFIG, "q0f32", encode_format="raw")
    (tmp_path / "mlc" / "config.json").write_text("{}")
    assert is_the_model(tmp_path / "mlc")


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "qwen3", "gemma3_text", "phi3"])
def test_every_architecture_is_the_same_from_mlc_as_from_hugging_face(tmp_path: Path, kind: str) -> None:
    config = hf_config(kind)
    weights = random_weights(config)
    write_mlc_folder(tmp_path / "mlc", weights, config, "q0f32", encode_format="raw")
    theirs = open_source(write_hf_folder(tmp_path / "hf", weights, config)).config
    ours = open_source(tmp_path / "mlc").config
    assert (ours.rope, ours.norm_offset, ours.tied) == (theirs.rope, theirs.norm_offset, theirs.tied)
    assert (ours.heads, ours.head_dim, ours.activation) == (theirs.heads, theirs.head_dim, theirs.activation)


def test_a_split_model_is_opened_by_any_of_its_files_and_by_their_folder(tmp_path: Path) -> None:
    paths = split(tmp_path / "model")
    assert all(is_the_model(path) for path in [*paths, tmp_path / "model"])
    assert open_source(paths[2]).path == paths[0]


def test_a_split_model_without_one_of_its_files_is_refused(tmp_path: Path) -> None:
    paths = split(tmp_path / "model")
    paths[1].unlink()
    assert "tiny-00002-of-00003.gguf: it is missing" in refusal(tmp_path / "model").message


def test_files_of_different_splits_are_refused(tmp_path: Path) -> None:
    paths = split(tmp_path / "model")
    shutil.copy(paths[2], paths[1])
    assert "it says it is file 3 of 3" in refusal(paths[0]).message
    shutil.copy(split(tmp_path / "other", 2)[1], paths[1])
    assert "it says it is file 2 of 2" in refusal(paths[0]).message


def test_a_renamed_file_of_a_split_model_is_refused_with_the_remedy(tmp_path: Path) -> None:
    paths = split(tmp_path / "model")
    renamed = paths[0].rename(tmp_path / "model" / "renamed.gguf")
    failure = refusal(renamed)
    assert "its name does not say which" in failure.message
    assert "model-00001-of-00002.gguf" in failure.hint


def test_tensors_that_are_in_two_files_or_in_none_are_noticed(tmp_path: Path) -> None:
    assert "not 99" in refusal(split(tmp_path / "model", **{"split.tensors.count": 99})[0]).message


def test_a_folder_with_several_models_is_refused_with_their_names(tmp_path: Path) -> None:
    written(tmp_path / "one.gguf")
    written(tmp_path / "two.gguf")
    failure = refusal(tmp_path)
    assert "several models: one.gguf, two.gguf" in failure.message


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    assert "neither a GGUF file nor config.json" in refusal(tmp_path).message


def test_a_path_with_nothing_there_is_refused(tmp_path: Path) -> None:
    assert "it is missing" in refusal(tmp_path / "none.gguf").message
