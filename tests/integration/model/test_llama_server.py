"""Models of a real server of another make: llama-cpp-python's, where it is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import jsonschema
import pytest

from tests.helpers.remote_engines import ask, reply, spec, text_of
from tether_desktop.errors import PromptTooLong, ServerError
from tether_desktop.messages import Message, ToolCall, ToolChoice, ToolDeclaration, ToolResult
from tether_desktop.model.engine import Constraint, GenerationRequest, SamplingParams
from tether_desktop.model.remote import RemoteEngine
from tether_desktop.model.remote.server_models import look_at
from tether_desktop.model.remote.servers import Server, save_server

ROOT = Path(__file__).parents[3]
NEEDED = ("llama_cpp", "uvicorn", "fastapi", "sse_starlette", "starlette_context")
PYTHON = os.environ.get("TETHER_LLAMA_SERVER_PYTHON", "")
"""An interpreter that has llama-cpp-python[server], where it is another one than that of the tests."""

MODELS = [Path(name) for name in [os.environ.get("TETHER_LLAMA_SERVER_MODEL", "")] if name] or sorted(
    (ROOT / "build" / "benchmarks").glob("*.gguf")
)
KEY = "sk-only-here"
WINDOW = 512
GREEDY = SamplingParams(temperature=0, max_tokens=24)
COLOUR = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}

pytestmark = [
    pytest.mark.skipif(
        not PYTHON and any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason="llama-cpp-python[server] is not installed, and TETHER_LLAMA_SERVER_PYTHON names no other Python",
    ),
    pytest.mark.skipif(
        not MODELS, reason="there is no GGUF file in build/benchmarks, and TETHER_LLAMA_SERVER_MODEL names none"
    ),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "model": MODELS[0],
        "model_alias": "smol",
        "port": port,
        "n_ctx": WINDOW,
        "api_key": KEY,
        "host": "127.0.0.1",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    process = subprocess.Popen(
        [PYTHON or sys.executable, "-m", "llama_cpp.server", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield wait_for(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> str:
    """The address, as soon as somebody answers there."""
    while process.poll() is None:
        try:
            httpx2.get(f"{url}/v1/models", trust_env=False)
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return url
    raise AssertionError(f"the server ended with {process.returncode}")


@pytest.fixture
async def engine(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RemoteEngine]:
    monkeypatch.setenv("TETHER_KEY_LLAMA", KEY)
    save_server(Server("llama", f"{url}/v1", context_window=WINDOW))
    engine = RemoteEngine(spec("llama/smol"))
    await engine.load(lambda _: None)
    yield engine
    await engine.close()


async def test_it_lists_its_models_to_whoever_has_the_key(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("llama", f"{url}/v1")
    with pytest.raises(ServerError, match="wants a key"):
        await look_at(server)
    monkeypatch.setenv(server.key_variable, KEY)
    assert [model.id for model in await look_at(server)] == ["smol"]


async def test_replies_stream_and_count_their_tokens(engine: RemoteEngine) -> None:
    chunks = await reply(engine, ask(GREEDY, "Name three colours."))
    usage = chunks[-1].usage
    assert sum(bool(chunk.text) for chunk in chunks) > 3
    assert chunks[-1].finish_reason in {"stop", "length"}
    assert usage is None or usage.completion_tokens <= 24
    assert text_of(chunks) == text_of(await reply(engine, ask(GREEDY, "Name three colours.")))


async def test_stop_texts_end_the_reply(engine: RemoteEngine) -> None:
    whole = text_of(await reply(engine, ask(GREEDY, "Count from one to nine.")))
    stop = whole[len(whole) // 2 :][:4]
    params = SamplingParams(temperature=0, max_tokens=24, stop=(stop,))
    stopped = await reply(engine, ask(params, "Count from one to nine."))
    assert (text_of(stopped), stopped[-1].finish_reason) == (whole[: whole.index(stop)], "stop")


async def test_probabilities_and_extra_parameters_are_understood(engine: RemoteEngine) -> None:
    params = SamplingParams(temperature=0, max_tokens=4, top_k=5, min_p=0.05, repetition_penalty=1.1, seed=3)
    assert text_of(await reply(engine, ask(params)))


async def test_stopping_in_the_middle_leaves_it_ready(engine: RemoteEngine) -> None:
    chunks = engine.generate(ask(SamplingParams(temperature=0, max_tokens=400), "Tell a long story."))
    await anext(chunks)
    await chunks.aclose()
    assert text_of(await reply(engine, ask(GREEDY)))


async def test_a_conversation_that_is_too_long_is_told(engine: RemoteEngine) -> None:
    with pytest.raises(PromptTooLong):
        await reply(engine, ask(GREEDY, "word " * 700))
    engine._window = 100_000
    with pytest.raises(PromptTooLong, match=r"[Cc]ontext"):
        await reply(engine, GenerationRequest("session", (), GREEDY, ask(None, "word " * 700).messages))


async def test_a_schema_holds_the_reply(engine: RemoteEngine) -> None:
    held = replace(ask(GREEDY, "Name a colour as JSON."), constraint=Constraint("json_schema", json.dumps(COLOUR)))
    jsonschema.validate(json.loads(text_of(await reply(engine, held))), COLOUR)


async def test_the_tool_that_is_named_is_called_and_its_answer_is_understood(engine: RemoteEngine) -> None:
    painter = ToolDeclaration("paint", "Paints a wall.", COLOUR)
    asked = replace(ask(GREEDY, "Paint it red."), tools=(painter,), tool_choice=ToolChoice("named", "paint"))
    last = (await reply(engine, asked))[-1]
    (call,) = last.tool_calls
    assert (call.name, last.finish_reason) == ("paint", "tool_calls")
    jsonschema.validate(json.loads(call.arguments), COLOUR)
    told = (
        Message("assistant", (ToolCall(call.id, call.name, json.loads(call.arguments)),)),
        Message("tool", (ToolResult(call.id, call.name, "The wall is red now."),)),
    )
    after = replace(asked, messages=(*asked.messages, *told), tool_choice=ToolChoice("none"))
    assert text_of(await reply(engine, after))
