"""Writes docs/api.md from the description of the local port, so that the two cannot disagree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tether_desktop.protocol.api.app import make_routes

TARGET = Path(__file__).resolve().parent.parent / "docs/api.md"
_HEAD = """\
# The session API

<!-- Made by `make docs` from tether_desktop/protocol/api; change that, never this. -->

`tether serve` opens the local port, and so does *Settings, Local port* in the window; it is at
`http://127.0.0.1:8090` unless the settings say otherwise. There, `/docs` is this reference to try, and
`/openapi.json` is for programs that make clients. Pages for beginners: [curl](clients/curl.md),
[Python](clients/python.md), [JavaScript](clients/javascript.md), [OpenAI's client](clients/openai.md) and
[llm](clients/llm.md).

"""
_METHODS = ("get", "post", "put", "patch", "delete")
_LONGEST_EXAMPLE = 1500


def reference(document: dict[str, Any] | None = None) -> str:
    """The whole page."""
    document = document or make_routes().openapi()
    parts = [_HEAD, _cleaned(document["info"]["description"]), _contents(document)]
    parts += [_tag(document, tag) for tag in document["tags"]]
    parts += [_errors(document), _schemas(document)]
    return "".join(parts).rstrip("\n") + "\n"


def _operations(document: dict[str, Any], tag: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if tag in methods.get(method, {}).get("tags", ()):
                yield method.upper(), path, methods[method]


def _contents(document: dict[str, Any]) -> str:
    lines = ["\n## All routes\n\n| Route | What it does |\n|---|---|\n"]
    for tag in document["tags"]:
        for method, path, operation in _operations(document, tag["name"]):
            title = f"{method} {path}"
            lines.append(f"| [`{title}`](#{anchor(title)}) | {operation['summary']} |\n")
    return "".join(lines)


def _tag(document: dict[str, Any], tag: dict[str, Any]) -> str:
    operations = [_operation(*each) for each in _operations(document, tag["name"])]
    return f"\n## {tag['name']}\n\n{tag['description']}\n{''.join(operations)}" if operations else ""


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"\n### {method} {path}\n\n**{operation['summary']}.** {_cleaned(operation.get('description', ''))}"]
    parts.append(_parameters(operation.get("parameters", [])))
    parts.append(_body(operation.get("requestBody", {})))
    parts.append(_answers(operation["responses"]))
    return "".join(parts)


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = [
        _row(
            f"`{each['name']}`",
            each["in"],
            _kind(each["schema"]),
            _default(each["schema"]),
            each.get("description", ""),
        )
        for each in parameters
    ]
    return f"\n| Parameter | In | Kind | Default | |\n|---|---|---|---|---|\n{''.join(rows)}"


def _body(body: dict[str, Any]) -> str:
    parts = []
    for content in body.get("content", {}).values():
        kind = _kind(content.get("schema", {}))
        parts.append(f"\nBody: {kind}{'' if body.get('required') else ', or none'}.\n")
        named = content.get("examples", {}).values()
        parts += [f"\n{example['summary']}:\n\n{_json(example['value'])}" for example in named]
        if "example" in content:
            parts.append(f"\n{_json(content['example'])}")
    return "".join(parts)


def _answers(responses: dict[str, Any]) -> str:
    fine = {status: response for status, response in responses.items() if status.startswith("2")}
    failed = ", ".join(status for status in responses if status not in fine)
    rows = "".join(row for status, response in fine.items() for row in _answer_rows(status, response))
    examples = [
        _example(media_type, each["example"])
        for response in fine.values()
        for media_type, each in response.get("content", {}).items()
        if "example" in each
    ]
    errors = f"\n[Errors](#errors): {failed}.\n" if failed else ""
    return f"\n| Status | | Body |\n|---|---|---|\n{rows}{''.join(examples)}{errors}"


def _answer_rows(status: str, response: dict[str, Any]) -> Iterator[str]:
    kinds = dict.fromkeys(_kind(each.get("schema", {})) for each in response.get("content", {}).values())
    yield _row(status, _cleaned(response["description"]).strip(), " or ".join(kinds))
    for name, header in response.get("headers", {}).items():
        yield _row("", f"Header `{name}`: {_cleaned(header['description']).strip()}", "text")


def _errors(document: dict[str, Any]) -> str:
    """What each status means, and where its example is."""
    meanings: dict[str, tuple[str, dict[str, Any]]] = {}
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                example = response.get("content", {}).get("application/json", {}).get("example")
                if not status.startswith("2") and isinstance(example, dict) and "code" in example:
                    meanings.setdefault(status, (response["description"], example))
    rows = "".join(_row(status, meanings[status][0], f"`{meanings[status][1]['code']}`") for status in sorted(meanings))
    example = _json(meanings["404"][1])
    table = f"| Status | What it means | A `code` |\n|---|---|---|\n{rows}"
    return f"\n## Errors\n\nEach has a body of the kind [Problem](#problem):\n\n{example}\n{table}"


def _example(media_type: str, example: Any) -> str:
    if isinstance(example, str):
        kind = "json" if "json" in media_type else "text"
        return f"\n```{kind}\n{example.rstrip()}\n```\n"
    return f"\n{_json(example)}"


def _schemas(document: dict[str, Any]) -> str:
    schemas = document["components"]["schemas"]
    return "\n## Bodies\n" + "".join(_schema(name, schemas[name]) for name in sorted(schemas))


def _schema(name: str, schema: dict[str, Any]) -> str:
    heading = f"\n### {name}\n\n"
    if "description" in schema:
        heading += f"{_cleaned(schema['description'])}\n"
    if "properties" not in schema:
        return f"{heading}{_kind(schema)}\n"
    required = schema.get("required", ())
    rows = [
        _row(f"`{field}`", _kind(each), "needed" if field in required else _default(each), each.get("description", ""))
        for field, each in schema["properties"].items()
    ]
    return f"{heading}\n| Field | Kind | Default | |\n|---|---|---|---|\n{''.join(rows)}".replace("\n\n\n", "\n\n")


def _kind(schema: dict[str, Any]) -> str:
    """What a value is, in a few words, with links to the bodies."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_kind(each) for each in schema[key]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {})) or 'values'}"
    return _plain_kind(schema)


def _plain_kind(schema: dict[str, Any]) -> str:
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    kind = names.get(schema.get("type", ""), schema.get("type", "any"))
    if schema.get("format") == "date-time":
        kind = "time"
    words = {
        "minimum": "from",
        "exclusiveMinimum": "above",
        "maximum": "up to",
        "exclusiveMaximum": "below",
    }
    limits = [f"{word} {_number(schema[key])}" for key, word in words.items() if key in schema]
    if "maxLength" in schema:
        limits.append(f"of up to {schema['maxLength']:,} characters")
    return " ".join([kind, *limits])


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else str(value)


def _default(schema: dict[str, Any]) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _json(value: Any) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if len(text) > _LONGEST_EXAMPLE:
        text = json.dumps(value, ensure_ascii=False)
    return f"```json\n{text}\n```\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def _cleaned(text: str) -> str:
    return text.strip() + "\n"


def anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = "".join(each for each in title.lower() if each.isalnum() or each in " -_")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
