"""What of a message can be found: its visible text, and the names and texts of the files that go with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tether_desktop.context.words import one_line
from tether_desktop.messages import Attachment, Message

_MOST_OF_A_FILE: Final = 200_000
"""Characters of a file that are searched, from its beginning: some hundred pages."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text in one line, and the name of the file that it is from; empty for what was said."""

    text: str
    file: str = ""


def sources_of(message: Message) -> Iterator[Source]:
    """What was said, then each file: a name can be found as well as what is behind it."""
    yield Source(one_line(message.text))
    for file in message.attachments:
        yield Source(one_line(_text_of(file)), file.name)


def words_in(message: Message) -> str:
    """All of it as one text, for the index."""
    files = message.attachments
    return "\n".join([message.text, *map(_text_of, files)]) if files else message.text


def _text_of(file: Attachment) -> str:
    return f"{file.name}: {file.text[:_MOST_OF_A_FILE]}"
