"""Prompts are lined up with cached tokens, also where the same text is cut differently."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tether_desktop.model.tvm.reuse import reuse_prefix

SPELLINGS = {1: "a", 2: "b", 3: "ab", 4: "c", 5: "bc", 6: "abc", 7: "x", 9: None}


def reuse(cached: list[int], prompt: list[int]) -> tuple[list[int], int]:
    return reuse_prefix(cached, prompt, SPELLINGS.__getitem__)


def test_equal_tokens_are_reused_up_to_the_first_difference() -> None:
    assert reuse([1, 2, 7, 7], [1, 2, 4, 4]) == ([1, 2, 4, 4], 2)


def test_nothing_is_reused_of_an_empty_cache() -> None:
    assert reuse([], [1, 2]) == ([1, 2], 0)


def test_other_tokens_for_the_same_text_are_taken_from_the_cache() -> None:
    assert reuse([7, 1, 5, 9], [7, 3, 4, 9, 7]) == ([7, 1, 5, 9, 7], 4)


def test_a_stretch_that_ends_in_other_text_is_not_reused() -> None:
    assert reuse([7, 1, 5], [7, 3, 7]) == ([7, 3, 7], 1)


def test_a_special_token_only_equals_itself() -> None:
    assert reuse([1, 9], [3, 9]) == ([3, 9], 0)


def test_a_cache_that_ends_within_a_token_is_reused_up_to_there() -> None:
    assert reuse([7, 1], [7, 6, 7]) == ([7, 6, 7], 1)


@given(
    st.lists(st.sampled_from(sorted(SPELLINGS)), max_size=12), st.lists(st.sampled_from(sorted(SPELLINGS)), max_size=12)
)
def test_the_text_never_changes_and_what_counts_as_cached_is_cached(cached: list[int], prompt: list[int]) -> None:
    taken, count = reuse(cached, prompt)

    def text(tokens: list[int]) -> str:
        return "".join(SPELLINGS[token] or "<special>" for token in tokens)

    assert text(taken) == text(prompt)
    assert taken[:count] == cached[:count]
