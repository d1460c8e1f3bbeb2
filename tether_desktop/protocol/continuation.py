"""Writes down what a reply says already, as its model would have written it, so that the model goes on from there."""

from __future__ import annotations

from collections.abc import Sequence

from tether_desktop.messages import Part, Reasoning
from tether_desktop.protocol.stream_parser import HARMONY_VISIBLE, VISIBLE
from tether_desktop.protocol.thoughts import HARMONY, Thought

_HARMONY_SPEAKS = "<|start|>assistant"
_HARMONY_ANSWERS = "<|channel|>final<|message|>"


def as_written(begun: Sequence[Part], thought: Thought, state: str) -> tuple[str, str]:
    """What the model has written of a reply, tags included.

    Args:
        begun: text and thoughts of the reply, in order.
        thought: how the model marks what it thinks.
        state: of the parser at the end of the prompt: inside a thought that the prompt has opened, or not.

    Returns:
        The text, and the parser's state after it.
    """
    pieces: list[str] = []
    for part in begun:
        wanted = thought.name if isinstance(part, Reasoning) else _visible(thought)
        pieces += [_passage(thought, state, wanted, first=not pieces), _words(part)]
        state = wanted
    return "".join(pieces), state


def _visible(thought: Thought) -> str:
    return HARMONY_VISIBLE if thought.name == HARMONY else VISIBLE


def _passage(thought: Thought, state: str, wanted: str, *, first: bool) -> str:
    """The tags between what was written and what is next."""
    if state == wanted:
        return ""
    closing = "" if state in {VISIBLE, HARMONY_VISIBLE} else thought.closing
    if thought.name != HARMONY:
        return closing or thought.opening
    speaks = "" if first and not closing else _HARMONY_SPEAKS
    return f"{closing}{speaks}{thought.opening if wanted == HARMONY else _HARMONY_ANSWERS}"


def _words(part: Part) -> str:
    return getattr(part, "text", "")
