"""Which messages of a conversation the model gets to read, and how they belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tether_desktop.context.records import MessageRecord
from tether_desktop.messages import Attachment, Message, Part, Reasoning, Text, ToolCall, ToolResult, text_message
from tether_desktop.protocol.attachments.rendering import question_text

UNANSWERED_CALL = "The program was ended before the tool could answer."
NO_ANSWER = "(The reply ended here, before an answer.)"
"""Stands where an answer never came after the last result: many chat templates demand one."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with all that answered it; the newest one has no answer yet.

    Attributes:
        id: the id of its first message.
        messages: what the model reads of it: user, then assistant (thoughts, text and calls), then the results of
            those calls as one tool message, and so on.
        records: how many stored messages went into it.
        attachments: the files of its questions, whose text the messages have.
    """

    id: str
    messages: tuple[Message, ...]
    records: int = 1
    attachments: tuple[Attachment, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether somebody but the person had the last word."""
        return self.messages[-1].role != "user"

    def with_messages(
        self, messages: Sequence[Message], *, records: int, attachments: Sequence[Attachment] = ()
    ) -> Exchange:
        """This exchange with messages more, of so many stored ones, and with the files of those.

        Messages of the same role become one, because many chat templates demand that roles alternate.
        """
        spoken = list(self.messages)
        for message in messages:
            if spoken[-1].role == message.role:
                spoken[-1] = _merged(spoken[-1], message)
            else:
                spoken.append(message)
        return Exchange(self.id, tuple(spoken), self.records + records, (*self.attachments, *attachments))

    def closed(self) -> Exchange:
        """This exchange, with a word in place of an answer that never came after the last result."""
        if self.messages[-1].role != "tool":
            return self
        return self.with_messages([text_message("assistant", NO_ANSWER)], records=0)


def exchanges_of(branch: Iterable[MessageRecord]) -> list[Exchange]:
    """The exchanges of a branch, oldest first.

    Replies without visible text or calls (cancelled early, or failed) are left out.
    """
    exchanges: list[Exchange] = []
    for record in branch:
        message = record.message
        spoken = (
            _rounds(message) if message.role == "assistant" else [text_message(message.role, question_text(message))]
        )
        if not spoken:
            continue
        if exchanges and (message.role != "user" or not exchanges[-1].answered):
            exchanges[-1] = exchanges[-1].with_messages(spoken, records=1, attachments=message.attachments)
            continue
        if exchanges:
            exchanges[-1] = exchanges[-1].closed()
        begun = Exchange(record.id, (spoken[0],), attachments=message.attachments)
        exchanges.append(begun.with_messages(spoken[1:], records=0))
    return exchanges


def with_reply(exchanges: Sequence[Exchange], reply: Message) -> list[Exchange]:
    """The exchanges with a reply that is still being made, so that the model goes on after it.

    Args:
        exchanges: oldest first; the last one ends with the question.
        reply: the assistant's message with its parts so far.
    """
    spoken = _rounds(reply)
    if not spoken or not exchanges:
        return list(exchanges)
    return [*exchanges[:-1], exchanges[-1].with_messages(spoken, records=0)]


def split_begun(reply: Message) -> tuple[Message, tuple[Part, ...]]:
    """A reply up to its last call or result, and what it says after that, on which the model can go on."""
    end = len(reply.parts)
    while end and isinstance(reply.parts[end - 1], Text | Reasoning):
        end -= 1
    return Message(reply.role, reply.parts[:end]), reply.parts[end:]


def _rounds(reply: Message) -> list[Message]:
    """One stored reply as the messages it consists of; the last one always says or asks for something."""
    results = {part.id: part for part in reversed(reply.parts) if isinstance(part, ToolResult)}
    messages: list[Message] = []
    for said in _split_rounds(reply.parts):
        calls = [part for part in said if isinstance(part, ToolCall)]
        if not calls and not any(isinstance(part, Text) and part.text.strip() for part in said):
            continue
        messages.append(Message("assistant", said))
        if calls:
            messages.append(Message("tool", tuple(results.get(call.id) or _unanswered(call) for call in calls)))
    return messages


def _split_rounds(parts: Iterable[Part]) -> Iterable[tuple[Part, ...]]:
    """What was said in each round: a new one begins with what comes after all results of the one before."""
    said: list[Part] = []
    waiting: set[str] = set()
    answered = False
    for part in parts:
        if isinstance(part, ToolResult):
            answered = answered or part.id in waiting
            waiting.discard(part.id)
            continue
        # Calls of one round run side by side: one may be refused before the next is introduced.
        if answered and not (isinstance(part, ToolCall) and waiting):
            yield tuple(said)
            said, waiting, answered = [], set(), False
        said.append(part)
        if isinstance(part, ToolCall):
            waiting.add(part.id)
    if said:
        yield tuple(said)


def _unanswered(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, call.name, UNANSWERED_CALL, is_error=True)


def _merged(first: Message, second: Message) -> Message:
    """Two messages of the same role as one, a blank line between their texts."""
    between = (Text("\n\n"),) if first.text and second.text else ()
    parts = (*first.parts, *between, *second.parts)
    if all(isinstance(part, Text) for part in parts):
        return text_message(first.role, Message(first.role, parts).text)
    return Message(first.role, parts)
