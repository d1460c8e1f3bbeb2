"""What is read back of settings and drafts, damaged rows included."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.context.kept_json import dump_draft, load_draft, load_overrides
from tether_desktop.context.records import Draft, QueuedQuestion
from tether_desktop.messages import Attachment

FIELDS = ("text", "attachments", "queue", "name", "media_type", "size")

some_examples = settings(derandomize=True, deadline=None, max_examples=80)
texts = st.text(st.characters(), max_size=20)
files = st.lists(st.builds(Attachment, texts, texts, texts, st.integers(0)), max_size=2).map(tuple)
drafts = st.builds(Draft, texts, files, st.lists(st.builds(QueuedQuestion, texts, files), max_size=2).map(tuple))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


@some_examples
@given(draft=drafts)
def test_every_draft_comes_back_the_same(draft: Draft) -> None:
    assert load_draft(dump_draft(draft)) == draft


@some_examples
@given(value=values | st.fixed_dictionaries({"text": values, "attachments": values, "queue": values}))
def test_whatever_a_row_holds_it_is_a_draft_and_values_of_settings(value: object) -> None:
    stored = json.dumps(value)
    draft = load_draft(stored)
    assert isinstance(draft.text, str)
    assert all(isinstance(field, str) for each in draft.attachments for field in (each.name, each.text))
    assert all(isinstance(each.text, str) for each in draft.queue)
    assert isinstance(load_overrides(stored), dict)
