"""What an engine refuses, in the same words whichever engine it is."""

from __future__ import annotations

from collections.abc import Sequence

from tether_desktop.errors import ConstraintRefused, EngineError, PromptTooLong
from tether_desktop.model.engine import Constraint, ConstraintKind

_TITLES: dict[ConstraintKind, str] = {
    "json_schema": "a JSON schema",
    "regex": "a regular expression",
    "lark": "a grammar",
}


def check_prompt(tokens: int, window: int) -> None:
    """Refuse a prompt that no reply can follow.

    Args:
        tokens: of the whole prompt.
        window: tokens of prompt and reply together.

    Raises:
        PromptTooLong: it leaves no room for a single token.
        EngineError: it is empty.
    """
    if tokens == 0:
        raise EngineError("There is nothing to answer", "The prompt is empty.", "Write a message first.")
    if tokens >= window:
        raise PromptTooLong(
            "The conversation is too long",
            f"The prompt has {tokens:,} tokens; the context window has room for {window:,} with the reply.",
            "Shorten the message, or set a larger context window.",
        )


def check_constraint(constraint: Constraint | None, offered: Sequence[ConstraintKind]) -> None:
    """Refuse to hold a reply to something in a way that the engine has not.

    Args:
        constraint: what was asked for.
        offered: the kinds that the engine lists.

    Raises:
        ConstraintRefused: it is of another kind.
    """
    if constraint is None or constraint.kind in offered:
        return
    others = " or ".join(_TITLES[kind] for kind in offered)
    message = f"This engine cannot hold a reply to {_TITLES[constraint.kind]}{f', but to {others}' if others else ''}."
    raise ConstraintRefused("The reply cannot be held to that", message, "Ask without it, or choose another model.")


def not_loaded(model: str) -> EngineError:
    """The error of a request to an engine that is closed, or was never loaded."""
    return EngineError("The model is not loaded", f"{model} was unloaded.", "Send the message again to load it.")
