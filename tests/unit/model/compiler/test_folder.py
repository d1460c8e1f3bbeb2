"""A source becomes a model folder: the same numbers, in the agreed tensors and files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType

from tests.helpers.ggml_encoders import encode
from tests.helpers.memory_source import PLAIN, RICH, MemorySource, MemoryTensor, MemoryTokenizer
from tests.helpers.tiles import dequantize_tiles
from tether_desktop.errors import InstallError, ModelBroken
from tether_desktop.model.compiler.folder import Card, PackReport, pack_model
from tether_desktop.model.compiler.source import DecoderConfig, Rope, RopeTable
from tether_desktop.model.decoder_shape import DecoderShape, shape_of
from tether_desktop.model.tvm.weights import open_weights

CARD = Card("Tiny-q4_1t16-MLC", "a test")
FOUR_BITS = dict.fromkeys(("q", "k", "v", "o", "gate", "up", "down"), "Q4_1") | {"embed": "Q8_0", "lm_head": "Q8_0"}


def pack(folder: Path, source: MemorySource, **others: Any) -> PackReport:
    folder.mkdir(exist_ok=True)
    arguments = {"card": CARD, "bits": None, "on_progress": lambda _: None, **others}
    tokenizer = arguments.pop("tokenizer", MemoryTokenizer())
    return pack_model(source, tokenizer, folder, **arguments)


def read_config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "mlc-chat-config.json").read_text())
    return config


@pytest.fixture(scope="module", params=[PLAIN, RICH], ids=["plain", "rich"])
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[MemorySource, Path]:
    source, folder = MemorySource(request.param, FOUR_BITS), tmp_path_factory.mktemp("packed")
    pack(folder, source)
    return source, folder


def test_the_folder_has_exactly_the_tensors_of_its_decoder(packed: tuple[MemorySource, Path]) -> None:
    source, folder = packed
    shape = shape_of(read_config(folder))
    expected = shape.stored_tensors()
    if source.config.rope.original_context:
        expected["rope.long_inv_freq"] = expected["rope.inv_freq"]
    stored = {name: (array.shape, array.dtype.name) for name, array in open_weights(folder).items()}
    assert stored == expected


def test_every_packed_matrix_equals_the_dequantized_source(packed: tuple[MemorySource, Path]) -> None:
    source, folder = packed
    weights, config = open_weights(folder), source.config
    qkv = np.concatenate([source.floats(part) for part in "qkv"], axis=1)
    gate_up = [source.floats(part).reshape(config.layers, -1, 16, config.hidden) for part in ("gate", "up")]
    np.testing.assert_array_equal(dequantize_tiles(weights, "layers.qkv"), qkv)
    np.testing.assert_array_equal(dequantize_tiles(weights, "layers.o"), source.floats("o"))
    joined = np.stack(gate_up, axis=2).reshape(config.layers, 2 * config.intermediate, config.hidden)
    np.testing.assert_array_equal(dequantize_tiles(weights, "layers.gate_up"), joined)
    np.testing.assert_array_equal(dequantize_tiles(weights, "layers.down"), source.floats("down"))
    for name in ("embed",) if config.tied else ("embed", "lm_head"):
        kept = dequantize_tiles(weights, name)
        np.testing.assert_array_equal(kept[:100], source.tensor(name).floats())
        assert kept.shape == (112, config.hidden)
        assert not kept[100:].any()


def test_every_vector_is_there_and_norms_have_their_offset(packed: tuple[MemorySource, Path]) -> None:
    source, folder = packed
    weights, offset = open_weights(folder), np.float32(source.config.norm_offset)
    norms = ["attn_norm", "ffn_norm"]
    if source.config.post_norms:
        norms += ["q_norm", "k_norm", "post_attn_norm", "post_ffn_norm"]
        biases = np.concatenate([source.floats(f"{part}_bias") for part in "qkv"], axis=1)
        np.testing.assert_array_equal(weights["layers.qkv.bias"], biases)
    for name in norms:
        np.testing.assert_array_equal(weights[f"layers.{name}"], source.floats(name) + offset)
    np.testing.assert_array_equal(weights["final_norm"], source.tensor("final_norm").floats() + offset)


def test_rotations_and_windows_are_stored_as_the_source_gives_them(packed: tuple[MemorySource, Path]) -> None:
    source, folder = packed
    weights, rope = open_weights(folder), source.config.rope
    short = np.array([table.inv_freq for table in rope.tables], np.float32)
    np.testing.assert_array_equal(weights["rope.inv_freq"], short)
    assert read_config(folder)["rope"] == {"scale": rope.scale, "original_context": rope.original_context}
    if len(rope.tables) > 1:
        np.testing.assert_array_equal(weights["rope.long_inv_freq"], [short[0], short[1] / 8])
        assert weights["layers.window"].tolist() == [128, 0]
        assert weights["layers.rope"].tolist() == [0, 1]


def test_the_configuration_has_what_the_runtime_and_mlc_read(packed: tuple[MemorySource, Path]) -> None:
    source, folder = packed
    config = read_config(folder)
    decoder = config.pop("decoder")
    assert shape_of({"decoder": decoder}) == DecoderShape(**decoder)
    assert (decoder["vocab"], decoder["qkv_bias"], decoder["tied"]) == (112, not source.config.tied, source.config.tied)
    del config["rope"]
    assert config == {
        "model_type": source.config.model_type,
        "quantization": "q4_1t16",
        "model_config": {
            "hidden_size": 256,
            "intermediate_size": 512,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 64,
            "num_hidden_layers": 2,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "vocab_size": 100,
            "context_window_size": 2048,
            "prefill_chunk_size": 64,
            "tensor_parallel_shards": 1,
            "tie_word_embeddings": source.config.tied,
        },
        "vocab_size": 100,
        "context_window_size": 2048,
        "sliding_window_size": -1,
        "prefill_chunk_size": 64,
        "attention_sink_size": -1,
        "tensor_parallel_shards": 1,
        "conv_template": {},
        "bos_token_id": 1,
        "eos_token_id": [2, 0],
    }


def test_the_tokenizers_files_are_taken_over_as_they_are(packed: tuple[MemorySource, Path]) -> None:
    _, folder = packed
    for name, content in MemoryTokenizer().files().items():
        assert (folder / name).read_bytes() == content


def test_what_packing_changed_is_reported_and_written_on_the_card(tmp_path: Path) -> None:
    encodings = {**FOUR_BITS, "o": "F16", ("down", 1): "Q6_K"}
    report = pack(tmp_path, MemorySource(PLAIN, encodings), card=Card("A", "B", "mit", "More."))
    assert report.quantization == "mixed_t16"
    found = [(each.matrix, each.encodings, each.tile_format, each.exact) for each in report.mappings]
    assert found[1:] == [
        ("qkv", ("Q4_1",), "q4_1", True),
        ("o", ("F16",), "q8_0", False),
        ("gate_up", ("Q4_1",), "q4_1", True),
        ("down", ("Q4_1",), "q4_1", True),
        ("down", ("Q6_K",), "q8_0", False),
    ]
    assert 0.003 < report.mappings[2].relative_rms < 0.006
    card = (tmp_path / "README.md").read_text()
    assert "| query, key and value | Q4_1 | q4_1 | none |" in card
    assert f"| attention output | F16 | q8_0 | {report.mappings[2].relative_rms * 100:.2g} % |" in card


def test_layers_of_a_wider_type_lie_in_a_tensor_of_their_own(tmp_path: Path) -> None:
    source = MemorySource(replace(PLAIN, layers=4), {**FOUR_BITS, ("down", 1): "Q8_0", ("down", 3): "Q8_0"})
    pack(tmp_path, source)
    tensors = open_weights(tmp_path)
    assert tensors["layers.down.place"].tolist() == [0, -1, 1, -2]
    narrow, wide = (dequantize_tiles(tensors, name) for name in ("layers.down", "layers.down.wide"))
    np.testing.assert_array_equal(narrow, source.floats("down")[[0, 2]])
    np.testing.assert_array_equal(wide, source.floats("down")[[1, 3]])


def test_the_deviation_is_that_of_all_rows_exact_ones_included(tmp_path: Path) -> None:
    source = MemorySource(PLAIN, {**FOUR_BITS, ("o", 0): "Q8_0", ("o", 1): "F16"})
    report = pack(tmp_path, source)
    off = dequantize_tiles(open_weights(tmp_path), "layers.o") - source.floats("o")
    expected = np.sqrt(np.square(off, dtype=float).sum() / np.square(source.floats("o"), dtype=float).sum())
    assert not off[0].any()
    assert next(each for each in report.mappings if each.matrix == "o").relative_rms == pytest.approx(expected)


def test_float_layers_are_quantized_to_4_bits_where_asked_for(tmp_path: Path) -> None:
    source = MemorySource(PLAIN)
    assert pack(tmp_path, source, bits=4).quantization == "q4_1t16"
    down = dequantize_tiles(open_weights(tmp_path), "layers.down")
    assert np.sqrt(np.square(down - source.floats("down")).mean() / np.square(source.floats("down")).mean()) < 0.08


def test_a_matrix_is_the_same_in_however_many_pieces_it_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = MemorySource(RICH, {**FOUR_BITS, "down": "Q6_K", "gate": "Q4_K", "embed": "F16"})
    whole = pack(tmp_path / "whole", source)
    monkeypatch.setattr("tether_desktop.model.compiler.packed_model._WEIGHTS_AT_ONCE", 48 * 256)
    pieces = pack(tmp_path / "pieces", source)
    assert (tmp_path / "whole/params_shard_0.bin").read_bytes() == (tmp_path / "pieces/params_shard_0.bin").read_bytes()
    for one, other in zip(whole.mappings, pieces.mappings, strict=True):
        assert one.relative_rms == pytest.approx(other.relative_rms, rel=1e-12)


def test_progress_rises_to_one(tmp_path: Path) -> None:
    seen: list[float] = []
    pack(tmp_path, MemorySource(PLAIN), on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 10


def test_cancelling_leaves_a_folder_that_is_no_model(tmp_path: Path) -> None:
    def cancel(part: float) -> None:
        if part > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(tmp_path, MemorySource(PLAIN), on_progress=cancel)
    assert not {"mlc-chat-config.json", "tensor-cache.json"} & {path.name for path in tmp_path.iterdir()}


def test_weights_that_are_not_finite_are_refused_by_the_name_of_their_tensor(tmp_path: Path) -> None:
    source = MemorySource(PLAIN)
    values = np.ones((256, 512), np.float32)
    values[200, 100] = np.nan
    rows = encode(values, GGMLQuantizationType.F16)
    source.tensors["down", 1] = MemoryTensor("blk.1.ffn_down", GGMLQuantizationType.F16, (256, 512), rows)
    with pytest.raises(ModelBroken, match=r"memory\.gguf: its tensor 'blk\.1\.ffn_down' holds values that are inf"):
        pack(tmp_path, source)
    assert not (tmp_path / "mlc-chat-config.json").exists()


@pytest.mark.parametrize(("value", "words"), [(np.inf, "infinite or no numbers"), (1e30, "too large")])
def test_embeddings_and_norms_that_cannot_be_are_refused(tmp_path: Path, value: float, words: str) -> None:
    source = MemorySource(PLAIN)
    name = "final_norm" if value == np.inf else "embed"
    shape = source.tensor(name).shape
    rows = np.full(np.atleast_2d(np.empty(shape)).shape, value, np.float32).view(np.uint8)
    source.tensors[name, None] = MemoryTensor(name, GGMLQuantizationType.F32, shape, rows)
    with pytest.raises(ModelBroken, match=f"its tensor '{name}' holds .*{words}"):
        pack(tmp_path, source)


def test_vectors_may_be_stored_shorter_than_floats(tmp_path: Path) -> None:
    source = MemorySource(PLAIN, {"attn_norm": "BF16", "ffn_norm": "F16"})
    pack(tmp_path, source)
    weights = open_weights(tmp_path)
    for name in ("attn_norm", "ffn_norm"):
        np.testing.assert_array_equal(weights[f"layers.{name}"], source.floats(name))


def test_a_vector_of_a_type_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    source = MemorySource(PLAIN)
    rows = np.zeros((1, 84), np.uint8)
    source.tensors["ffn_norm", 0] = MemoryTensor("norm", GGMLQuantizationType.Q2_K, (256,), rows)
    with pytest.raises(ModelBroken, match="type Q2_K; only"):
        pack(tmp_path, source)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (replace(PLAIN, heads=5), "as heads is not a multiple of kv_heads"),
        (replace(PLAIN, rotary_dim=80), "as rotary_dim does not fit in a head"),
        (replace(PLAIN, rope=Rope((RopeTable((1.0, 0.0) * 16),))), "frequencies that cannot be"),
        (replace(PLAIN, rope=Rope((RopeTable((1.0, float("nan")) * 16),))), "frequencies that cannot be"),
    ],
)
def test_a_decoder_that_kernels_cannot_be_made_for_is_refused_before_anything_is_written(
    tmp_path: Path, config: DecoderConfig, words: str
) -> None:
    with pytest.raises(ModelBroken, match=words):
        pack(tmp_path, MemorySource(config))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tokenizer", [MemoryTokenizer(bos_token_id=100), MemoryTokenizer(eos_token_ids=[2, -1])])
def test_a_reply_that_begins_or_ends_with_no_token_is_refused(tmp_path: Path, tokenizer: MemoryTokenizer) -> None:
    with pytest.raises(ModelBroken, match="begins or ends"):
        pack(tmp_path, MemorySource(PLAIN), tokenizer=tokenizer)
    assert not list(tmp_path.iterdir())


def test_more_tokens_than_rows_of_the_embedding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match="beyond the 100 rows"):
        pack(tmp_path, MemorySource(PLAIN), tokenizer=MemoryTokenizer(tokens=101))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_empty_is_told(tmp_path: Path) -> None:
    pack(tmp_path, MemorySource(PLAIN))
    with pytest.raises(InstallError, match="File exists"):
        pack(tmp_path, MemorySource(PLAIN))


@pytest.mark.parametrize(("theta", "factor"), [(10_000.0, 1.0), (500_000.0, 1.0), (1e6, 4.0)])
def test_the_base_of_the_rotation_is_told_from_its_frequencies(tmp_path: Path, theta: float, factor: float) -> None:
    table = RopeTable(tuple(float(np.float32(theta ** (-i / 32) / factor)) for i in range(32)))
    pack(tmp_path, MemorySource(replace(PLAIN, rope=Rope((table,)))))
    assert read_config(tmp_path)["model_config"]["rope_theta"] == theta
