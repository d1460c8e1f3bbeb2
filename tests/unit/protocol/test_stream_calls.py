"""The stream parser: calls, whole or broken, among text and thoughts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tether_desktop.events import HiddenThought, Token
from tether_desktop.protocol import call_scanner
from tether_desktop.protocol.dialects import DIALECTS, OURS
from tether_desktop.protocol.dialects.dialect import MOST_CHARACTERS
from tether_desktop.protocol.dialects.hermes import HERMES
from tether_desktop.protocol.dialects.llama import LLAMA
from tether_desktop.protocol.stream_parser import BrokenCall, Parsed, ParsedCall, StreamParser
from tether_desktop.protocol.thoughts import THOUGHT_MARKERS, THOUGHTS, Thought

NOW = '<<function_call>> {"name": "now", "arguments": {}}'


def parse(text: str, parser: StreamParser | None = None) -> list[Parsed]:
    parser = parser or StreamParser(dialects=[OURS, HERMES])
    return parser.feed(text) + parser.finish()


def test_a_call_comes_between_the_text_before_and_after_it() -> None:
    assert parse(f"Let me see. {NOW} There.") == [
        Token("Let me see. "),
        ParsedCall("now", {}, NOW),
        Token(" There."),
    ]


def test_thoughts_after_a_call_belong_to_what_came_of_it() -> None:
    events = parse(f"<think>a</think>{NOW}<think>b</think>")
    assert [event for event in events if isinstance(event, HiddenThought)] == [
        HiddenThought("a", "pre_tool"),
        HiddenThought("b", "post_tool"),
    ]


def test_a_reply_that_goes_on_after_a_result_thinks_about_that() -> None:
    parser = StreamParser("think", dialects=[OURS], phase="post_tool")
    assert parse("so</think>", parser) == [HiddenThought("so", "post_tool")]


def test_a_call_in_a_thought_is_a_thought() -> None:
    assert parse(f"<think>{NOW}</think>ok") == [HiddenThought(NOW), Token("ok")]


def test_a_tag_of_a_thought_in_a_call_belongs_to_the_call() -> None:
    call = NOW.replace("{}", '{"q": "<think>"}')
    assert parse(call) == [ParsedCall("now", {"q": "<think>"}, call)]


def test_it_tells_whether_it_is_inside_a_call() -> None:
    parser = StreamParser(dialects=[OURS])
    parser.feed("<<function_call")
    assert not parser.in_call
    parser.feed(">> {")
    assert parser.in_call
    parser.feed('"name": "now"} ')
    assert not parser.in_call


def test_a_call_is_told_as_soon_as_it_is_certain_to_have_ended() -> None:
    parser = StreamParser(dialects=[HERMES])
    assert parser.feed('<tool_call>{"name": "now"}</tool_call>') == [
        ParsedCall("now", {}, '<tool_call>{"name": "now"}</tool_call>')
    ]


def test_a_broken_call_says_what_is_wrong_and_keeps_all_its_text() -> None:
    text = '<tool_call>{"name": "now", "arguments": oops}</tool_call>'
    [broken] = parse(text)
    assert isinstance(broken, BrokenCall)
    assert (broken.name, broken.text) == ("now", text)
    assert "not valid JSON" in broken.problem


def test_a_call_that_breaks_off_says_so() -> None:
    [broken] = parse(NOW[:-1])
    assert broken == BrokenCall("now", NOW[:-1], "It breaks off before its end.")


def test_the_first_of_several_calls_between_the_same_tags_has_their_text() -> None:
    text = '<tool_call>[{"name": "a"}, {"name": "b"}]</tool_call>'
    assert parse(text) == [ParsedCall("a", {}, text), ParsedCall("b", {}, "")]


def sized(characters: int) -> str:
    """A payload of so many characters."""
    frame = '{"name": "now", "arguments": {"a": ""}}'
    return frame.replace('""', '"' + "x" * (characters - len(frame)) + '"')


def test_a_payload_may_be_long_but_not_longer() -> None:
    [fits] = parse(f"<tool_call>{sized(MOST_CHARACTERS)}</tool_call>")
    assert isinstance(fits, ParsedCall)
    text = f"<tool_call>{sized(MOST_CHARACTERS + 1)}</tool_call>"
    [broken] = parse(text)
    assert broken == BrokenCall("now", text, "It is longer than 32,768 characters.")


def test_a_string_without_end_is_believed_only_so_far() -> None:
    start = '<tool_call>{"name": "now", "q": "</tool_call>'
    events = parse(start + "and on " * 6000)
    assert isinstance(events[0], BrokenCall)
    assert events[0].text == start
    assert "".join(event.content for event in events[1:] if isinstance(event, Token)) == "and on " * 6000


class CountingPattern:
    """A pattern that counts the characters it is given to search."""

    searched = 0

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def search(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        end = len(text) if end is None else end
        found = self._pattern.search(text, start, end)
        CountingPattern.searched += (found.end() if found else end) - start
        return found


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[CountingPattern]]:
    call_scanner._lexicon.cache_clear()
    CountingPattern.searched = 0
    compiled = re.compile
    with monkeypatch.context() as patch:
        patch.setattr(call_scanner.re, "compile", lambda *arguments: CountingPattern(compiled(*arguments)))
        call_scanner._lexicon(HERMES.forms[0], ("<tool_call>",))
    yield CountingPattern
    call_scanner._lexicon.cache_clear()


@pytest.mark.parametrize("filling", ["x", '\\"', "<", "</tool_call>", "[{", " "])
def test_each_character_of_a_long_payload_is_looked_at_a_few_times_only(
    filling: str, counting: type[CountingPattern]
) -> None:
    text = '<tool_call>{"name": "now", "q": "' + filling * (30_000 // len(filling)) + '"}</tool_call>'
    parser = StreamParser(dialects=[HERMES])
    for character in text:
        parser.feed(character)
    parser.finish()
    longest = len("</tool_call>")
    assert len(text) < counting.searched < 3 * longest * len(text)


def test_bare_json_that_names_no_tool_streams_at_once() -> None:
    parser = StreamParser(dialects=[LLAMA], names=["now"])
    assert parser.feed('{"name": "Ann') == [Token('{"name": "Ann')]
    assert parser.feed('", "age"') == [Token('", "age"')]


def test_bare_json_is_a_call_only_where_names_are_known() -> None:
    text = '{"name": "now", "parameters": {}}'
    assert parse(text, StreamParser(dialects=[LLAMA])) == [Token(text)]
    assert parse(text, StreamParser(dialects=[LLAMA], names=["now"])) == [ParsedCall("now", {}, text)]


@pytest.mark.parametrize("times", [2, 5])
def test_bare_calls_that_follow_directly_come_to_an_end(times: int) -> None:
    text = '{"name": "now", "parameters": {}}'
    assert parse(text * times, StreamParser(dialects=DIALECTS, names=["now"])) == [ParsedCall("now", {}, text)] * times


@pytest.mark.parametrize("thought", THOUGHTS, ids=lambda thought: thought.name)
def test_every_kind_of_thought_is_taken_out(thought: Thought) -> None:
    assert parse(f"{thought.opening}a{thought.closing}b") == [HiddenThought("a"), Token("b")]


def test_no_tag_of_the_parser_begins_or_contains_another() -> None:
    tags = {opening for dialect in DIALECTS for opening in dialect.openings} | {thought.opening for thought in THOUGHTS}
    assert not [(one, other) for one in tags for other in tags if one != other and one in other]


def test_special_tokens_of_thoughts_are_listed_as_markers() -> None:
    assert {"<think>", "</think>", "[THINK]", "<|END_THINKING|>", "<|channel|>", "<|message|>"} <= set(THOUGHT_MARKERS)
