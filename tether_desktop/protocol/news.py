"""What becomes of sessions, for whoever shows them: told as it happens, whichever client has done it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tether_desktop.context.records import SessionRecord

if TYPE_CHECKING:
    from tether_desktop.protocol.turn import Turn

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """A session was made, has changed, or came back from the bin."""

    session: SessionRecord


@dataclass(frozen=True, slots=True)
class SessionGone:
    """A session was moved to the bin, or erased."""

    session_id: str


@dataclass(frozen=True, slots=True)
class BranchChanged:
    """Another branch of a session's messages is shown."""

    session_id: str


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A question is being answered; comes before any of its events is read."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class AllErased:
    """Every session was erased, and every folder and draft with them; comes after the SessionGone of each."""


News = SessionChanged | SessionGone | BranchChanged | TurnStarted | AllErased
OnNews = Callable[[News], None]


class NewsDesk:
    """Tells listeners; all of it belongs to one asyncio loop."""

    def __init__(self) -> None:
        self._listeners: list[OnNews] = []

    def subscribe(self, listener: OnNews) -> Callable[[], None]:
        """Call ``listener`` with all news from now on; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, news: News) -> None:
        """Tell every listener; one that fails is none of the others' concern, nor of what has happened."""
        for listener in tuple(self._listeners):
            try:
                listener(news)
            except Exception:  # noqa: BLE001 — a listener's fault must not undo what it was told of
                _LOG.exception("A listener failed at %s", type(news).__name__)
