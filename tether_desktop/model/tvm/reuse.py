"""Which part of a prompt is already in the KV cache, though it may be cut into other tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_RUN = 256


def reuse_prefix(
    cached: Sequence[int], prompt: Sequence[int], spelling: Callable[[int], str | None]
) -> tuple[list[int], int]:
    """Line a prompt up with the tokens that are cached.

    A model may write "blueb|erry" where the tokenizer, reading the same reply back, would say "blue|berry".
    Where both spell the same text, the cached tokens are kept, for they have been computed.

    Args:
        cached: tokens whose KV state exists, from the first position.
        prompt: tokens of the new prompt.
        spelling: the text of a token; None for a special one, which only equals itself.

    Returns:
        The prompt's tokens, with cached ones where the text is the same, and how many of them are cached.
    """
    taken: list[int] = []
    old = new = 0
    while True:
        equal = _equal_tokens(cached, prompt, old, new)
        taken += cached[old : old + equal]
        old, new = old + equal, new + equal
        step = _equal_stretch(cached, prompt, old, new, spelling)
        if step is None:
            return taken + list(prompt[new:]), len(taken)
        taken += cached[old : step[0]]
        old, new = step


def _equal_tokens(cached: Sequence[int], prompt: Sequence[int], old: int, new: int) -> int:
    """How many tokens from ``old`` and ``new`` on are the same; long runs are compared as a whole."""
    equal = 0
    while True:
        left = cached[old + equal : old + equal + _RUN]
        right = prompt[new + equal : new + equal + _RUN]
        if left != right or len(left) < _RUN:
            pairs = zip(left, right, strict=False)
            return equal + next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))
        equal += _RUN


def _equal_stretch(
    cached: Sequence[int], prompt: Sequence[int], old: int, new: int, spelling: Callable[[int], str | None]
) -> tuple[int, int] | None:
    """The ends of the shortest stretches from ``old`` and ``new`` that spell the same, or None."""
    if old >= len(cached) or new >= len(prompt):
        return None
    left, right = spelling(cached[old]), spelling(prompt[new])
    old, new = old + 1, new + 1
    while left is not None and right is not None and left != right:
        if left.startswith(right) and new < len(prompt):
            right = _join(right, spelling(prompt[new]))
            new += 1
        elif right.startswith(left) and old < len(cached):
            left = _join(left, spelling(cached[old]))
            old += 1
        else:
            return None
    return None if left is None or right is None else (old, new)


def _join(text: str, more: str | None) -> str | None:
    return None if more is None else text + more
