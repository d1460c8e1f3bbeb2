"""The `llm` command line, unchanged, as a process of its own at a real port, set up as its page says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.openai_client import MODEL, Asking, Overheard, asking
from tests.helpers.tool_turns import call

PAGE = (Path(__file__).parents[4] / "docs/clients/llm.md").read_text(encoding="utf-8")
NAMED = "SmolLM2-135M-Instruct-q4_1t16-MLC"
REPLIES = [
    {"match": "Oslo", "steps": [{"text": call("weather", place="Oslo")}]},
    {"match": "time", "steps": [{"text": call("llm_time")}]},
    {"match": "largest town", "steps": ['{"name": "Oslo", "people": 700000}']},
    {"after_tool": True, "match": "11 degrees", "steps": ["It is", " dry."]},
    {"after_tool": True, "match": "utc_time", "steps": ["It is noon."]},
    "Hello there.",
]
WEATHER = """
def weather(place: str) -> str:
    "Tells the weather."
    return f"{place}: 11 degrees"
"""


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asking]:
    heard = Overheard(("json_schema", "lark"))
    async with asking(tmp_path / "rooms", REPLIES, make_engine=heard) as opened:
        home = tmp_path / "llm"
        home.mkdir()
        (models,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
        (home / "extra-openai-models.yaml").write_text(at_port(models, opened), encoding="utf-8")
        (home / "keys.json").write_text(json.dumps({"tether": opened.api.token}), encoding="utf-8")
        yield opened


def at_port(text: str, ask: Asking) -> str:
    """What the page says, for the port and the model of this test."""
    return text.replace("http://127.0.0.1:8090/v1", ask.base_url).replace(NAMED, MODEL)


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


async def test_every_command_of_the_page_works(ask: Asking, tmp_path: Path) -> None:
    lines = re.findall(r"^llm (?!keys|chat)(.*)$", PAGE, re.MULTILINE)
    said = [await llm(tmp_path / "llm", *shlex.split(at_port(line, ask))) for line in lines]
    town = '{"name": "Oslo", "people": 700000}'
    assert said == ["Hello there.", "Hello there.", town, "It is noon.", MODEL, "Hello there."]


async def test_a_function_of_ones_own_is_called_without_a_stream_too(ask: Asking, tmp_path: Path) -> None:
    asked = ("-m", "tether", "--functions", WEATHER, "Rain in Oslo?", "--no-stream")
    assert await llm(tmp_path / "llm", *asked) == "It is dry."
