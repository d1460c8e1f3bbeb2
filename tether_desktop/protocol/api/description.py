"""The description of the port (OpenAPI): its introduction, its parts, and what its lines look like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter

from tether_desktop.protocol.api.event_schemas import EVENT_SCHEMAS, AnyLine
from tether_desktop.protocol.api.model_schemas import LoadedLine
from tether_desktop.protocol.api.schemas import Problem

_REFERENCES = "#/components/schemas/{model}"

_INTRODUCTION = """\
Conversations with language models that run on your own computer: the same ones that the window and `tether chat`
show. A chat that a script begins here appears in the open window as it is written.

**Who may ask.** Every request but those for `/`, `/docs`, `/openapi.json`, `/healthz` and `/readyz` needs
`Authorization: Bearer …` with the token that `tether token` prints. Your own token may do everything. A further one
(`tether token add`) may be held to the scope *chat*: conversations, answers and lists, but no loading of models, no
calling of tools, no permissions, no erasing, and no export or import of everything.

**Bodies** are JSON in UTF-8. Fields that are not known are refused, so that a misspelt one is no silent default.
Answers may have further fields in later versions.

**Errors** have a status of their own and a body with `code` for programs, and `title`, `message` and `remedy` for
people. They come before anything is stored or streamed, wherever that can be.

**Streams** are lines, each a JSON object with a `type` (NDJSON), written as they happen. What is stored of a reply is
what was streamed, character for character.

| `type` | When |
|---|---|
{lines}
"""

_TAGS = {
    "The port": "What answers here, and how it is doing.",
    "Conversations": "Made, found, read, changed, copied, deleted, and taken elsewhere as files. Deleting moves a "
    "conversation to the bin; only erasing is for good.",
    "Folders": "What conversations can be put into, one each.",
    "Turns": "A turn is a question and all that happens until its answer is complete: waiting, reading, thinking, "
    "calling tools, writing. It runs by itself; clients follow it as they please.",
    "Models": "The language models of this computer, and those of servers that were added.",
    "Tools": "What models may call to know or do something.",
    "OpenAI-compatible": "What OpenAI's clients expect. Nothing is stored of these requests.",
    "Monitoring": "For those who keep an eye on the program.",
}


def describe(app: FastAPI) -> None:
    """Let an application describe itself so; it is done at the first question."""
    app.openapi = _once(lambda: _description(app))  # type: ignore[method-assign]


def _description(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Tether: the session API",
        version=app.version,
        summary="Conversations with language models on your own computer.",
        description=_INTRODUCTION.format(lines="\n".join(map(_line, EVENT_SCHEMAS.items()))),
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    schemas = document["components"]["schemas"]
    schemas |= _schemas("Problem", Problem)
    schemas |= _schemas("Line", AnyLine)
    schemas |= _schemas("LoadLine", EVENT_SCHEMAS["status"] | LoadedLine | EVENT_SCHEMAS["error"])
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            _correct(document["paths"][route.path_format], route)
    return document


def _correct(operations: dict[str, Any], route: Any) -> None:
    """Put in again what FastAPI leaves out of examples (null), and take out the type that it adds to references."""
    for method in route.methods:
        for status, given in route.responses.items():
            described = operations[method.lower()]["responses"][str(status)].get("content", {})
            for media_type, content in given.get("content", {}).items():
                if "example" in content:
                    described[media_type]["example"] = content["example"]
            for content in described.values():
                if "$ref" in content.get("schema", {}):
                    content["schema"] = {"$ref": content["schema"]["$ref"]}


def _line(named: tuple[str, Any]) -> str:
    name, schema = named
    first = schema.__doc__.partition("\n")[0]
    return f"| `{name}` | {first} |"


def _schemas(name: str, kind: Any) -> dict[str, Any]:
    """A schema under a name, and what it is made of under its own names."""
    schema = TypeAdapter(kind).json_schema(ref_template=_REFERENCES, mode="serialization")
    return {**schema.pop("$defs", {}), name: schema}


def _once(make: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    made: list[dict[str, Any]] = []

    def description() -> dict[str, Any]:
        if not made:
            made.append(make())
        return made[0]

    return description
