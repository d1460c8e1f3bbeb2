"""Whatever is added: a clear error, nothing left in the model folder, and nothing written anywhere else."""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.hf_writer import hf_config, random_weights, write_hf_folder
from tests.helpers.hostile_files import edit_json, everything_below
from tests.helpers.installed import InstalledModel
from tests.helpers.tiny_model import TinyConfig, write_tiny_gguf
from tether_desktop.errors import ModelBroken, TetherError
from tether_desktop.model.install import compile_job
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.install.progress import InstallProgress

Damage = Callable[[Path], object]

PYTHONS_WORDS = ("Traceback", "object has no", "not supported between", "NoneType", "<class", "Errno", "codec")
EMPTY_STEP = {"type": "NFC"}
DOUBLING = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
ADDED = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def silent(_: InstallProgress) -> None:
    """Nobody watches."""


async def refusal(tmp_path: Path, source: Path) -> TetherError:
    """What adding a source says, when it leaves everything as it was."""
    root = tmp_path / "above" / "dist"
    root.mkdir(parents=True)
    before = everything_below(tmp_path)
    with pytest.raises(TetherError) as failure:
        await Installer([root]).add(str(source), on_progress=silent)
    assert everything_below(tmp_path) == before
    error = failure.value
    assert error.title
    assert error.hint
    assert len(error.message) <= 2000
    assert not [word for word in PYTHONS_WORDS if word in error.message]
    return error


@pytest.fixture
def hf(tmp_path: Path) -> Path:
    """A folder of Hugging Face with nothing wrong."""
    config = hf_config()
    return write_hf_folder(tmp_path / "hf", random_weights(config), config)


def tokenizer(**parts: Any) -> Damage:
    return lambda folder: edit_json(folder / "tokenizer.json", lambda document: document.update(parts))


def settings(name: str, **values: Any) -> Damage:
    return lambda folder: edit_json(folder / name, lambda document: document.update(values))


def nested(depth: int) -> str:
    return '{"type":"Sequence","normalizers":[' * depth + json.dumps(EMPTY_STEP) + "]}" * depth


def written(name: str, content: str) -> Damage:
    return lambda folder: (folder / name).write_text(content, encoding="utf-8")


def sparse(name: str, size: int) -> Damage:
    return lambda folder: os.truncate(folder / name, size)


def linked(name: str, target: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return damage


def tokens_of_old_files(added: dict[str, Any]) -> Damage:
    """A tokenizer in the files that GPT-2 had, with tokens added to it."""

    def damage(folder: Path) -> None:
        (folder / "tokenizer.json").unlink()
        written("vocab.json", json.dumps({chr(97 + number): number for number in range(20)}))(folder)
        written("merges.txt", "")(folder)
        written(
            "tokenizer_config.json",
            json.dumps({"tokenizer_class": "GPT2Tokenizer", "added_tokens_decoder": added}),
        )(folder)

    return damage


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (tokenizer(normalizer={"type": "Sequence", "normalizers": [DOUBLING] * 60}), "longer beyond measure"),
        (tokenizer(normalizer={"type": "Prepend", "prepend": "a" * 1_000_000}), "longer beyond measure"),
        (tokenizer(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA////"}), ""),
        (written("tokenizer.json", f'{{"normalizer":{nested(5000)}}}'), "recursion limit"),
        (tokenizer(model={"type": "BPE", "vocab": {"a": 2**32 - 1}, "merges": []}), "beyond the 512 rows"),
        (sparse("tokenizer.json", 300 << 20), "over 64 MB"),
        (sparse("tokenizer_config.json", 300 << 20), "over 16 MB"),
        (written("tokenizer_config.json", '{"a":' + "[" * 100_000), "recursion"),
        (written("tokenizer_config.json", '{"eos_token": "\\ud800"}'), "halves of characters"),
        (tokens_of_old_files({"0000000009999999999": {"content": "x"}}), "no token that ends a reply"),
        (tokens_of_old_files({"0" * 5000: {"content": "x"}}), "no token that ends a reply"),
        (linked("tokenizer.json", os.devnull), "no tokenizer"),
        (linked("tokenizer.json", __file__), "leads out of the folder"),
        (linked("model.safetensors", sys.executable), "leads out of the folder"),
        (settings("config.json", model_type="m" * 2_000_000), "is not supported"),
        (settings("config.json", hidden_act="\x1b[31m\u202e"), "is not the 'silu'"),
        (settings("config.json", rms_norm_eps=10**400), "not a number"),
        (settings("config.json", num_hidden_layers=10**6), "cannot be 1000000"),
        (settings("config.json", vocab_size=10**9), "cannot be 1000000000"),
        (settings("config.json", max_position_embeddings=2**31), "cannot be 2147483648"),
        (settings("config.json", head_dim=4096), "cannot be 4096"),
        (settings("config.json", hidden_size=0), "cannot be 0"),
        (settings("config.json", partial_rotary_factor=1e-9), "rotates 0 of"),
    ],
)
async def test_a_folder_that_is_made_to_do_harm_leaves_nothing(
    tmp_path: Path, hf: Path, damage: Damage, reason: str
) -> None:
    damage(hf)
    assert reason in (await refusal(tmp_path, hf)).message


async def test_a_licence_that_leads_elsewhere_is_not_copied(tmp_path: Path, installed_model: InstalledModel) -> None:
    secret = tmp_path / "secret"
    secret.write_text("My diary.")
    source = tmp_path / "Small"
    shutil.copytree(installed_model.folder, source)
    (source / "LICENSE").symlink_to(secret)
    root = installed_model.library_to(tmp_path / "dist")
    name = await Installer([root]).add(str(source), on_progress=silent)
    assert not (root / name / "LICENSE").exists()


def replaced_shard(index: dict[str, Any]) -> None:
    index["records"].append(index["records"][0])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (settings("mlc-chat-config.json", quantization="q4/../../../../outside"), "is no name"),
        (settings("mlc-chat-config.json", model_type="../../../outside"), "is no name"),
        (settings("mlc-chat-config.json", model_type="scripted"), "for which engine"),
        (settings("mlc-chat-config.json", prefill_chunk_size="many"), "is no size"),
        (settings("mlc-chat-config.json", prefill_chunk_size=2**31), "prompts that are read"),
        (settings("mlc-chat-config.json", context_window_size=2**40), "a context window of"),
        (settings("mlc-chat-config.json", rope={"scale": float("nan"), "original_context": 0}), "positions"),
        (lambda folder: edit_json(folder / "tensor-cache.json", replaced_shard), "a weight file twice"),
        (linked("README.md", __file__), "leads out of the folder"),
        (linked("tokenizer.json", __file__), "leads out of the folder"),
        (sparse("tokenizer.json", 300 << 20), "larger than 64 MB"),
        (tokenizer(normalizer={"type": "Sequence", "normalizers": [DOUBLING] * 60}), "longer beyond measure"),
        (lambda folder: (folder / "params_shard_0.bin").unlink(), "is missing"),
    ],
)
async def test_a_packed_folder_that_is_made_to_do_harm_leaves_nothing(
    tmp_path: Path, installed_model: InstalledModel, damage: Damage, reason: str
) -> None:
    source = tmp_path / "Small"
    shutil.copytree(installed_model.folder, source)
    damage(source)
    assert reason in (await refusal(tmp_path, source)).message


