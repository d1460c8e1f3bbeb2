"""The scripted engine: it says what its script says, at the script's time, and fails as it says."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.clock import VirtualClock
from tether_desktop.errors import EngineError, LibraryMismatch, ModelBroken, PromptTooLong
from tether_desktop.messages import Usage
from tether_desktop.model.engine import (
    Constraint,
    ConstraintKind,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    PromptPiece,
    SamplingParams,
)
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.model.scripted.script import parse_script, read_script, split_tokens

SPEC = EngineSpec("Scripted", "scripted", Path("nowhere"), context_window=64)


def engine(*replies: str | Mapping[str, Any], clock: VirtualClock | None = None, **script: Any) -> ScriptedEngine:
    return ScriptedEngine(SPEC, script=parse_script({"replies": replies, **script}), clock=clock or VirtualClock())


def steps(*steps: Any, match: str = "") -> dict[str, Any]:
    return {"match": match, "steps": list(steps)}


def request(question: str = "Hi", **params: Any) -> GenerationRequest:
    return GenerationRequest("session", (PromptPiece(question),), SamplingParams(**params))


def turn(role: str, text: str) -> str:
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


async def chunks(engine: ScriptedEngine, request: GenerationRequest) -> list[GenerationChunk]:
    return [chunk async for chunk in engine.generate(request)]


async def listen(engine: ScriptedEngine, request: GenerationRequest, said: list[str]) -> None:
    async for chunk in engine.generate(request):
        said += [chunk.text]


async def reply(engine: ScriptedEngine, request: GenerationRequest) -> str:
    return "".join(chunk.text for chunk in await chunks(engine, request))


async def test_a_text_step_is_exactly_one_chunk() -> None:
    said = await chunks(engine(steps("<thi", "nk>", "a b")), request())
    assert [chunk.text for chunk in said] == ["<thi", "nk>", "a b", ""]


@pytest.mark.parametrize(
    "text", ["", " ", "one", " two  words\n", "a,b — c\n\n| d |", "日本語 ok", "```py\nx = 1\n```"]
)
def test_tokens_join_to_their_text(text: str) -> None:
    assert "".join(split_tokens(text)) == text


async def test_only_the_last_chunk_has_finish_reason_usage_and_timings() -> None:
    *before, last = await chunks(engine("one two three"), request("four words are here"))
    assert last.finish_reason == "stop"
    assert last.usage == Usage(4, 0, 3)
    assert last.timings is not None
    assert all(chunk.finish_reason is chunk.usage is chunk.timings is None for chunk in before)


async def test_replies_without_a_pattern_take_turns() -> None:
    scripted = engine("first", "second")
    assert [await reply(scripted, request()) for _ in range(3)] == ["first", "second", "first"]


async def test_a_pattern_is_looked_for_in_the_last_question_only() -> None:
    scripted = engine("other", steps("red", match="colou?r"))
    asked = "<|im_start|>user\nA color?<|im_end|>\n<|im_start|>assistant\n"
    assert await reply(scripted, request(asked)) == "red"
    assert await reply(scripted, request(asked + "red<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n")) == "other"


async def test_what_a_tool_has_said_is_answered_by_the_replies_for_that() -> None:
    scripted = engine(
        steps("calls", match="time"),
        {**steps("Late.", match="midnight"), "after_tool": True},
        {**steps("Noon."), "after_tool": True},
        {**steps("Still noon."), "after_tool": True},
    )
    asked = turn("user", "What time is it?")
    assert await reply(scripted, request(asked)) == "calls"
    told = [asked + turn("tool", said) for said in ("12:00", "midnight", "12:00", "12:00")]
    assert [await reply(scripted, request(each)) for each in told] == ["Noon.", "Late.", "Still noon.", "Noon."]
    assert await reply(scripted, request(told[0] + turn("assistant", "Noon.") + turn("user", "Time?"))) == "calls"


@pytest.mark.parametrize(("role", "before"), [("tool", ""), ("user", "<tool_response>\n"), ("user", "<tool_result>\n")])
async def test_all_results_of_a_round_are_looked_at_and_the_question_stays_the_question(role: str, before: str) -> None:
    scripted = engine(steps("asked", match="twice"), {**steps("both", match="one(.|\n)*two"), "after_tool": True})
    asked = turn("user", "Ask twice") + turn("assistant", "calls")
    told = asked + turn(role, before + "one") + turn(role, before + "two")
    assert await reply(scripted, request(told)) == "both"
    assert await reply(scripted, request(asked + turn(role, before + "one"))) == "asked"


async def test_a_script_without_replies_to_tools_calls_them_for_ever() -> None:
    scripted = engine(steps("calls", match="time"))
    told = turn("user", "What time is it?") + turn("assistant", "calls") + turn("tool", "noon")
    assert [await reply(scripted, request(told)) for _ in range(3)] == ["calls"] * 3


async def test_replies_in_turn_may_be_the_rounds_of_one_turn() -> None:
    scripted = engine("calls", "answers")
    asked = turn("user", "Hi")
    told = asked + turn("assistant", "calls") + turn("tool", "noon")
    assert [await reply(scripted, request(each)) for each in (asked, told)] == ["calls", "answers"]


@pytest.mark.parametrize("kind", ["json_schema", "regex", "lark"])
async def test_it_does_not_pretend_to_be_held_to_anything(kind: ConstraintKind) -> None:
    held = replace(request(), constraint=Constraint(kind, "{}"))
    scripted = engine("anything")
    with pytest.raises(EngineError, match="cannot hold a reply to"):
        await reply(scripted, held)
    assert (await scripted.load(lambda _: None)).constraints == ()
    assert await reply(scripted, request()) == "anything"


async def test_max_tokens_ends_the_reply_with_length() -> None:
    *_, last = said = await chunks(engine("one two three four"), request(max_tokens=2))
    assert "".join(chunk.text for chunk in said) == "one two"
    assert (last.finish_reason, last.usage) == ("length", Usage(1, 0, 2))


async def test_the_window_ends_the_reply_with_length() -> None:
    *_, last = await chunks(engine(" ".join(["word"] * 100)), request("two words"))
    assert (last.finish_reason, last.usage) == ("length", Usage(2, 0, 62))


async def test_a_prompt_that_fills_the_window_is_refused() -> None:
    with pytest.raises(PromptTooLong, match="64 tokens"):
        await reply(engine("x"), request(" ".join(["word"] * 64)))


@pytest.mark.parametrize(
    ("said", "stop", "kept"),
    [
        (["one", " two", " three"], (" two",), "one"),
        (["a", "b<|e", "nd|>", "c"], ("<|end|>",), "ab"),
        (["a", "<|e", "lse"], ("<|end|>",), "a<|else"),
        (["ends with <|e"], ("<|end|>",), "ends with <|e"),
        (["xyz"], ("z", "y"), "x"),
    ],
)
async def test_a_stop_text_ends_the_reply_and_is_not_part_of_it(
    said: Sequence[str], stop: tuple[str, ...], kept: str
) -> None:
    assert await reply(engine(steps(*said)), request(stop=stop)) == kept


async def test_the_prompt_that_a_session_repeats_counts_as_cached() -> None:
    scripted = engine(" fine thanks")
    await reply(scripted, request("how are you"))
    *_, last = await chunks(scripted, request("how are you fine thanks and you"))
    assert last.usage == Usage(7, 5, 2)
    other = GenerationRequest("another session", (PromptPiece("how are you fine"),))
    *_, last = await chunks(scripted, other)
    assert last.usage == Usage(4, 0, 2)


async def test_each_token_is_told_with_its_probability_where_that_was_asked_for() -> None:
    said = await chunks(engine("one two three"), request(logprobs=3, stop=("three",)))
    told = [token for chunk in said for token in chunk.logprobs]
    assert [token.text for token in told] == ["one", " two", " three"]
    assert all(len(token.alternatives) == 3 for token in told)
    assert all(token.alternatives[0] == (token.text, token.logprob) for token in told)
    assert all(sum(math.exp(logprob) for _, logprob in token.alternatives) < 1 for token in told)
    assert all(chunk.logprobs == () for chunk in await chunks(engine("one two"), request()))


async def test_time_passes_as_scripted_and_is_told_in_the_timings() -> None:
    clock = VirtualClock()
    scripted = engine(
        steps({"delay": 3}, "a", "b", "c"),
        clock=clock,
        tokens_per_second=4,
        prefill=[{"progress": 0.5}, {"delay": 2}, {"progress": 1}],
    )
    *_, last = said = await chunks(scripted, request())
    assert [chunk.progress for chunk in said[:2]] == [0.5, 1]
    assert last.timings is not None
    assert (last.timings.prefill_s, last.timings.first_token_s, last.timings.decode_s) == (2, 5, 0.5)
    assert clock.time == 5.75


async def test_loading_reports_its_progress() -> None:
    seen: list[float] = []
    info = await engine("x", load=[{"progress": 0.25}, {"delay": 60}, {"progress": 0.75}]).load(seen.append)
    assert seen == [0.0, 0.25, 0.75, 1.0]
    assert info.context_window == 64


async def test_a_scripted_failure_comes_after_what_was_said_before() -> None:
    broken = engine(steps("a", {"raise": {"code": "engine_error", "title": "T", "message": "M", "hint": "H"}}))
    said: list[str] = []
    with pytest.raises(EngineError) as failure:
        await listen(broken, request(), said)
    assert said == ["a"]
    assert (failure.value.title, failure.value.message, failure.value.hint) == ("T", "M", "H")


async def test_loading_can_fail() -> None:
    with pytest.raises(LibraryMismatch):
        await engine("x", load=[{"raise": {"code": "library_mismatch"}}]).load(lambda _: None)


async def test_a_bug_is_any_other_exception() -> None:
    with pytest.raises(RuntimeError, match="oops"):
        await reply(engine(steps({"bug": "oops"})), request())


async def test_dying_ends_the_process_with_the_scripted_code() -> None:
    codes: list[int] = []
    dying = ScriptedEngine(SPEC, script=parse_script({"replies": [steps({"die": 7})]}), die=codes.append)
    await reply(dying, request())
    assert codes == [7]


async def test_a_reply_that_waits_can_be_closed_and_the_engine_goes_on() -> None:
    scripted = engine(steps("a", {"wait": True}), "next")
    async with aclosing(scripted.generate(request())) as generated:
        assert (await anext(generated)).text == "a"
    assert await reply(scripted, request()) == "next"


async def test_a_reply_that_waits_ends_when_its_task_is_cancelled() -> None:
    waiting = asyncio.create_task(reply(engine(steps({"wait": True})), request()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_tokens_are_counted_without_generating() -> None:
    prompts = [(PromptPiece("one two"), PromptPiece(" three!", literal=True)), ()]
    assert await engine("x").count_tokens(prompts) == [4, 0]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("{", "Expecting"),
        ("[]", "list"),
        ('{"replies": []}', "no replies"),
        ("{}", "'replies' is missing"),
        ('{"replies": [{"steps": [{"dance": 1}]}]}', "no step 'dance'"),
        ('{"replies": [{"match": "(", "steps": []}]}', "missing \\)"),
        ('{"replies": [3]}', "int"),
        ('{"replies": [{"after_tool": true, "steps": ["x"]}]}', "no replies to questions"),
        ('{"replies": [{"after_tool": "yes", "steps": ["x"]}]}', "neither true nor false"),
    ],
)
def test_a_script_that_cannot_be_played_says_why(tmp_path: Path, script: str, reason: str) -> None:
    (tmp_path / "script.json").write_text(script, encoding="utf-8")
    with pytest.raises(ModelBroken, match=reason):
        read_script(tmp_path)


def test_a_missing_script_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match="missing"):
        read_script(tmp_path)


async def test_the_script_of_the_folder_is_played(tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text(json.dumps({"replies": ["from the folder"]}), encoding="utf-8")
    scripted = ScriptedEngine(EngineSpec("S", "scripted", tmp_path))
    await scripted.load(lambda _: None)
    assert await reply(scripted, request()) == "from the folder"
