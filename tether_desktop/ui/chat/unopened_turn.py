"""As much of a turn as the list shows, for chats that are not open."""

from __future__ import annotations

from collections.abc import Iterable

from tether_desktop.events import TERMINAL_EVENTS, Event, Title, ToolApproval, ToolEnd, ToolStart


class UnopenedTurn:
    """Follows a turn by its events without keeping what is said.

    Attributes:
        title: the name that the turn gave its session; empty when it gave none.
        ended: whether the one terminal event has come.
    """

    def __init__(self) -> None:
        self.title = ""
        self.ended = False
        self._waiting: set[str] = set()

    @property
    def waiting(self) -> bool:
        """Whether a tool call waits for permission."""
        return bool(self._waiting)

    def apply(self, events: Iterable[Event]) -> None:
        """Take the events of one frame."""
        for event in events:
            match event:
                case Title():
                    self.title = event.title
                case ToolApproval():
                    self._waiting.add(event.id)
                case ToolStart() | ToolEnd():
                    self._waiting.discard(event.id)
                case _ if isinstance(event, TERMINAL_EVENTS):
                    self._waiting.clear()
                    self.ended = True
