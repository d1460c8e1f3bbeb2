"""Which messages of a conversation the model gets to read, and how they belong together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tether_desktop.context.records import MessageRecord
from tether_desktop.messages import Message, text_message


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with its answer, roles alternating; the newest one has no answer yet.

    Attributes:
        id: the id of its first message.
        messages: what the model reads of it, without thoughts.
        records: how many stored messages went into it.
    """

    id: str
    messages: tuple[Message, ...]
    records: int = 1

    @property
    def answered(self) -> bool:
        """Whether the model had the last word."""
        return self.messages[-1].role == "assistant"

    def with_message(self, message: Message) -> Exchange:
        """This exchange with one message more.

        Messages of the same role become one, because many chat templates demand that roles alternate.
        """
        *earlier, last = self.messages
        if last.role != message.role:
            return Exchange(self.id, (*self.messages, message), self.records + 1)
        merged = text_message(last.role, f"{last.text}\n\n{message.text}")
        return Exchange(self.id, (*earlier, merged), self.records + 1)


def exchanges_of(branch: Iterable[MessageRecord]) -> list[Exchange]:
    """The exchanges of a branch, oldest first.

    Replies without visible text (cancelled early, or failed) are left out, and so are thoughts: models
    are trained to read conversations without them.
    """
    exchanges: list[Exchange] = []
    for record in branch:
        text = record.message.text
        if record.message.role == "assistant" and not text.strip():
            continue
        message = text_message(record.message.role, text)
        if exchanges and (message.role != "user" or not exchanges[-1].answered):
            exchanges[-1] = exchanges[-1].with_message(message)
        else:
            exchanges.append(Exchange(record.id, (message,)))
    return exchanges