def text(content: str) -> bytes:
    return struct.pack("<Q", len(content)) + content.encode()


def gguf(*fields: bytes, tensors: int = 0, rest: bytes = b"") -> bytes:
    """A GGUF file of these bytes."""
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, len(fields)) + b"".join(fields) + rest


def field(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gguf(field("general.architecture", 8, text("A" * 2_000_000)), rest=b"\0" * 64), "no weights"),
        (gguf(*[field("k" * 3_000_000, 0, b"\0")] * 2), "twice"),
        (gguf(tensors=1, rest=text("t" * 3_000_000) + struct.pack("<I", 99) + bytes(64)), "99 dimensions"),
        (gguf(field("general.name", 8, text("n" * 140_000_000))), "more than 128 MB"),
        (gguf(field("x", 9, struct.pack("<IQ", 9, 1) * 1000)), "elements of the type 9"),
        (gguf(field("split.count", 10, struct.pack("<Q", 2**64 - 1))), "cannot be file 1 of"),
    ],
    ids=["architecture", "key", "tensor", "string", "lists", "parts"],
)
async def test_a_gguf_file_that_is_made_to_do_harm_leaves_nothing(tmp_path: Path, content: bytes, reason: str) -> None:
    source = tmp_path / "evil.gguf"
    source.write_bytes(content)
    assert reason in (await refusal(tmp_path, source)).message


async def test_a_missing_part_of_a_split_model_is_named(tmp_path: Path) -> None:
    source = tmp_path / "m-00001-of-00002.gguf"
    write_tiny_gguf(source, TinyConfig(), fields={"split.count": 2, "split.no": 0})
    error = await refusal(tmp_path, source)
    assert error.message == "m-00002-of-00002.gguf: it is missing."
    assert "into one folder" in error.hint


@pytest.mark.parametrize("name", ["../../outside", "C:\\outside", "a\0b\u202etxt.exe", "CON"])
async def test_a_models_own_name_leads_nowhere(tmp_path: Path, installed_model: InstalledModel, name: str) -> None:
    source = tmp_path / "model.gguf"
    write_tiny_gguf(source, TinyConfig(), fields={"general.name": name})
    root = installed_model.library_to(tmp_path / "above" / "dist")
    added = await Installer([root]).add(str(source), on_progress=silent)
    assert {path.partition(os.sep)[0] for path in everything_below(tmp_path)} == {"above", "model.gguf"}
    assert {path.partition(os.sep)[0] for path in everything_below(root)} == {"libs", added}
    assert all(letter.isalnum() or letter in "._-" for letter in added)


@pytest.mark.skipif(sys.platform == "win32", reason="a process there is measured, but grows less predictably")
async def test_a_look_that_fills_the_memory_is_ended(tmp_path: Path, hf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_job, "LOOK_BYTES", 1 << 20)
    error = await refusal(tmp_path, hf)
    assert isinstance(error, ModelBroken)
    assert "more than 0 GB of memory" in error.message
