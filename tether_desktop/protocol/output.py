"""What a turn says: into the log that its readers follow, and into the reply that is stored."""

from __future__ import annotations

from tether_desktop.events import (
    ContextTrimmed,
    HiddenThought,
    Stage,
    Status,
    Title,
    Token,
    ToolApproval,
    ToolEnd,
    ToolProgress,
    ToolStart,
)
from tether_desktop.messages import Message, Text, ToolCall, ToolResult
from tether_desktop.protocol.event_log import EventLog
from tether_desktop.protocol.history import UNANSWERED_CALL
from tether_desktop.protocol.reply_writer import ReplyWriter

Said = Token | HiddenThought | ToolApproval | ToolStart | ToolEnd
"""What becomes part of the reply."""


class TurnOutput:
    """One way out for all that happens in a turn before its terminal event."""

    def __init__(self, log: EventLog, writer: ReplyWriter) -> None:
        self._log = log
        self._writer = writer

    def say(self, event: Said) -> None:
        """Stream something, and store it as it was streamed."""
        self._writer.add(event)
        self._log.append(event)

    def mention(self, event: Title | ToolProgress | ContextTrimmed) -> None:
        """Stream something that is no part of the reply."""
        self._log.append_change(event)

    def tell(self, stage: Stage, progress: float | None) -> None:
        """Say what a person is waiting for."""
        if not self._log.ended:
            self._log.append_change(Status(stage, progress))

    def reply(self) -> Message:
        """The reply so far."""
        return self._writer.message()

    def close_calls(self) -> None:
        """Answer the calls that nobody has answered, of a reply that the program's end broke off."""
        parts = self._writer.message().parts
        answered = {part.id for part in parts if isinstance(part, ToolResult)}
        for call in parts:
            if isinstance(call, ToolCall) and call.id not in answered:
                self.say(ToolEnd(call.id, call.name, UNANSWERED_CALL, is_error=True))

    def has_answer(self) -> bool:
        """Whether something visible was said since the last tool answered."""
        for part in reversed(self._writer.message().parts):
            if isinstance(part, ToolResult):
                return False
            if isinstance(part, Text) and part.text.strip():
                return True
        return False
