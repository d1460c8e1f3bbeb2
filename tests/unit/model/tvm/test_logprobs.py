"""Log-probabilities are those of the whole vocabulary, before anything that chooses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tether_desktop.model.tvm.logprobs import token_logprob

LOGITS = np.random.default_rng(1).standard_normal(5000).astype(np.float32) * 4


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


def test_a_token_is_as_likely_as_softmax_in_double_precision_says() -> None:
    for token in (int(LOGITS.argmax()), 0, 4999):
        told = token_logprob(LOGITS, token, 0, str)
        assert told.text == str(token)
        assert told.logprob == pytest.approx(log_softmax(LOGITS)[token], abs=1e-5)
        assert told.alternatives == ()


def test_the_likeliest_tokens_come_best_first() -> None:
    expected = np.argsort(-LOGITS)[:20]
    told = token_logprob(LOGITS, 3, 20, str).alternatives
    assert [text for text, _ in told] == [str(token) for token in expected]
    assert [logprob for _, logprob in told] == pytest.approx(log_softmax(LOGITS)[expected].tolist(), abs=1e-5)


def test_of_equally_likely_tokens_the_lower_number_comes_first() -> None:
    told = token_logprob(np.array([1, 5, 5, 0, 5], np.float32), 3, 2, str)
    assert [text for text, _ in told.alternatives] == ["1", "2"]


def test_there_are_never_more_alternatives_than_tokens() -> None:
    assert len(token_logprob(np.array([1, 2, 3], np.float32), 0, 20, str).alternatives) == 3


def test_impossible_tokens_have_a_number_that_json_knows() -> None:
    told = token_logprob(np.array([1, -np.inf], np.float32), 0, 2, str)
    assert told.logprob == pytest.approx(0)
    assert json.dumps(told.alternatives, allow_nan=False)


def test_huge_logits_do_not_overflow() -> None:
    assert token_logprob(np.array([3e4, 3e4], np.float32), 0, 0, str).logprob == pytest.approx(np.log(0.5))
