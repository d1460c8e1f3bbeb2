"""Files that say how prompts are written are read in the program itself, so they are small or refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.model_folders import write_prompt_files
from tether_desktop.errors import ModelBroken
from tether_desktop.messages import text_message
from tether_desktop.protocol.prompt import load_prompt_template

ROLES = {"user": "User", "assistant": "Assistant"}
Damage = Callable[[Path], object]


def conversation(**parts: Any) -> Damage:
    document = {"conv_template": {"roles": ROLES, "seps": ["\n"], **parts}}
    return written("mlc-chat-config.json", json.dumps(document))


def written(name: str, content: str) -> Damage:
    return lambda folder: (folder / name).write_text(content, encoding="utf-8")


def added(count: int, length: int) -> str:
    """A tokenizer with so many special tokens."""
    tokens = [{"id": number, "content": f"{number:0{length}}", "special": True} for number in range(count)]
    return json.dumps({"added_tokens": tokens})


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (written("tokenizer_config.json", '{"a":' + "[" * 1_000_000), "nested too deeply"),
        (written("mlc-chat-config.json", '{"a":' + "[" * 1_000_000), "nested too deeply"),
        (lambda folder: os.truncate(folder / "tokenizer_config.json", 9 << 20), "over 8 MB"),
        (lambda folder: os.truncate(folder / "tokenizer.json", 65 << 20), "special tokens"),
        (written("tokenizer.json", '{"added_tokens": ' + "[" * 1_000_000), "special tokens"),
        (written("tokenizer.json", '{"added_tokens": ["' + "x" * (9 << 20)), "special tokens"),
        (written("tokenizer.json", added(200, 6000)), "special tokens"),
        (lambda folder: (folder / "chat_template.jinja").write_bytes(b"\xff"), "not UTF-8"),
        (conversation(role_templates={"user": "{user_message}" * 1000}), "again and again"),
        (conversation(system_template="{system_message}" * 5), "again and again"),
        (conversation(role_content_sep="x" * 100_001), "at most 100000"),
        (conversation(stop_str=["x"] * 101), "at most 100"),
        (written("tokenizer_config.json", json.dumps({"added_tokens_decoder": {"9" * 5000: {"content": "x"}}})), ""),
    ],
)
def test_files_that_would_take_memory_or_time_are_refused(tmp_path: Path, damage: Damage, reason: str) -> None:
    folder = write_prompt_files(tmp_path / "model")
    damage(folder)
    with pytest.raises(ModelBroken) as failure:
        load_prompt_template(folder)
    assert reason in failure.value.message
    assert failure.value.hint


def test_many_special_tokens_are_no_attack(tmp_path: Path) -> None:
    folder = write_prompt_files(tmp_path / "model", chat_template="{{ messages[0].content }}")
    (folder / "tokenizer.json").write_text(added(20_000, 8))
    prompt = load_prompt_template(folder).render([text_message("user", "a 00000007 b")])
    assert [(piece.text, piece.literal) for piece in prompt] == [("a ", False), ("00000007", True), (" b", False)]
