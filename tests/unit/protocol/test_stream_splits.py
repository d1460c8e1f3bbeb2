"""The stream parser: the same events however a reply is split, and no character lost."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.stream_samples import NAMES, SAMPLES, TAGS, Sample
from tether_desktop.events import HiddenThought, Token
from tether_desktop.protocol.dialects import DIALECTS
from tether_desktop.protocol.dialects.dialect import Dialect
from tether_desktop.protocol.stream_parser import BrokenCall, Parsed, ParsedCall, StreamParser

RANDOM_SPLITS = 40


def parse(pieces: Iterable[str], dialects: tuple[Dialect, ...] = DIALECTS) -> list[Parsed]:
    return joined(parse_singly(pieces, dialects))


def parse_singly(pieces: Iterable[str], dialects: tuple[Dialect, ...] = DIALECTS) -> list[Parsed]:
    parser = StreamParser(dialects=dialects, names=NAMES)
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.finish()


def joined(events: list[Parsed]) -> list[Parsed]:
    """The events with texts and thoughts that follow one another put together."""
    whole: list[Parsed] = []
    for event in events:
        last = whole[-1] if whole else None
        if isinstance(event, Token) and isinstance(last, Token):
            whole[-1] = Token(last.content + event.content)
        elif isinstance(event, HiddenThought) and isinstance(last, HiddenThought) and last.phase == event.phase:
            whole[-1] = HiddenThought(last.content + event.content, event.phase)
        else:
            whole.append(event)
    return whole


def splits(text: str) -> Iterable[list[str]]:
    """Every split into two and three pieces, single characters, and some at random."""
    places = range(1, len(text))
    yield list(text)
    yield from ([text[:at], text[at:]] for at in places)
    yield from ([text[:at], text[at:on], text[on:]] for at, on in itertools.combinations(places, 2))
    chance = random.Random(text)
    for _ in range(RANDOM_SPLITS):
        cuts = sorted(chance.choices(range(len(text) + 1), k=chance.randint(3, 12)))
        yield [text[start:end] for start, end in itertools.pairwise([0, *cuts, len(text)])]


def split_count(text: str) -> int:
    places = len(text) - 1
    return 1 + places + places * (places - 1) // 2 + RANDOM_SPLITS


def text_of(event: Parsed) -> str:
    return event.content if isinstance(event, Token | HiddenThought) else event.text


def is_made_of(text: str, events: list[Parsed]) -> bool:
    """Whether the events' texts make up the text, in order, with nothing but tags between them."""
    first = text_of(events[0]) if events else None
    if first is not None and text.startswith(first) and is_made_of(text[len(first) :], events[1:]):
        return True
    tag = next((tag for tag in TAGS if text.lower().startswith(tag.lower())), "")
    return is_made_of(text[len(tag) :], events) if tag else not text and not events


def by_text(sample: Sample) -> str:
    return sample.text[:50]


@pytest.mark.parametrize("sample", SAMPLES, ids=by_text)
def test_every_split_gives_the_same_events(sample: Sample) -> None:
    whole = parse([sample.text], sample.dialects)
    for pieces in splits(sample.text):
        assert parse(pieces, sample.dialects) == whole, pieces


def test_the_splits_are_as_many_as_they_should_be() -> None:
    assert len(SAMPLES) >= 70
    assert sum(len(list(splits(sample.text))) for sample in SAMPLES) == sum(split_count(s.text) for s in SAMPLES)
    assert sum(split_count(sample.text) for sample in SAMPLES) >= 90_000


@pytest.mark.parametrize("sample", SAMPLES, ids=by_text)
def test_each_sample_has_the_calls_that_are_in_it(sample: Sample) -> None:
    events = parse([sample.text], sample.dialects)
    assert sum(isinstance(event, ParsedCall) for event in events) == sample.calls
    assert sum(isinstance(event, BrokenCall) for event in events) == sample.broken


@pytest.mark.parametrize("sample", SAMPLES, ids=by_text)
def test_no_character_is_lost_but_those_of_tags(sample: Sample) -> None:
    assert is_made_of(sample.text, parse_singly([sample.text], sample.dialects))


@pytest.mark.parametrize("sample", [sample for sample in SAMPLES if sample.calls + sample.broken], ids=by_text)
def test_no_piece_of_a_call_is_visible(sample: Sample) -> None:
    visible = "".join(event.content for event in parse([sample.text], sample.dialects) if isinstance(event, Token))
    for fragment in (
        "function_call>",
        "tool_call",
        "arguments",
        "TOOL_CALLS",
        "ARGS",
        "python_tag",
        "<function",
        "tool▁",
    ):
        assert fragment not in visible


OPENINGS = sorted({opening for dialect in DIALECTS for opening in dialect.openings})
JSON = [
    '{"name": "now"',
    ', "arguments": {}',
    '"',
    "}",
    "{",
    "[",
    "]",
    ";",
    "\\",
    '{"name": "add", "parameters": {"a": 1}}',
]
LOOKALIKES = ["<thınk>", "<<", "<tool_call", "[TOOL", "text", "🧵", " ", "\n", "</", "<parameter=a>", "</parameter>"]
FRAGMENTS = st.lists(st.sampled_from([*OPENINGS, *TAGS, *JSON, *JSON, *LOOKALIKES]), max_size=14).map("".join)


@settings(derandomize=True, max_examples=400)
@given(FRAGMENTS, st.data())
def test_any_mixture_gives_the_same_events_however_it_is_split(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in itertools.pairwise([0, *cuts, len(text)])]
    whole = parse([text])
    assert parse(pieces) == whole
    assert parse(list(text)) == whole


@settings(derandomize=True, max_examples=300)
@given(FRAGMENTS)
def test_any_mixture_comes_out_whole(text: str) -> None:
    assert is_made_of(text, parse_singly([text]))
