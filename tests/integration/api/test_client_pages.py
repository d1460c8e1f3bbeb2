"""What the pages for clients show works as it is printed, against a real port."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.api import OpenApi, open_port
from tests.helpers.rooms import open_rooms
from tests.helpers.tool_turns import call
from tests.helpers.tools import tool_named

PAGES = Path(__file__).parents[3] / "docs/clients"
CURL = """\
set -euo pipefail
tether-curl() {{ curl --silent --show-error --fail-with-body --config "$CONFIG" "$@"; }}
{body}
"""
REPLIES = [
    {"match": "time", "steps": ["Let me look. ", {"text": call("clock")}]},
    {"after_tool": True, "steps": ["It is noon."]},
    {"steps": ["Air ", "scatters ", "blue ", "light."]},
]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[OpenApi]:
    """A port whose model knows about the sky, and asks for the time."""
    tools = [tool_named("clock", lambda: "noon", permission="ask")]
    settings = {"tool_use": "on"}
    async with (
        open_rooms(tmp_path / "rooms", replies=REPLIES, tools=tools, settings=settings) as rooms,
        open_port(rooms) as opened,
    ):
        yield opened


def examples(page: str, language: str) -> str:
    """All blocks of a page in a language, as one program."""
    blocks = re.findall(
        rf"^```{language}\n(.*?)^```$", (PAGES / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert blocks
    return "\n".join(blocks)


async def output_of(api: OpenApi, folder: Path, *command: str) -> str:
    """What a program prints that comes to a good end."""
    environment = {**os.environ, "TETHER": api.url, "TETHER_TOKEN": api.token, "CONFIG": str(folder / "curl.txt")}
    (folder / "curl.txt").write_text(f'header = "Authorization: Bearer {api.token}"\n', encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="bash may be that of another system there")
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="there is no curl, or no bash")
async def test_the_examples_with_curl_work(api: OpenApi, tmp_path: Path) -> None:
    program = CURL.format(body=examples("curl.md", "bash"))
    output = await output_of(api, tmp_path, "bash", "-c", program)
    assert '{"type":"token","content":"Air "}' in output
    assert '"title":"The sky"' in output
    assert '"code":"unauthorized"' in output
    assert "Air scatters blue light." in (tmp_path / "sky.md").read_text(encoding="utf-8")


async def test_the_examples_in_python_work(api: OpenApi, tmp_path: Path) -> None:
    program = examples("python.md", "python").replace("import httpx\n", "import httpx2 as httpx\n")
    output = await output_of(api, tmp_path, sys.executable, "-X", "utf8", "-c", program)
    assert output.startswith("Air scatters blue light.")
    assert "May clock be called with {}?" in output
    assert "done" in output.splitlines()


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
async def test_the_examples_in_javascript_work(api: OpenApi, tmp_path: Path) -> None:
    (tmp_path / "example.mjs").write_text(examples("javascript.md", "js"), encoding="utf-8")
    output = await output_of(api, tmp_path, "node", "example.mjs")
    assert output.startswith("Air scatters blue light.")
    assert "assistant: Air scatters blue light." in output
    assert "done" in output.splitlines()
