"""The value that says a turn has begun."""

from __future__ import annotations

from dataclasses import dataclass

from tether_desktop.context.records import MessageRecord


@dataclass(frozen=True, slots=True)
class StartedTurn:
    """A turn that has begun: its question (None when it was there before) and its empty reply."""

    session_id: str
    question: MessageRecord | None
    reply: MessageRecord
