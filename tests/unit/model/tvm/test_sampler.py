"""The sampler keeps exactly the tokens that a slow, obvious implementation keeps."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tether_desktop.errors import EngineError
from tether_desktop.model.engine import SamplingParams
from tether_desktop.model.tvm.sampler import Sampler

LOGITS = {
    "wide": np.random.default_rng(1).standard_normal(5000).astype(np.float32) * 4,
    "narrow": np.random.default_rng(2).standard_normal(5000).astype(np.float32),
    "few likely": np.concatenate([np.linspace(20, 14, 7), np.random.default_rng(3).uniform(-5, 5, 4000)]),
    "large": np.random.default_rng(5).standard_normal(49_152).astype(np.float32) * 4.5,
    "masked": np.where(np.arange(3000) % 3 == 0, np.random.default_rng(4).standard_normal(3000) * 3, -np.inf),
}


def slow_distribution(logits: np.ndarray, params: SamplingParams) -> dict[int, float]:
    """Temperature, then top-k, top-p and min-p by sorting everything in double precision.

    Tokens that are e^25 times less likely than the best are left out, as too unlikely for float32 to tell.
    """
    scaled = logits.astype(np.float64) / params.temperature
    weights = np.exp(scaled - scaled.max())
    order = np.argsort(-weights, kind="stable")
    order = order[: params.top_k] if params.top_k else order
    shares = weights[order] / weights[order].sum()
    order = order[: int(np.searchsorted(np.cumsum(shares), params.top_p)) + 1] if params.top_p < 1 else order
    order = [i for i in order if weights[i] >= max(params.min_p, np.exp(-25))]
    total = weights[order].sum()
    return {int(i): weights[i] / total for i in order}


def distribution(logits: np.ndarray, params: SamplingParams) -> dict[int, float]:
    ids, weights = Sampler(params, len(logits), ()).distribution(logits.astype(np.float32))
    return dict(zip(ids.tolist(), (weights / weights.sum()).tolist(), strict=True))


@pytest.mark.parametrize("name", LOGITS)
@pytest.mark.parametrize("temperature", [0.2, 0.7, 1.0, 3.0])
@pytest.mark.parametrize(
    "params",
    [
        {"top_p": 0.5},
        {"top_p": 0.95},
        {"top_p": 0.999},
        {"top_p": 0.0},
        {"top_p": 1.0, "top_k": 1},
        {"top_p": 1.0, "top_k": 40},
        {"top_p": 1.0, "top_k": 900},
        {"top_p": 1.0, "min_p": 0.05},
        {"top_p": 1.0, "min_p": 1.0},
        {"top_p": 0.9, "top_k": 30, "min_p": 0.02},
    ],
)
def test_the_same_tokens_are_kept_with_the_same_probabilities_as_by_sorting_everything(
    name: str, temperature: float, params: dict[str, float]
) -> None:
    wanted = SamplingParams(temperature=temperature, **params)  # type: ignore[arg-type]
    expected = slow_distribution(LOGITS[name], wanted)
    actual = distribution(LOGITS[name], wanted)
    assert actual.keys() == expected.keys()
    assert actual == pytest.approx(expected, rel=2e-5, abs=1e-9)


@pytest.mark.parametrize("temperature", [0.7, 3.0])
def test_without_limits_only_tokens_of_no_weight_are_left_out(temperature: float) -> None:
    params = SamplingParams(temperature=temperature, top_p=1.0)
    expected = slow_distribution(LOGITS["wide"], params)
    actual = distribution(LOGITS["wide"], params)
    assert sum(share for token, share in expected.items() if token not in actual) < 1e-6
    assert actual == pytest.approx({token: expected[token] for token in actual}, rel=2e-5)


@pytest.mark.parametrize("params", [SamplingParams(top_p=1.0), SamplingParams(top_k=50), SamplingParams(top_p=0.99)])
def test_tokens_are_drawn_as_often_as_their_probability_says(params: SamplingParams) -> None:
    logits = np.random.default_rng(7).standard_normal(3000).astype(np.float32) * 2
    expected = slow_distribution(logits, params)
    sampler = Sampler(SamplingParams(**{f: getattr(params, f) for f in params.__slots__} | {"seed": 11}), 3000, ())
    draws = 4000
    counts = Counter(sampler.next(logits) for _ in range(draws))
    assert counts.keys() <= expected.keys()
    for token, share in expected.items():
        deviation = (draws * share * (1 - share)) ** 0.5
        assert abs(counts[token] - draws * share) <= 5 * deviation + 1


def test_temperature_0_takes_the_most_likely_token() -> None:
    sampler = Sampler(SamplingParams(temperature=0), 4, ())
    assert sampler.next(np.array([1, 5, 3, 5], np.float32)) == 1


def test_a_temperature_near_0_is_the_same_as_0() -> None:
    sampler = Sampler(SamplingParams(temperature=1e-30), 3, ())
    assert sampler.next(np.array([1, 5, 4.9999], np.float32)) == 1


def test_the_same_seed_gives_the_same_tokens_and_another_gives_others() -> None:
    def draw(seed: int | None) -> list[int]:
        sampler = Sampler(SamplingParams(temperature=2.0, top_p=1.0, seed=seed), 5000, ())
        return [sampler.next(LOGITS["wide"]) for _ in range(20)]

    assert draw(5) == draw(5)
    assert draw(5) != draw(6)
    assert draw(-1) == draw(-1)
    assert draw(None) != draw(None)


def test_padding_beyond_the_vocabulary_is_never_chosen() -> None:
    logits = np.array([1, 2, 50, 50], np.float32)
    assert Sampler(SamplingParams(temperature=0), 2, ()).next(logits) == 1
    ids, _ = Sampler(SamplingParams(), 2, ()).distribution(logits)
    assert set(ids.tolist()) <= {0, 1}


def test_the_repetition_penalty_weakens_tokens_of_prompt_and_reply_towards_unlikely() -> None:
    logits = np.array([4, -4, 3, 1], np.float32)
    sampler = Sampler(SamplingParams(temperature=0, repetition_penalty=2.0), 4, [1, 0, 0])
    assert sampler._penalize(logits).tolist() == [2, -8, 3, 1]
    assert sampler.next(logits) == 2
    assert sampler._penalize(logits).tolist() == [2, -8, 1.5, 1]


def test_presence_and_frequency_penalties_count_only_generated_tokens() -> None:
    logits = np.array([4, 3, 0], np.float32)
    sampler = Sampler(SamplingParams(temperature=0, presence_penalty=0.5, frequency_penalty=0.25), 3, [0, 1, 2])
    assert [sampler.next(logits) for _ in range(3)] == [0, 0, 0]
    np.testing.assert_allclose(sampler._penalize(logits), [4 - 0.5 - 3 * 0.25, 3, 0])


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_bias_makes_tokens_likely_or_impossible(temperature: float) -> None:
    logits = np.array([4, 3, 0], np.float32)
    wanted = SamplingParams(temperature=temperature, logit_bias=((2, 100.0),))
    banned = SamplingParams(temperature=temperature, logit_bias=((0, -100.0), (1, float("-inf"))))
    assert Sampler(wanted, 3, ()).next(logits) == 2
    assert Sampler(banned, 3, ()).next(logits) == 2


def test_a_bias_comes_before_the_penalties() -> None:
    params = SamplingParams(repetition_penalty=2.0, logit_bias=((0, -5.0), (1, 1.0)))
    assert Sampler(params, 3, [0, 1])._penalize(np.array([4, 3, 1], np.float32)).tolist() == [-2, 2, 1]


def test_a_bias_on_a_token_that_the_vocabulary_does_not_have_changes_nothing() -> None:
    logits = np.array([4, 3, 0, 9], np.float32)
    params = SamplingParams(temperature=0, logit_bias=((3, 100.0), (-1, 100.0), (1 << 40, 100.0)))
    assert Sampler(params, 3, ()).next(logits) == 0


def test_the_logits_given_are_not_changed() -> None:
    logits = np.array([4, 3, 0], np.float32)
    logits.setflags(write=False)
    sampler = Sampler(SamplingParams(repetition_penalty=1.3, presence_penalty=1, logit_bias=((1, 1.0),)), 3, [0])
    sampler.next(logits)
    assert logits.tolist() == [4, 3, 0]


@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("bad", [[1, np.nan, 0], [1, np.inf, 0], [-np.inf] * 3])
def test_logits_that_are_not_numbers_are_an_error_of_the_engine(temperature: float, bad: list[float]) -> None:
    with pytest.raises(EngineError, match="not numbers"):
        Sampler(SamplingParams(temperature=temperature), 3, ()).next(np.array(bad, np.float32))


def test_exact_choice_takes_the_likeliest_token_without_penalties() -> None:
    params = SamplingParams(temperature=5.0, repetition_penalty=10.0, presence_penalty=10.0, seed=1)
    sampler = Sampler(params, 4, [2])
    logits = np.array([0.0, 0.5, 1.0, 0.9], np.float32)
    assert len({sampler.next(logits) for _ in range(50)}) > 1
    sampler.be_exact()
    assert [sampler.next(logits) for _ in range(20)] == [2] * 20


@pytest.mark.parametrize("name", ["wide", "few likely", "large"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
@pytest.mark.parametrize(
    "params",
    [
        {"top_p": 1.0},
        {"top_p": 0.9},
        {"top_p": 1.0, "top_k": 20},
        {"top_p": 1.0, "min_p": 0.1},
        {"top_p": 0.9, "temperature": 3.0},
    ],
)
def test_what_is_not_allowed_counts_as_impossible_before_anything_is_cut_off(
    name: str, share: float, params: dict[str, float]
) -> None:
    logits = LOGITS[name].astype(np.float32)
    allowed = np.random.default_rng(6).random(len(logits)) < share
    parameters = SamplingParams(**params)
    ids, weights = Sampler(parameters, len(logits), ()).distribution(logits, allowed)
    expected = slow_distribution(np.where(allowed, logits, -np.inf), parameters)
    assert set(ids.tolist()) == set(expected)
    np.testing.assert_allclose(weights / weights.sum(), [expected[token] for token in ids.tolist()], rtol=1e-4)


@pytest.mark.parametrize("best_is_allowed", [True, False])
@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_only_allowed_tokens_are_chosen_and_at_temperature_0_the_best_of_them(
    best_is_allowed: bool, temperature: float
) -> None:
    logits = LOGITS["wide"].astype(np.float32)
    allowed = np.arange(len(logits)) % 7 == 3
    allowed[logits.argmax()] = best_is_allowed
    sampler = Sampler(SamplingParams(temperature=temperature, seed=1), len(logits), ())
    chosen = {sampler.next(logits, allowed) for _ in range(50)}
    assert allowed[list(chosen)].all()
    if temperature == 0:
        assert chosen == {int(np.where(allowed, logits, -np.inf).argmax())}


def test_penalties_and_bias_hold_among_what_is_allowed() -> None:
    logits = np.array([9, 5, 4.9, 4.8], np.float32)
    allowed = np.array([False, True, True, True])
    params = SamplingParams(temperature=0, presence_penalty=1.0, logit_bias=((3, 0.15),))
    sampler = Sampler(params, 4, ())
    assert [sampler.next(logits, allowed) for _ in range(3)] == [1, 3, 2]


def test_a_token_that_had_to_come_counts_for_the_penalties() -> None:
    sampler = Sampler(SamplingParams(temperature=0, presence_penalty=1.0), 2, ())
    sampler.remember(0)
    assert sampler.next(np.array([1.5, 1.0], np.float32)) == 1


def test_where_nothing_is_allowed_the_reply_cannot_go_on() -> None:
    with pytest.raises(EngineError, match="No token may follow"):
        Sampler(SamplingParams(), 3, ()).next(np.zeros(3, np.float32), np.zeros(3, np.bool_))
