"""Makes a question of what a person has typed and attached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tether_desktop.errors import TetherError
from tether_desktop.messages import Attachment, Message, Text


def question_of(text: str, attachments: Sequence[Attachment] = ()) -> Message:
    """The question; its files come first.

    Raises:
        TetherError: there is nothing in it.
    """
    if not text.strip() and not attachments:
        raise TetherError("Nothing to send", "The message is empty.", "Write something first.")
    files = (replace(each, name=storable(each.name), text=storable(each.text)) for each in attachments)
    return Message("user", (*files, Text(storable(text))))


def storable(text: str) -> str:
    """Text that can be encoded: pasted halves of surrogate pairs are joined, or replaced when alone."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
