"""What an engine refuses, in the same words whichever engine it is."""

from __future__ import annotations

from tether_desktop.errors import EngineError, PromptTooLong


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


def not_loaded(model: str) -> EngineError:
    """The error of a request to an engine that is closed, or was never loaded."""
    return EngineError("The model is not loaded", f"{model} was unloaded.", "Send the message again to load it.")
