"""Whatever goes over the pipe comes out as it went in, through JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tether_desktop.errors import PromptTooLong
from tether_desktop.messages import Message, Reasoning, Text, Timings, ToolCall, ToolResult, Usage
from tether_desktop.model.engine import (
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    PromptPiece,
    SamplingParams,
    TokenLogprob,
)
from tether_desktop.model.hosting import wire

MESSAGES = (
    Message("system", (Text("Be brief."),)),
    Message("user", (Text("What is\u2028it? 😀"), Text("\x00"))),
    Message(
        "assistant",
        (
            Reasoning("Let me look.", "pre_tool", 1.5),
            Text(""),
            ToolCall("c1", "search", {"query": "it", "deep": {"list": [1, None, True, 0.5]}}),
            Reasoning("Hm.", "post_tool"),
        ),
    ),
    Message("tool", (ToolResult("c1", "search", "nothing", is_error=True),)),
    Message("assistant"),
)
TOLD = (
    TokenLogprob(" it", -0.25, ((" it", -0.25), ("\ufffd", -2.5))),
    TokenLogprob("", -9999.0),
)


def sent(value: Any) -> Any:
    """The value as it comes out at the other end."""
    return json.loads(wire.to_line(value))


@pytest.mark.parametrize(
    "spec",
    [
        EngineSpec("Näme", "tvm", Path("models/a b"), Path("libs/x.so"), 4096, 2, 1 << 33),
        EngineSpec("Server", "remote", Path("server.json")),
    ],
)
def test_a_spec(spec: EngineSpec) -> None:
    assert wire.unpack_spec(sent(wire.pack_spec(spec))) == spec


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest("s", (PromptPiece("<|im_start|>"), PromptPiece("typed", literal=True))),
        GenerationRequest("s", (), SamplingParams(0.1, 0.2, 3, 0.4, 1.5, 0.6, 0.7, -8, 9, ("a", "b"), ((5, -1.5),), 3)),
        GenerationRequest("s", (), SamplingParams(), MESSAGES),
    ],
    ids=["prompt", "params", "messages"],
)
def test_a_request(request_: GenerationRequest) -> None:
    unpacked = wire.unpack_request(sent(wire.pack_request(request_)))
    assert unpacked == request_
    assert hash(unpacked.params) == hash(request_.params)


def test_what_an_engine_tells_about_itself() -> None:
    info = EngineInfo(4096, "CPU", 1 << 40, takes_messages=True)
    assert wire.unpack_info(sent(wire.pack_info(info))) == info


@pytest.mark.parametrize(
    "chunks",
    [
        [GenerationChunk("one"), GenerationChunk(""), GenerationChunk(" two")],
        [GenerationChunk("one", logprobs=TOLD), GenerationChunk(" two"), GenerationChunk("", logprobs=TOLD[:1])],
    ],
    ids=["texts", "logprobs"],
)
def test_tokens(chunks: list[GenerationChunk]) -> None:
    assert wire.unpack_chunks(sent(wire.pack_texts(7, chunks))) == chunks


def test_tokens_without_logprobs_cost_nothing_but_their_text() -> None:
    assert wire.pack_texts(7, [GenerationChunk("one")]) == {"id": 7, "texts": ["one"]}


@pytest.mark.parametrize(
    "chunk",
    [
        GenerationChunk("", 0.5),
        GenerationChunk("end", None, "length", Usage(1, 2, 3), Timings(0.1, 0.2, 0.3, 0.4), TOLD),
        GenerationChunk("", None, "stop", Usage(), Timings()),
    ],
    ids=["progress", "end with logprobs", "end"],
)
def test_a_chunk_that_is_more_than_tokens(chunk: GenerationChunk) -> None:
    assert wire.unpack_chunks(sent(wire.pack_chunk(7, chunk))) == [chunk]


def test_an_error_keeps_its_class() -> None:
    error = wire.unpack_error(sent(wire.pack_error(PromptTooLong("T", "M", "H"))))
    assert type(error) is PromptTooLong
    assert (error.title, error.message, error.hint) == ("T", "M", "H")


def test_a_line_is_ascii_so_that_no_character_ends_it_early() -> None:
    line = wire.to_line({"t": "a\u2028b\nc\u00e9"})
    assert line.isascii()
    assert line.count(b"\n") == 1
