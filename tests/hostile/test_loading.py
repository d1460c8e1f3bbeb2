"""A model folder that was put together by hand costs its own process at most, and says why it cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.hostile_files import edit_json
from tests.helpers.installed import NAME, InstalledModel
from tether_desktop.errors import ModelBroken, TetherError
from tether_desktop.model.compiler.shards import ShardWriter
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import EngineSpec, GenerationRequest, PromptPiece, SamplingParams
from tether_desktop.model.hosting.host import HostedEngine
from tether_desktop.model.tvm.weights import open_weights

QUESTION = (PromptPiece("Hello there, what is the capital of France?"),)


async def said(root: Path) -> str:
    """What a reply of the model is, from finding it to its last token."""
    entry = Catalog([root]).for_loading(NAME)
    engine = HostedEngine(EngineSpec(NAME, "tvm", entry.model_dir, entry.library, 128, threads=1))
    try:
        await engine.load(lambda _: None)
        request = GenerationRequest("session", QUESTION, SamplingParams(max_tokens=4, temperature=0))
        return "".join([chunk.text async for chunk in engine.generate(request)])
    finally:
        await engine.close()


async def refusal(root: Path) -> TetherError:
    with pytest.raises(TetherError) as failure:
        await said(root)
    assert failure.value.hint
    assert "fault of the program" not in failure.value.message
    return failure.value


def write_tensors(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Write the weights anew, with a change."""
    tensors = {name: array.copy() for name, array in open_weights(folder).items()}
    change(tensors)
    for path in (*folder.glob("params_shard_*.bin"), folder / "tensor-cache.json"):
        path.unlink()
    with ShardWriter(folder) as writer:
        for name, array in tensors.items():
            writer.add(name, array.shape, array.dtype, [array])


async def test_a_token_that_the_model_has_not_is_no_place_in_memory(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    def move(document: dict[str, Any]) -> None:
        vocabulary = document["model"]["vocab"]
        vocabulary["H"] = 2**32 - 1

    root = installed_model.copy_to(tmp_path)
    edit_json(root / NAME / "tokenizer.json", move)
    error = await refusal(root)
    assert isinstance(error, ModelBroken)
    assert error.message == "It gives the token 4294967295, and the model has 512."


async def test_weights_that_are_no_numbers_end_in_some_reply_or_an_error(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    root = installed_model.copy_to(tmp_path)
    write_tensors(root / NAME, lambda tensors: [array.view("u1").fill(0xFF) for array in tensors.values()])
    try:
        await said(root)
    except TetherError as error:
        assert error.hint, error  # noqa: PT017  (either is fine)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", "[" * 100_000),
        ("tokenizer.json", "{}"),
        ("tokenizer.json", json.dumps({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA////"}})),
        ("generation_config.json", "[" * 100_000),
        ("generation_config.json", "[]"),
    ],
)
async def test_a_tokenizer_that_cannot_be_read_is_told(
    tmp_path: Path, installed_model: InstalledModel, name: str, content: str
) -> None:
    root = installed_model.copy_to(tmp_path)
    (root / NAME / name).write_text(content)
    assert name in (await refusal(root)).message


async def test_weights_that_become_shorter_after_the_look_are_told(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    root = installed_model.copy_to(tmp_path)
    entry = Catalog([root]).for_loading(NAME)
    shard = root / NAME / "params_shard_0.bin"
    shard.write_bytes(shard.read_bytes()[:-64])
    engine = HostedEngine(EngineSpec(NAME, "tvm", entry.model_dir, entry.library, 128, threads=1))
    with pytest.raises(ModelBroken, match="bytes; "):
        await engine.load(lambda _: None)
    await engine.close()
