"""What goes over the pipe between the program and an engine process: one JSON object per line.

Down: the spec first, then ``{"id", "do": "load" | "generate" | "count", …}``, ``{"do": "cancel", "id"}`` and
``{"do": "close"}``. Up, for each ``id``: ``{"id", "p": fraction}`` (progress) and ``{"id", "texts": [text, …]}``
(tokens) as they come, then exactly one of ``result``, ``end``, ``cancelled``, ``error`` and ``bug``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from tether_desktop.errors import TetherError
from tether_desktop.messages import (
    Message,
    Reasoning,
    Text,
    Timings,
    ToolCall,
    ToolChoice,
    ToolDeclaration,
    ToolResult,
    Usage,
)
from tether_desktop.model.engine import (
    Constraint,
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    Prompt,
    PromptPiece,
    RequestedCall,
    SamplingParams,
    TokenLogprob,
)

Wire = dict[str, Any]
"""One line, decoded."""

_PARTS = {kind.__name__: kind for kind in (Text, Reasoning, ToolCall, ToolResult)}

_encode = json.JSONEncoder(separators=(",", ":")).encode


def to_line(message: Mapping[str, Any]) -> bytes:
    """The message as one line; ASCII, so that no character of a text can end it early."""
    return _encode(message).encode("ascii") + b"\n"


def pack_spec(spec: EngineSpec) -> Wire:
    """A spec as JSON values."""
    library = str(spec.library) if spec.library else None
    return {**asdict(spec), "model_dir": str(spec.model_dir), "library": library}


def unpack_spec(fields: Wire) -> EngineSpec:
    """The inverse of :func:`pack_spec`."""
    library = Path(fields["library"]) if fields["library"] else None
    return EngineSpec(**{**fields, "model_dir": Path(fields["model_dir"]), "library": library})


def pack_prompt(prompt: Prompt) -> list[list[Any]]:
    """A prompt as ``[[text, literal], …]``."""
    return [[piece.text, piece.literal] for piece in prompt]


def unpack_prompt(pieces: list[list[Any]]) -> Prompt:
    """The inverse of :func:`pack_prompt`."""
    return tuple(PromptPiece(text, literal) for text, literal in pieces)


def pack_request(request: GenerationRequest) -> Wire:
    """A request as JSON values."""
    return {
        "session_id": request.session_id,
        "prompt": pack_prompt(request.prompt),
        "params": asdict(request.params),
        "messages": [_pack_message(message) for message in request.messages],
        "tools": [astuple(tool) for tool in request.tools],
        "tool_choice": astuple(request.tool_choice),
        "constraint": astuple(request.constraint) if request.constraint else None,
        "markers": request.markers,
        "continues": request.continues,
    }


def unpack_request(fields: Wire) -> GenerationRequest:
    """The inverse of :func:`pack_request`."""
    params = fields["params"]
    sequences = {"stop": tuple(params["stop"]), "logit_bias": tuple(map(tuple, params["logit_bias"]))}
    messages = tuple(_unpack_message(message) for message in fields["messages"])
    return GenerationRequest(
        fields["session_id"],
        unpack_prompt(fields["prompt"]),
        SamplingParams(**{**params, **sequences}),
        messages,
        tuple(ToolDeclaration(*tool) for tool in fields["tools"]),
        ToolChoice(*fields["tool_choice"]),
        Constraint(*fields["constraint"]) if fields["constraint"] else None,
        tuple(fields["markers"]),
        fields["continues"],
    )


def pack_info(info: EngineInfo) -> Wire:
    """What an engine tells about itself as JSON values."""
    return asdict(info)


def unpack_info(fields: Wire) -> EngineInfo:
    """The inverse of :func:`pack_info`."""
    return EngineInfo(**{**fields, "constraints": tuple(fields["constraints"])})


def pack_texts(number: int, chunks: Sequence[GenerationChunk]) -> Wire:
    """Chunks of reply ``number`` that are tokens only; as small as it can be, since these are the most."""
    fields: Wire = {"id": number, "texts": [chunk.text for chunk in chunks]}
    if any(chunk.logprobs for chunk in chunks):
        fields["logprobs"] = [_pack_logprobs(chunk) for chunk in chunks]
    return fields


def pack_chunk(number: int, chunk: GenerationChunk) -> Wire:
    """A chunk of reply ``number`` that tells progress, or how the reply ended."""
    if chunk.finish_reason is not None:
        return {
            "id": number,
            "end": chunk.finish_reason,
            "t": chunk.text,
            "usage": astuple(chunk.usage or Usage()),
            "timings": astuple(chunk.timings or Timings()),
            "logprobs": _pack_logprobs(chunk),
            "calls": [astuple(call) for call in chunk.tool_calls],
        }
    return {"id": number, "p": chunk.progress, "t": chunk.text}


def unpack_chunks(fields: Wire) -> list[GenerationChunk]:
    """The inverse of :func:`pack_texts` and :func:`pack_chunk`."""
    if "texts" in fields:
        logprobs = fields.get("logprobs") or [[]] * len(fields["texts"])
        pairs = zip(fields["texts"], logprobs, strict=True)
        return [GenerationChunk(text, logprobs=_unpack_logprobs(tokens)) for text, tokens in pairs]
    if "end" not in fields:
        return [GenerationChunk(fields["t"], fields["p"])]
    usage, timings = Usage(*fields["usage"]), Timings(*fields["timings"])
    logprobs = _unpack_logprobs(fields["logprobs"])
    calls = tuple(RequestedCall(*call) for call in fields["calls"])
    return [GenerationChunk(fields["t"], None, fields["end"], usage, timings, logprobs, calls)]


def pack_error(error: TetherError) -> Wire:
    """An error a person is told about as JSON values."""
    return {"code": error.code, "title": error.title, "message": error.message, "hint": error.hint}


def unpack_error(fields: Wire) -> TetherError:
    """The inverse of :func:`pack_error`."""
    return error_class(fields["code"])(fields["title"], fields["message"], fields["hint"])


def error_class(code: str) -> type[TetherError]:
    """The TetherError with that ``code``; TetherError itself for a code nobody knows."""
    return next((kind for kind in _error_classes(TetherError) if kind.code == code), TetherError)


def _pack_message(message: Message) -> Wire:
    return {"role": message.role, "parts": [[type(part).__name__, *astuple(part)] for part in message.parts]}


def _unpack_message(fields: Wire) -> Message:
    return Message(fields["role"], tuple(_PARTS[kind](*values) for kind, *values in fields["parts"]))


def _pack_logprobs(chunk: GenerationChunk) -> list[Any]:
    return [astuple(token) for token in chunk.logprobs]


def _unpack_logprobs(tokens: list[Any]) -> tuple[TokenLogprob, ...]:
    return tuple(TokenLogprob(text, logprob, tuple(map(tuple, others))) for text, logprob, others in tokens)


def _error_classes(kind: type[TetherError]) -> Iterator[type[TetherError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _error_classes(subclass)
