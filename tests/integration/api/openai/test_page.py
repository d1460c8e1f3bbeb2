"""The page about OpenAI's clients: its programs run as they stand there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.openai_client import Asking, Overheard, asking
from tests.helpers.tool_turns import call

PAGE = (Path(__file__).parents[4] / "docs/clients/openai.md").read_text(encoding="utf-8")
REPLIES = [
    {"match": "capital", "steps": ["Oslo", "."]},
    {"match": "Count", "steps": ["<think>", "Easy.", "</think>", "One two three."]},
    {"match": "umbrella", "steps": [{"text": call("weather", place="Oslo")}]},
    {"match": "largest", "steps": ['{"name": "Oslo", "people": 700000}']},
    {"match": "Once", "steps": [" there was a fox."]},
    {"after_tool": True, "match": "11 degrees", "steps": ["No, it is dry."]},
]
PRINTED = """\
Oslo.
Easy.One two three.
4 tokens
No, it is dry.
name='Oslo' people=700000
 there was a fox.
"""


async def test_its_programs_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(ask: Asking) -> None:
        # Some classes are made with reference to the module that they stand in.
        names: dict[str, Any] = {"__name__": "page"}
        exec(compile("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), "openai.md", "exec"), names)  # noqa: S102
        names["client"].close()

    async with asking(tmp_path, REPLIES, make_engine=Overheard(("json_schema",))) as ask:
        monkeypatch.setenv("OPENAI_BASE_URL", ask.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", ask.api.token)
        await asyncio.to_thread(run, ask)
    assert capsys.readouterr().out == PRINTED


def test_its_variables_are_those_that_the_library_reads() -> None:
    assert {"OPENAI_BASE_URL", "OPENAI_API_KEY"} <= set(re.findall(r"^export (\w+)=", PAGE, re.MULTILINE))
