"""How tokens are chosen, and what is told of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.conformance.abilities import can, needs
from tests.conformance.replies import Asker, Reply
from tests.conformance.subjects import QUESTION
from tether_desktop.model.engine import PromptPiece

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOT = {"temperature": 1.5, "top_p": 1.0}
WORDS = (" there", " words")


def up_to_the_first(stops: tuple[str, ...], text: str) -> str:
    """The text before the stop text that is complete first."""
    ends = [(text.index(stop) + len(stop), text.index(stop)) for stop in stops if stop in text]
    return text[: min(ends)[1]]


def in_plain_words(ask: Asker) -> dict[str, Any]:
    """Parameters with which a reply is of whole words, where tokens have numbers to say so."""
    if not can(ask.subject.setting.engine, ("bias",)):
        return {}
    return {"logit_bias": tuple((ask.subject.token(word), 80.0) for word in WORDS)}


@needs("stop")
async def test_a_stop_text_ends_the_reply_and_is_not_part_of_it(ask: Asker) -> None:
    text = (await ask()).text
    stop = text[len(text) // 2 :][:3]
    stopped = await ask(stop=(stop,))
    assert stopped.text == text[: text.index(stop)]
    assert stopped.finish_reason == "stop"


@needs("stop")
async def test_a_stop_text_is_found_across_the_borders_of_tokens(ask: Asker) -> None:
    told = await ask()
    for before, after in ((1, 2), (3, 4), (5, 7)):
        stop = told.pieces[before][-1] + "".join(told.pieces[before + 1 : after]) + told.pieces[after][0]
        stopped = await ask(stop=(stop,))
        assert stopped.text == up_to_the_first((stop,), told.text)
        assert stopped.finish_reason == "stop"


@needs("stop")
async def test_a_stop_text_inside_of_a_token_leaves_what_is_before_it(ask: Asker) -> None:
    told = await ask(**in_plain_words(ask))
    longest = max(told.pieces, key=len)
    assert len(longest) > 3
    stop = longest[2:]
    assert (await ask(**in_plain_words(ask), stop=(stop,))).text == up_to_the_first((stop,), told.text)


@needs("stop")
async def test_of_overlapping_stop_texts_the_one_that_is_complete_first_counts(ask: Asker) -> None:
    text = (await ask()).text
    stops = (text[3:12], text[5:8], text[6:14])
    assert (await ask(stop=stops)).text == up_to_the_first(stops, text)


@needs("stop")
async def test_a_stop_text_at_the_very_start_leaves_nothing(ask: Asker) -> None:
    text = (await ask()).text
    stopped = await ask(stop=(text[:4],))
    assert (stopped.text, stopped.finish_reason) == ("", "stop")
    assert stopped.usage.completion_tokens >= 1


@needs("stop")
@pytest.mark.parametrize("stop", [("never in any reply",), ("",), ()])
async def test_a_stop_text_that_does_not_come_changes_nothing(ask: Asker, stop: tuple[str, ...]) -> None:
    assert (await ask(stop=stop)).text == (await ask()).text


@needs("stop", "max_tokens")
async def test_text_that_only_begins_like_a_stop_text_is_part_of_the_reply(ask: Asker) -> None:
    told = await ask()
    assert (await ask(stop=(f"{told.text[-2:]}never",))).text == told.text


@needs("stop", "count")
async def test_the_tokens_of_a_stopped_reply_are_counted(ask: Asker) -> None:
    told = await ask(**in_plain_words(ask))
    stop = "".join(told.pieces[4:6])
    stopped = await ask(**in_plain_words(ask), stop=(stop,))
    needed = next(tokens for tokens in range(1, len(told.pieces) + 1) if stop in "".join(told.pieces[:tokens]))
    assert stopped.usage.completion_tokens == needed


@needs("greedy")
async def test_temperature_zero_gives_the_same_reply_again(ask: Asker) -> None:
    first, second = await ask(seed=1), await ask(seed=2)
    assert first.text == second.text != ""


@needs("seed")
@pytest.mark.parametrize("seed", [0, 7, -1, 2**31 + 7, 2**63 + 7])
async def test_a_seed_gives_the_same_reply_again(ask: Asker, seed: int) -> None:
    assert (await ask(seed=seed, **HOT)).text == (await ask(seed=seed, **HOT)).text


@needs("seed")
async def test_other_seeds_and_none_give_other_replies(ask: Asker) -> None:
    seeded = {(await ask(seed=seed, **HOT)).text for seed in range(4)}
    drawn = {(await ask(seed=None, **HOT)).text for _ in range(4)}
    assert len(seeded) > 1
    assert len(drawn) > 1


@needs("seed")
async def test_the_smallest_top_p_leaves_the_likeliest_token(ask: Asker) -> None:
    assert (await ask(temperature=1.0, top_p=1e-6, seed=1)).text == (await ask()).text


@needs("repetition")
@pytest.mark.parametrize("params", [{"top_k": 1}, {"min_p": 1.0}])
async def test_the_narrowest_choice_leaves_the_likeliest_token(ask: Asker, params: dict[str, Any]) -> None:
    assert (await ask(temperature=1.0, top_p=1.0, seed=1, **params)).text == (await ask()).text


@needs("penalty", "greedy")
@pytest.mark.parametrize("params", [{"presence_penalty": 2.0}, {"frequency_penalty": 2.0}])
async def test_penalties_prefer_what_was_said_less_often(ask: Asker, params: dict[str, Any]) -> None:
    said, instead, otherwise = parting(await ask(max_tokens=60), await ask(max_tokens=60, **params))
    assert said.count(otherwise) < said.count(instead)


@needs("repetition", "greedy")
async def test_the_repetition_penalty_avoids_what_was_said_or_asked(ask: Asker) -> None:
    said, instead, otherwise = parting(await ask(max_tokens=60), await ask(max_tokens=60, repetition_penalty=1.8))
    assert instead in said or instead.strip() in QUESTION
    assert otherwise not in said


@needs("bias")
async def test_a_large_bias_forces_a_token(ask: Asker) -> None:
    told = await ask(max_tokens=5, logit_bias=((ask.subject.token(" there"), 100.0),))
    assert told.text == 5 * " there"


@needs("bias")
async def test_a_large_negative_bias_bans_a_token(ask: Asker) -> None:
    first = (await ask(max_tokens=8)).pieces[0]
    banned = await ask(max_tokens=8, logit_bias=tuple((token, -100.0) for token in ask.subject.tokens_like(first)))
    assert not banned.text.startswith(first)


@needs("bias")
async def test_a_bias_of_tokens_that_do_not_exist_changes_nothing(ask: Asker) -> None:
    bans = ask.request().params.logit_bias
    assert (await ask(logit_bias=(*bans, (10**6, 50.0), (-5, 50.0)))).text == (await ask()).text


@needs("logprobs")
async def test_each_token_is_told_with_its_probability_and_the_others(ask: Asker) -> None:
    told = await ask(**in_plain_words(ask), logprobs=3)
    assert len(told.logprobs) == told.usage.completion_tokens
    assert "".join(token.text for token in told.logprobs) == told.text
    assert all(token.logprob <= 0 for token in told.logprobs)
    for token in told.logprobs:
        assert 1 <= len(token.alternatives) <= 3
        assert [each for _, each in token.alternatives] == sorted(
            (each for _, each in token.alternatives), reverse=True
        )


@needs("logprobs", "greedy")
async def test_at_temperature_zero_the_likeliest_token_is_taken(ask: Asker) -> None:
    told = await ask(logprobs=2, logit_bias=())
    assert told.logprobs
    assert all(token.alternatives[0] == (token.text, token.logprob) for token in told.logprobs)


@needs("logprobs")
async def test_probabilities_change_nothing_and_come_only_where_they_are_asked_for(ask: Asker) -> None:
    plain, alone, beside = await ask(), await ask(logprobs=0), await ask(logprobs=5)
    assert plain.text == alone.text == beside.text
    assert plain.logprobs == []
    assert alone.logprobs
    assert all(token.alternatives == () for token in alone.logprobs)


@needs("raw_logprobs")
async def test_probabilities_are_those_of_the_model_whatever_is_chosen(ask: Asker) -> None:
    forced = await ask(max_tokens=1, temperature=0.1, logprobs=20, logit_bias=((ask.subject.token(" there"), 100.0),))
    free = await ask(max_tokens=1, logprobs=20)
    assert forced.logprobs[0].text == " there"
    assert forced.logprobs[0].alternatives == free.logprobs[0].alternatives
    assert len(free.logprobs[0].alternatives) == 20
    assert sum(math.exp(each) for _, each in free.logprobs[0].alternatives) <= 1 + 1e-6
    assert sum(token.logprob for token in (await ask(logprobs=0)).logprobs) < 0


@needs("ends")
async def test_the_end_mark_of_the_model_ends_the_reply_and_is_not_shown(ask: Asker) -> None:
    for end in ask.subject.tokenizer.eos_ids:
        told = await ask(logit_bias=((end, 100.0),), logprobs=1)
        assert (told.text, told.finish_reason, told.logprobs) == ("", "stop", [])


@needs("pieces", "bias")
async def test_a_character_in_several_tokens_comes_whole_or_not_at_all(ask: Asker) -> None:
    character, tokens = in_pieces(ask)
    bias = tuple((token, 100.0) for token in tokens)
    told = await ask(temperature=4.0, top_p=1.0, seed=3, max_tokens=120, logit_bias=bias)
    assert character in told.text
    assert not any(each.isascii() for each in told.text)
    assert told.usage.completion_tokens == 120


@needs("streaming")
async def test_what_an_engine_cannot_do_it_leaves_out(ask: Asker) -> None:
    told = await ask(
        temperature=0.8,
        top_p=0.9,
        top_k=40,
        min_p=0.01,
        repetition_penalty=1.1,
        presence_penalty=5.0,
        frequency_penalty=-5.0,
        logprobs=20,
        logit_bias=((1, 500.0),),
        seed=2**64 - 1,
        stop=("", "never in any reply"),
        max_tokens=4,
    )
    assert told.usage.completion_tokens <= 4
    assert (await ask()).text


def parting(plain: Reply, penalized: Reply) -> tuple[list[str], str, str]:
    """Where two replies part: the pieces before, and the first one in which they differ."""
    pairs = list(zip(plain.pieces, penalized.pieces, strict=False))
    place = next(place for place, (first, second) in enumerate(pairs) if first != second)
    return plain.pieces[:place], *pairs[place]


def in_pieces(ask: Asker) -> tuple[str, list[int]]:
    """A character that is several tokens in the model's vocabulary, as few as there are."""
    tokenizer = ask.subject.tokenizer
    spelled = {
        each: tokenizer.encode((PromptPiece(each, literal=True),)) for each in "éж語\U0001f600\U0001f9ff\U00013080"
    }
    return min((item for item in spelled.items() if len(item[1]) > 1), key=lambda item: len(item[1]))
