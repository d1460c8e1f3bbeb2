"""Parts as stored JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.context.parts import dump_parts, load_parts
from tether_desktop.messages import Part, Reasoning, Text, ToolCall, ToolResult

# Halves of surrogate pairs are told apart below: two that meet become one character in JSON.
WORDS = st.text(st.characters(exclude_categories=("Cs",)))
JSON_OBJECTS = st.dictionaries(WORDS, st.recursive(st.none() | st.booleans() | st.integers() | WORDS, st.lists))
PARTS = st.one_of(
    st.builds(Text, WORDS),
    st.builds(Reasoning, WORDS, st.sampled_from(["pre_tool", "post_tool"]), st.none() | st.floats(0, 1e6)),
    st.builds(ToolCall, WORDS, WORDS, JSON_OBJECTS),
    st.builds(ToolResult, WORDS, WORDS, WORDS, st.booleans()),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(PARTS))
def test_parts_come_back_as_they_were(parts: list[Part]) -> None:
    assert load_parts(dump_parts(parts)) == tuple(parts)


def test_half_a_surrogate_pair_can_be_stored() -> None:
    stored = dump_parts([Text("half \ud83d of an emoji, café")])
    assert stored.encode()
    assert load_parts(stored) == (Text("half \ud83d of an emoji, café"),)


def test_text_is_readable_in_the_database() -> None:
    assert dump_parts([Text("Zürich 東京")]) == '[{"type":"text","text":"Zürich 東京"}]'


def test_fields_this_version_lacks_are_passed_over_and_missing_ones_take_their_defaults() -> None:
    stored = '[{"type":"reasoning","text":"hm","colour":"blue"},{"type":"tool_call","id":"1","name":"n"}]'
    assert load_parts(stored) == (Reasoning("hm"), ToolCall("1", "n", {}))


@pytest.mark.parametrize("stored", ['[{"type":"text","te', '{"type":"text"}', "", "3"])
def test_a_damaged_row_is_shown_raw_instead_of_hiding_the_conversation(stored: str) -> None:
    assert load_parts(stored) == (Text(stored),)


@pytest.mark.parametrize("item", [{"type": "picture", "url": "é"}, {"type": "text"}, {}, 3, None, {"type": []}])
def test_a_part_of_an_unknown_kind_is_shown_raw_beside_the_others(item: object) -> None:
    stored = json.dumps([{"type": "text", "text": "before"}, item])
    assert load_parts(stored) == (Text("before"), Text(json.dumps(item, ensure_ascii=False)))
