"""The value that says a turn has begun."""

from __future__ import annotations

from dataclasses import dataclass

from tether_desktop.context.records import MessageRecord


@dataclass(frozen=True, slots=True)
class StartedTurn:
    """A turn that has begun: its question (None when it was there before) and its empty reply.

    Attributes:
        asked_here: whether this window has begun it, and not another client.
        continues: whether what its events say comes after the parts that the reply has already.
    """

    session_id: str
    question: MessageRecord | None
    reply: MessageRecord
    asked_here: bool = False
    continues: bool = False

    @property
    def follows(self) -> str | None:
        """After which message it comes; None when it begins the chat."""
        return (self.question or self.reply).parent_id
