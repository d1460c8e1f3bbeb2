"""What goes over the pipe between the program and an engine process: one JSON object per line.

Down: the spec first, then ``{"id", "do": "load" | "generate" | "count", …}``, ``{"do": "cancel", "id"}`` and
``{"do": "close"}``. Up, for each ``id``: ``{"id", "p": fraction}`` (progress) and ``{"id", "t": text}`` (a
token) as they come, then exactly one of ``result``, ``end``, ``cancelled``, ``error`` and ``bug``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from tether_desktop.errors import TetherError
from tether_desktop.messages import Timings, Usage
from tether_desktop.model.engine import (
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    Prompt,
    PromptPiece,
    SamplingParams,
)

Wire = dict[str, Any]
"""One line, decoded."""

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
    }


def unpack_request(fields: Wire) -> GenerationRequest:
    """The inverse of :func:`pack_request`."""
    params = SamplingParams(**{**fields["params"], "stop": tuple(fields["params"]["stop"])})
    return GenerationRequest(fields["session_id"], unpack_prompt(fields["prompt"]), params)


def pack_info(info: EngineInfo) -> Wire:
    """What an engine tells about itself as JSON values."""
    return asdict(info)


def unpack_info(fields: Wire) -> EngineInfo:
    """The inverse of :func:`pack_info`."""
    return EngineInfo(**fields)


def pack_texts(number: int, texts: list[str]) -> Wire:
    """Chunks of reply ``number`` that are nothing but text; as small as it can be, since these are the most."""
    return {"id": number, "texts": texts}


def pack_chunk(number: int, chunk: GenerationChunk) -> Wire:
    """A chunk of reply ``number`` that is more than text."""
    if chunk.finish_reason is not None:
        return {
            "id": number,
            "end": chunk.finish_reason,
            "t": chunk.text,
            "usage": astuple(chunk.usage or Usage()),
            "timings": astuple(chunk.timings or Timings()),
        }
    return {"id": number, "p": chunk.progress, "t": chunk.text}


def unpack_chunks(fields: Wire) -> list[GenerationChunk]:
    """The inverse of :func:`pack_texts` and :func:`pack_chunk`."""
    if "texts" in fields:
        return [GenerationChunk(text) for text in fields["texts"]]
    if "end" not in fields:
        return [GenerationChunk(fields["t"], fields["p"])]
    usage, timings = Usage(*fields["usage"]), Timings(*fields["timings"])
    return [GenerationChunk(fields["t"], None, fields["end"], usage, timings)]


def pack_error(error: TetherError) -> Wire:
    """An error a person is told about as JSON values."""
    return {"code": error.code, "title": error.title, "message": error.message, "hint": error.hint}


def unpack_error(fields: Wire) -> TetherError:
    """The inverse of :func:`pack_error`."""
    return error_class(fields["code"])(fields["title"], fields["message"], fields["hint"])


def error_class(code: str) -> type[TetherError]:
    """The TetherError with that ``code``; TetherError itself for a code nobody knows."""
    return next((kind for kind in _error_classes(TetherError) if kind.code == code), TetherError)


def _error_classes(kind: type[TetherError]) -> Iterator[type[TetherError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _error_classes(subclass)
