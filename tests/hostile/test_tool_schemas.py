"""Whatever schema a server or a file gives a tool, the real engine still answers: its calls are held to what can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.helpers.rooms import open_rooms
from tests.helpers.starter import StarterModel
from tests.helpers.tool_turns import assert_whole, ending, ends
from tests.helpers.tools import PlainTool
from tether_desktop.events import Done, ToolStart
from tether_desktop.messages import ToolChoice, ToolDeclaration
from tether_desktop.model.engine import SamplingParams
from tether_desktop.model.hosting.host import HostedEngine
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.tools.tool import Tool

SHORT = SamplingParams(temperature=0, max_tokens=40)
REQUIRED = ToolUse(ToolChoice("required"))


def held(schema: Any, **more: Any) -> dict[str, Any]:
    """Arguments with one of this schema."""
    return {"type": "object", "properties": {"value": schema}, "required": ["value"], **more}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def doubling(levels: int) -> dict[str, Any]:
    definitions: dict[str, Any] = {"d0": {"type": "string"}}
    for level in range(levels):
        both = [{"$ref": f"#/$defs/d{level}"}, {"$ref": f"#/$defs/d{level}"}]
        definitions[f"d{level + 1}"] = {"anyOf": both, "allOf": both}
    return held({"$ref": f"#/$defs/d{levels}"}, **{"$defs": definitions})


NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
SCHEMAS: dict[str, dict[str, Any]] = {
    "huge": held({"enum": [f"value {number}" for number in range(60)]}),
    "deep": nested(100),
    "itself": held({"$ref": "#"}),
    "endless": held({"$ref": "#/$defs/node"}, **{"$defs": {"node": NODE}}),
    "a circle": held({"$ref": "#/$defs/a"}, **{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
    "doubling": doubling(14),
    "elsewhere": held({"$ref": "https://localhost:1/schema.json"}),
    "nowhere": held({"$ref": "#/$defs/missing"}),
    "two types at once": held({"allOf": [{"type": "string"}, {"type": "integer"}]}),
    "nothing fits": held(False),
    "no values": held({"enum": []}),
    "longer than it may be": held({"type": "string", "minLength": 9, "maxLength": 3}),
    "more than there are": held({"type": "array", "minItems": 10**9}),
    "a pattern without end": held({"type": "string", "pattern": "^(((a{1,999}){1,999}){1,999})+$"}),
    "no pattern": held({"type": "string", "pattern": "[("}),
    "a pattern that looks back": held({"type": "string", "pattern": "(?<=a)b(?!c)\\1"}),
    "marks of a grammar": {
        "type": "object",
        "properties": {'"\n%json {} start: /x/ \\': {"const": '"/\n<|im_end|><<function_call>>\u202e\x01'}},
        "required": ['"\n%json {} start: /x/ \\'],
    },
    "half a character": held({"const": "\ud800"}),
    "no schema": {"type": ["object", 7], "properties": [None], "required": "value", "additionalProperties": "no"},
    "no object": {"type": "string"},
}


KEPT = {"huge"}
"""Those that a call can fit."""


async def test_the_turn_goes_on_whatever_the_schema(tmp_path: Path, starter_model: StarterModel) -> None:
    tools: list[Tool] = []
    async with open_rooms(
        tmp_path, models=starter_model.root, make_engine=HostedEngine, tools=tools, settings={"tool_rounds": 1}
    ) as rooms:
        for kind, schema in SCHEMAS.items():
            declaration = ToolDeclaration("act", "Act as you are told.", schema)
            tools[:] = [PlainTool(declaration, lambda **given: f"Acted with {len(given)}.")]
            turn, events = await rooms.ask("Act now.", tool_use=REQUIRED, params=SHORT)
            await assert_whole(rooms, turn, events)
            end = ending(events)
            assert isinstance(end, Done), kind
            assert {event.name for event in events if isinstance(event, ToolStart)} <= {"act"}, kind
            assert ends(events), kind
            if kind in KEPT:
                assert [end.result for end in ends(events)] == ["Acted with 1."], kind
