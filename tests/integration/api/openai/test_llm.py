"""The `llm` command line, unchanged, as a process of its own at a real port."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.openai_client import MODEL, Asking, Overheard, asking
from tests.helpers.tool_turns import call

REPLIES = [
    {"match": "Oslo", "steps": [{"text": call("weather", place="Oslo")}]},
    {"match": "noon", "steps": ['{"name": "Oslo", "people": 700000}']},
    {"after_tool": True, "match": "11 degrees", "steps": ["It is", " dry."]},
    "Hello there.",
]
WEATHER = '''
def weather(place: str) -> str:
    "Tells the weather."
    return f"{place}: 11 degrees"
'''


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asking]:
    async with asking(tmp_path / "rooms", REPLIES, make_engine=Overheard(("json_schema",))) as opened:
        models = f"""
- model_id: tether
  model_name: {MODEL}
  api_base: {opened.base_url}
  api_key_name: tether
  can_stream: true
  supports_schema: true
  supports_tools: true
"""
        home = tmp_path / "llm"
        home.mkdir()
        (home / "extra-openai-models.yaml").write_text(models, encoding="utf-8")
        (home / "keys.json").write_text(json.dumps({"tether": opened.api.token}), encoding="utf-8")
        yield opened


async def llm(home: Path, *arguments: str) -> str:
    """What the command prints."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "llm", *arguments),
        env={**kept, "LLM_USER_PATH": str(home), "PYTHONIOENCODING": "utf-8"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, problems = await process.communicate()
    assert process.returncode == 0, problems.decode()
    return out.decode().strip()


async def test_a_question_is_answered_and_the_conversation_goes_on(ask: Asking, tmp_path: Path) -> None:
    assert await llm(tmp_path / "llm", "-m", "tether", "Hi") == "Hello there."
    assert await llm(tmp_path / "llm", "-c", "And?", "--no-stream") == "Hello there."


async def test_an_answer_can_be_held_to_a_schema(ask: Asking, tmp_path: Path) -> None:
    said = await llm(tmp_path / "llm", "-m", "tether", "--schema", "name, people int", "noon?")
    assert json.loads(said) == {"name": "Oslo", "people": 700000}


async def test_a_tool_is_called_by_the_command_and_its_answer_read(ask: Asking, tmp_path: Path) -> None:
    assert await llm(tmp_path / "llm", "-m", "tether", "--functions", WEATHER, "Rain in Oslo?") == "It is dry."
