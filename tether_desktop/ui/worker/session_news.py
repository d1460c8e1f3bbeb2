"""What the worker tells the window of sessions: what became of them, and all that is in one."""

from __future__ import annotations

from dataclasses import dataclass

from tether_desktop.context.records import MessageRecord, SessionRecord
from tether_desktop.ui.worker.started_turn import StartedTurn


@dataclass(frozen=True, slots=True)
class SessionsNews:
    """What became of sessions within one frame, whichever client has done it.

    Attributes:
        changed: the newest state of those that were made, have changed, or came back from the bin.
        gone: those that were moved to the bin or erased.
        branched: those of which another branch of messages is shown.
    """

    changed: tuple[SessionRecord, ...] = ()
    gone: tuple[str, ...] = ()
    branched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadChat:
    """The messages of a session as they are stored.

    Attributes:
        turn: the one that runs; its events follow, from the first one on.
    """

    session_id: str
    records: tuple[MessageRecord, ...]
    turn: StartedTurn | None = None
