"""How models mark what they think: the tags of each kind of hidden thought."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thought:
    """A kind of hidden thought.

    Attributes:
        name: the name of the parser's state inside it.
        opening, closing: its tags.
        exact: whether the tags are written in this case only, as special tokens are.
    """

    name: str
    opening: str
    closing: str
    exact: bool = False


HARMONY = "harmony_analysis"

THOUGHTS = (
    *(Thought(name, f"<{name}>", f"</{name}>") for name in ("think", "thinking", "reflection")),
    Thought("seed_think", "<seed:think>", "</seed:think>"),
    Thought("magistral", "[THINK]", "[/THINK]", exact=True),
    Thought("cohere", "<|START_THINKING|>", "<|END_THINKING|>", exact=True),
    Thought(HARMONY, "<|channel|>analysis<|message|>", "<|end|>", exact=True),
)
"""Qwen, DeepSeek and many more; Seed-OSS; Magistral; Command; gpt-oss."""

HARMONY_BEGINS = ("<|start|>assistant", "<|channel|>final<|message|>", "<|channel|>commentary<|message|>")
"""What gpt-oss writes before visible text."""

HARMONY_ENDS = ("<|end|>", "<|return|>", "<|call|>")
"""What it writes after it."""

_HARMONY_MARKERS = ("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|call|>", "<|return|>")

THOUGHT_MARKERS = (
    *(tag for thought in THOUGHTS if thought.name != HARMONY for tag in (thought.opening, thought.closing)),
    *_HARMONY_MARKERS,
)
"""Special tokens that must come through as text, or thoughts could not be told from the answer."""
