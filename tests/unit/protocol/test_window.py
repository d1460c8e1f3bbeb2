"""Fitting a conversation into the context window."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers.model_folders import write_prompt_files
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import PromptTooLong
from tether_desktop.events import ContextTrimmed
from tether_desktop.messages import Message, ToolCall, ToolDeclaration, ToolResult, text_message
from tether_desktop.model.engine import EngineSpec, Prompt
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.protocol.history import Exchange
from tether_desktop.protocol.prompt import PromptTemplate, load_prompt_template
from tether_desktop.protocol.window import ContextWindow, Cut, FittedPrompt, reply_reserve

TEMPLATE = "{% for m in messages %}{{ m.content }}{% if not loop.last %} {% endif %}{% endfor %}"


class CountingEngine(ScriptedEngine):
    """A scripted engine (one token a word) that remembers how long the prompts were that it counted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(EngineSpec("m", "scripted", folder))
        self.counted: list[int] = []

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        counts = await super().count_tokens(prompts)
        self.counted += counts
        return counts


@pytest.fixture
def template(tmp_path: Path) -> PromptTemplate:
    return load_prompt_template(write_prompt_files(tmp_path / "Model", chat_template=TEMPLATE))


@pytest.fixture
def engine(tmp_path: Path) -> CountingEngine:
    return CountingEngine(write_scripted_model(tmp_path, "Counting"))


def words(name: str, count: int) -> str:
    return " ".join([name] * count)


