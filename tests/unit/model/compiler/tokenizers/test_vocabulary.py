"""A vocabulary is what a file says, or the file is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.tokenizers.vocabulary import MOST_TOKENS, TokenKind, check_vocabulary


def test_tokens_without_kinds_are_normal_ones() -> None:
    vocabulary = check_vocabulary("file", ["a", "b"], [])
    assert list(vocabulary.of(TokenKind.NORMAL)) == ["a", "b"]
    assert vocabulary.ids() == {"a": 0, "b": 1}


@pytest.mark.parametrize(
    ("tokens", "kinds", "scores"),
    [
        ([], [], None),
        ([""] * (MOST_TOKENS + 1), [], None),
        (["a", 1], [], None),
        (["a", "a"], [], None),
        (["[EMPTY_1]", ""], [], None),
        (["x" * 1025], [], None),
        ([f"{number:01000}" for number in range(20_000)], [], None),
        (["a"], [1, 1], None),
        (["a"], ["1"], None),
        (["a"], [1], []),
        (["a"], [1], [float("nan")]),
        (["a"], [1], ["0"]),
    ],
)
def test_absurd_lists_are_refused(tokens: list[Any], kinds: list[Any], scores: list[Any] | None) -> None:
    with pytest.raises(ModelBroken, match="file: "):
        check_vocabulary("file", tokens, kinds, scores)
