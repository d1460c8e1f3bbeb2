"""The port's description: complete, true to its own examples, and the same as the reference that is printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from pydantic import TypeAdapter

from tether_desktop.events import Done, Event, to_wire
from tether_desktop.messages import Timings, Usage
from tether_desktop.protocol.api.app import make_routes
from tether_desktop.protocol.api.event_schemas import EVENT_SCHEMAS, EXAMPLE_LINES, AnyLine
from tether_desktop.protocol.api.problem import problem

DOCUMENT = make_routes().openapi()
OURS = ("The port", "Conversations", "Turns", "Models", "Tools")


def operations(*tags: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if not tags or set(operation["tags"]) & set(tags):
                yield f"{method} {path}", operation


def fits(value: Any, schema: dict[str, Any]) -> None:
    jsonschema.validate(value, {**schema, "components": DOCUMENT["components"]})


def test_every_route_has_a_name_a_summary_and_a_description() -> None:
    for label, operation in operations():
        assert operation["operationId"], label
        assert operation["summary"], label
        assert operation.get("description"), label
        assert set(operation["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}, label


def test_names_of_routes_are_good_names_of_methods_and_each_is_there_once() -> None:
    names = [operation["operationId"] for _, operation in operations(*OURS, "Monitoring")]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z_]*", name)] == []


def test_every_route_but_the_open_ones_asks_for_a_token() -> None:
    without = {label for label, operation in operations(*OURS) if not operation.get("security")}
    assert without == {"get /"}


def test_all_examples_fit_their_schemas() -> None:
    checked = 0
    for _, operation in operations(*OURS):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (content for body in bodies for content in body.get("content", {}).values()):
            examples = [each["value"] for each in content.get("examples", {}).values()]
            if "example" in content and not isinstance(content["example"], str):
                examples.append(content["example"])
            for example in examples:
                fits(example, content["schema"])
                checked += 1
    assert checked > 100


def test_every_error_has_the_one_form() -> None:
    for label, operation in operations(*OURS):
        for status, response in operation["responses"].items():
            if status != "200":
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (label, status)


def test_problems_have_the_fields_that_are_described() -> None:
    fits(problem(404, "session_not_found", "Gone", "It is gone."), DOCUMENT["components"]["schemas"]["Problem"])


def test_every_event_is_described_with_all_of_its_fields() -> None:
    kinds = get_args(Event)
    assert set(EVENT_SCHEMAS) == {kind.type for kind in kinds}
    for kind in kinds:
        described = DOCUMENT["components"]["schemas"][f"{kind.__name__}Line"]
        assert set(described["properties"]) == {"type", *(field.name for field in fields(kind))}
        assert f"`{kind.type}`" in DOCUMENT["info"]["description"]


def test_the_lines_of_the_example_are_lines_of_a_turn() -> None:
    lines = TypeAdapter(list[AnyLine])
    events = [TypeAdapter(AnyLine).validate_json(line) for line in EXAMPLE_LINES.splitlines()]
    assert events[-1].type == "done"
    sent = to_wire(Done("stop", Usage(31, 0, 7), Timings(0.0, 0.12, 0.14, 0.21)))
    assert lines.validate_python([sent])[0].model_dump() == asdict(
        Done("stop", Usage(31, 0, 7), Timings(0.0, 0.12, 0.14, 0.21))
    ) | {"type": "done"}


@pytest.fixture
def packaging_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[4] / "packaging"))


def test_the_printed_reference_says_what_the_port_says(packaging_scripts: None) -> None:
    import api_reference

    assert api_reference.TARGET.read_text(encoding="utf-8") == api_reference.reference(), "run `make docs`"


def test_every_link_within_the_reference_leads_somewhere(packaging_scripts: None) -> None:
    import api_reference

    page = api_reference.reference()
    headings = {api_reference.anchor(title) for title in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\(#([^)]*)\)", page)) <= headings