def conversation(exchanges: int, size: int = 10) -> list[Exchange]:
    """Answered exchanges of ``size`` words, and a new question of half as many."""
    new = Exchange("new", (text_message("user", words("new", size // 2)),))
    return [*(answered(f"id{number}", size) for number in range(exchanges)), new]


def answered(name: str, size: int) -> Exchange:
    question, answer = text_message("user", words(name, size // 2)), text_message("assistant", words(name, size // 2))
    return Exchange(name, (question, answer), 2)


async def fit(
    engine: CountingEngine,
    template: PromptTemplate,
    exchanges: list[Exchange],
    *,
    window: int = 125,
    reserve: int = 25,
    cut: Cut | None = None,
    system: str = "sys",
) -> FittedPrompt:
    return await ContextWindow(engine, template, system, exchanges, window=window, reserve=reserve).fit(cut)


def text(fitted: FittedPrompt) -> str:
    return "".join(piece.text for piece in fitted.prompt)


async def test_a_conversation_that_fits_is_left_whole_with_one_count(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    fitted = await fit(engine, template, conversation(9))
    assert (fitted.tokens, fitted.cut, fitted.trimmed) == (96, None, None)
    assert engine.counted == [96]


async def test_one_that_does_not_fit_loses_its_oldest_exchanges_loudly(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    fitted = await fit(engine, template, conversation(20))
    assert fitted.trimmed == ContextTrimmed(dropped_messages=28, kept_tokens=66, window=125)
    assert fitted.tokens == 66
    assert text(fitted).startswith("sys id14")
    assert text(fitted).rstrip().endswith("new")


async def test_as_much_is_kept_as_three_quarters_of_the_room_hold(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    for length in range(10, 60):
        fitted = await fit(engine, template, conversation(length))
        assert 65 < fitted.tokens <= 75


async def test_the_cut_stays_while_the_conversation_fits(engine: CountingEngine, template: PromptTemplate) -> None:
    fitted = await fit(engine, template, conversation(20))
    cuts, prompts = [fitted.cut], [text(fitted)]
    for length in range(21, 24):
        fitted = await fit(engine, template, conversation(length), cut=fitted.cut)
        cuts.append(fitted.cut)
        prompts.append(text(fitted))
    assert cuts == [Cut("id14", 125)] * 4
    reusable = [prompt.removesuffix(words("new", 5)) for prompt in prompts]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(reusable))
    moved = await fit(engine, template, conversation(24), cut=fitted.cut)
    assert moved.cut == Cut("id18", 125)


async def test_a_kept_cut_is_still_told_every_time(engine: CountingEngine, template: PromptTemplate) -> None:
    fitted = await fit(engine, template, conversation(20), cut=Cut("id14", 125))
    assert fitted.trimmed == ContextTrimmed(28, 66, 125)
    assert engine.counted == [66]


@pytest.mark.parametrize("cut", [Cut("id14", 999), Cut("gone", 125)])
async def test_a_cut_of_another_branch_or_window_does_not_count(
    engine: CountingEngine, template: PromptTemplate, cut: Cut
) -> None:
    assert (await fit(engine, template, conversation(9), cut=cut)).cut is None


async def test_a_conversation_that_became_short_is_whole_again(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    fitted = await fit(engine, template, conversation(9), cut=Cut("id8", 125))
    assert fitted.trimmed is None


async def test_finding_the_cut_costs_what_the_window_holds_and_not_what_was_said(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    await fit(engine, template, conversation(2000))
    assert engine.counted[0] == 20_006
    assert len(engine.counted) < 9
    assert max(engine.counted[1:]) < 250


async def test_only_the_question_is_kept_when_the_exchange_before_it_is_huge(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    exchanges = [*conversation(3)[:-1], *conversation(1, size=500)[:-1], conversation(0)[0]]
    fitted = await fit(engine, template, exchanges)
    assert text(fitted).split() == ["sys"] + ["new"] * 5


async def test_a_question_may_use_the_room_of_the_reply_but_not_all_of_it(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    fitted = await fit(engine, template, conversation(0, size=198), window=125, reserve=25)
    assert fitted.tokens == 100
    with pytest.raises(PromptTooLong):
        await fit(engine, template, conversation(0, size=200), window=125, reserve=25)


async def test_a_question_that_is_too_long_is_told_with_numbers_and_a_remedy(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    with pytest.raises(PromptTooLong) as raised:
        await fit(engine, template, [*conversation(3)[:-1], *conversation(0, size=4000)])
    assert "2,001" in raised.value.message
    assert "125" in raised.value.message
    assert "Model" in raised.value.message
    assert raised.value.hint


async def test_an_empty_system_prompt_tells_nothing(engine: CountingEngine, template: PromptTemplate) -> None:
    assert text(await fit(engine, template, conversation(0), system="")).startswith("new")


@pytest.mark.parametrize(
    ("window", "max_tokens", "reserve"), [(2048, 1024, 512), (2048, 100, 100), (2048, None, 512), (3, 9, 1)]
)
def test_the_reply_gets_its_length_or_a_quarter_of_the_window(
    window: int, max_tokens: int | None, reserve: int
) -> None:
    assert reply_reserve(window, max_tokens) == reserve


async def test_what_is_kept_comes_as_messages_too(engine: CountingEngine, template: PromptTemplate) -> None:
    fitted = await fit(engine, template, conversation(20))
    assert [message.role for message in fitted.messages[:2]] == ["system", "user"]
    assert " ".join(message.text for message in fitted.messages) == text(fitted)


def called(*results: str) -> Exchange:
    """A question, calls of tools, and what they answered."""
    calls = tuple(ToolCall(str(number), "read") for number in range(len(results)))
    answers = tuple(ToolResult(str(number), "read", text) for number, text in enumerate(results))
    messages = text_message("user", "new"), Message("assistant", calls), Message("tool", answers)
    return Exchange("new", messages)


def results_of(fitted: FittedPrompt) -> list[str]:
    return [part.result for message in fitted.messages for part in message.parts if isinstance(part, ToolResult)]


async def test_a_long_result_is_shortened_before_the_question_is_refused(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    text = " ".join(f"w{number}" for number in range(1000))
    fitted = await fit(engine, template, [answered("old", 10), called(text, "short")], window=500, reserve=100)
    long, short = results_of(fitted)
    assert short == "short"
    assert 300 < fitted.tokens <= 400
    beginning, end = long.split("\n[")[0], long.split("]\n")[1]
    assert text.startswith(beginning)
    assert text.endswith(end)
    assert len(beginning) > len(end) > 400
    left_out = len(text) - len(beginning) - len(end)
    assert f"{left_out:,} of {len(text):,} characters are left out" in long
    assert long in "".join(piece.text for piece in fitted.prompt)
    assert len(engine.counted) < 12


async def test_the_longest_results_are_shortened_most(engine: CountingEngine, template: PromptTemplate) -> None:
    exchange = called(words("a", 1000), words("b", 700), words("c", 10))
    first, second, third = results_of(await fit(engine, template, [exchange], window=500, reserve=100))
    assert 200 < len(first) < 500
    assert abs(len(first) - len(second)) < 10
    assert third == words("c", 10)


async def test_older_exchanges_go_before_a_result_is_shortened(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    text = words("result", 200)
    fitted = await fit(engine, template, [*conversation(40)[:-1], called(text)], window=500, reserve=100)
    assert results_of(fitted) == [text]
    assert fitted.trimmed
    assert fitted.trimmed.dropped_messages > 60


async def test_results_that_are_short_already_do_not_help_a_question_that_is_too_long(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    long_question = Exchange("new", (text_message("user", words("q", 200)), *called("x" * 150).messages[1:]))
    with pytest.raises(PromptTooLong):
        await fit(engine, template, [long_question])


async def test_a_question_that_is_too_long_even_with_the_shortest_results_is_told(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    long_question = Exchange("new", (text_message("user", words("q", 200)), *called(words("r", 900)).messages[1:]))
    with pytest.raises(PromptTooLong):
        await fit(engine, template, [long_question])


async def test_tools_count_and_are_named_when_they_leave_no_room(
    engine: CountingEngine, template: PromptTemplate
) -> None:
    few, many = ([ToolDeclaration("t", words("d", count))] for count in (20, 200))
    exchanges = conversation(0)
    fitted = await ContextWindow(engine, template, "", exchanges, window=125, reserve=25, tools=few).fit(None)
    assert fitted.tokens > 25
    with pytest.raises(PromptTooLong) as raised:
        await ContextWindow(engine, template, "", exchanges, window=125, reserve=25, tools=many).fit(None)
    assert "tools" in raised.value.message
    assert "switch some tools off" in raised.value.hint


async def test_whether_to_think_reaches_the_template(engine: CountingEngine, tmp_path: Path) -> None:
    switched = load_prompt_template(write_prompt_files(tmp_path / "q", chat_template="{{ enable_thinking }}"))
    for thinking in (True, False):
        window = ContextWindow(engine, switched, "", conversation(0), window=99, reserve=9, thinking=thinking)
        assert text(await window.fit(None)) == str(thinking)
