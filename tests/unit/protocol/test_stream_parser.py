"""The stream parser: text and hidden thoughts told apart, however the text is split."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tether_desktop.events import HiddenThought, Token
from tether_desktop.protocol.stream_parser import VISIBLE, StreamParser, state_after_prompt


def parse(chunks: list[str], state: str = VISIBLE) -> list[Token | HiddenThought]:
    parser = StreamParser(state)
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.finish()


def joined(events: list[Token | HiddenThought]) -> list[tuple[str, str]]:
    """The events as runs of one kind: ``(kind, text)``."""
    runs = itertools.groupby(events, key=lambda event: event.type)
    return [(kind, "".join(event.content for event in run)) for kind, run in runs]


TAGS = ["<think>", "</think>", "<THINKING>", "</Thinking>", "<reflection>", "</reflection>"]
LOOKALIKES = ["<thınk>", "<thin\u212a>", "</reﬂection>", "<<think>>", "<", "</", "think", ">", "<b>", "<tool_call>"]
FRAGMENTS = st.lists(st.sampled_from([*TAGS, *LOOKALIKES, "text", "🧵", " ", "\n"]), max_size=12).map("".join)


@given(FRAGMENTS, st.data())
def test_every_split_gives_the_same_result(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[start:end] for start, end in itertools.pairwise([0, *cuts, len(text)])]
    assert joined(parse(chunks)) == joined(parse([text]))


@given(FRAGMENTS)
def test_character_by_character_gives_the_same_result(text: str) -> None:
    assert joined(parse(list(text))) == joined(parse([text]))


@given(st.text(alphabet=st.characters(exclude_characters="<[")))
def test_text_without_tags_comes_through_at_once_and_whole(text: str) -> None:
    parser = StreamParser()
    assert "".join(event.content for event in parser.feed(text)) == text
    assert parser.finish() == []


@pytest.mark.parametrize("tag", ["think", "thinking", "reflection", "THINK", "Reflection"])
def test_a_tagged_block_is_a_thought_and_its_tags_are_taken_out(tag: str) -> None:
    assert joined(parse([f"a<{tag}>b</{tag.swapcase()}>c"])) == [
        ("token", "a"),
        ("hidden_thought", "b"),
        ("token", "c"),
    ]


def test_a_thought_that_is_never_closed_stays_a_thought() -> None:
    assert joined(parse(["<think>", "on and on", "</thin"])) == [("hidden_thought", "on and on</thin")]


def test_a_thought_ends_only_with_its_own_tag() -> None:
    assert joined(parse(["<think>a</reflection>b</think>c"])) == [("hidden_thought", "a</reflection>b"), ("token", "c")]


def test_a_closing_tag_without_a_thought_is_text() -> None:
    assert joined(parse(["a</think>b"])) == [("token", "a</think>b")]


@pytest.mark.parametrize("text", ["<thinkx>", "< think>", "<think", "a < b", "<", "</", "<reflections>", "x<y<z"])
def test_what_only_looks_like_a_tag_is_text(text: str) -> None:
    assert joined(parse(list(text))) == [("token", text)]


def test_a_lone_bracket_is_released_by_the_next_character() -> None:
    parser = StreamParser()
    assert parser.feed("1 <") == [Token("1 ")]
    assert parser.feed(" 2") == [Token("< 2")]


def test_text_is_held_back_only_while_it_may_become_a_tag() -> None:
    parser = StreamParser()
    assert parser.feed("<thin") == []
    assert parser.feed("g") == [Token("<thing")]


def test_a_second_bracket_releases_the_first() -> None:
    parser = StreamParser()
    assert parser.feed("<th<") == [Token("<th")]
    assert parser.feed("think>x") == [HiddenThought("x")]


def test_an_unfinished_tag_at_the_end_is_text() -> None:
    assert joined(parse(["done <thi"])) == [("token", "done <thi")]


def test_an_opening_tag_in_the_prompt_starts_the_reply_inside_the_thought() -> None:
    state = state_after_prompt("<|im_start|>assistant\n<think>\n")
    assert joined(parse(["hm</think>Hi"], state)) == [("hidden_thought", "hm"), ("token", "Hi")]


@pytest.mark.parametrize("prompt", ["", "assistant\n", "<think>\n\n</think>\n\n", "<think> about it"])
def test_other_prompts_start_the_reply_visibly(prompt: str) -> None:
    assert state_after_prompt(prompt) == VISIBLE


def test_two_parsers_do_not_mix_their_characters() -> None:
    first, second = StreamParser(), StreamParser()
    assert first.feed("<think>one <") == [HiddenThought("one ")]
    assert second.feed("two <") == [Token("two ")]
    assert first.finish() == [HiddenThought("<")]
    assert second.finish() == [Token("<")]
