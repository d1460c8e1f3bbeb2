"""What the store hands out: sessions and messages with their identity, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tether_desktop.messages import Attachment, FinishReason, Message, Role, Timings, Usage

ToolRule = Literal["always", "never"]
"""Whether the calls of a tool run unasked in a session, or not at all."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A conversation.

    Attributes:
        title: empty until it gets a name.
        model: the model last used in it, empty when none was.
        head_id: the newest message of the branch that is shown, None while empty.
        created_at, last_active: aware UTC times.
        deleted_at: when it was moved to the bin; None while it is in the list.
        pinned: whether it is to be shown before the others.
        archived: whether it is out of the way, and found in the archive.
        folder_id: the folder it lies in; None for none.
        unread: whether an answer came that nobody has looked at.
        persona: the name of the persona that ``overrides`` were taken from; empty for none.
        overrides: values that hold in it in place of the settings, by the rows' names.
    """

    id: str
    title: str
    model: str
    head_id: str | None
    created_at: datetime
    last_active: datetime
    deleted_at: datetime | None = None
    pinned: bool = False
    archived: bool = False
    folder_id: str | None = None
    unread: bool = False
    persona: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """A folder of conversations; ``created_at`` is an aware UTC time."""

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class QueuedQuestion:
    """A question that waits until the model is free."""

    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed in a conversation and not sent yet, the files for it, and the questions that wait their turn."""

    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    queue: tuple[QueuedQuestion, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.attachments or self.queue)


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody the model can be: values of settings under a name.

    Attributes:
        id: empty for one that is not stored yet.
        overrides: values that hold in place of the settings, by the rows' names.
        model: who answers; empty leaves it to the conversation.
    """

    id: str
    name: str
    overrides: Mapping[str, Any] = field(default_factory=dict, hash=False)
    model: str = ""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A prompt that was saved, found by its name; ``id`` is empty for one that is not stored yet."""

    id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message of a conversation's tree.

    Attributes:
        parent_id: the message it follows; None for the first.
        model: the model that wrote it; empty for a person's message.
        finish_reason: how the reply ended. None for a person's message, and for a reply that is being
            written, or was when the program was killed.
        error: what a person was told when the reply failed.
        tokens: length of its visible text for the model that read or wrote it; None until somebody has counted.
        version, versions: its place (from 1) among its siblings of the same parent, and their count.
    """

    id: str
    session_id: str
    parent_id: str | None
    message: Message
    created_at: datetime
    model: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    error: str = ""
    tokens: int | None = None
    version: int = 1
    versions: int = 1


@dataclass(frozen=True, slots=True)
class Conversation:
    """A session with all there is of it.

    Attributes:
        messages: every version of every message, oldest first; so parents come before their children.
        tool_rules: what was said about the calls of tools in it, by the tool's name.
        folder: the name of the folder it lies in; empty for none.
    """

    session: SessionRecord
    messages: tuple[MessageRecord, ...]
    tool_rules: Mapping[str, ToolRule] = field(default_factory=dict)
    folder: str = ""


Where = Literal["title", "message", "attachment"]
"""What of a session has the words: its title, what was said, or a file that went with it."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A message, or a session's title, in which something was found.

    Attributes:
        title: of its session.
        message_id: empty where the title has the words.
        created_at: an aware UTC time; where the title has the words, when the session was last active.
        excerpt: its text around the hit, in one line.
        marks: where in the excerpt the words that were found stand, as (start, end).
        where: what the excerpt is from.
        attachment: the name of the file that the excerpt is from; else empty.
    """

    title: str
    session_id: str
    message_id: str
    role: Role
    created_at: datetime
    excerpt: str
    marks: tuple[tuple[int, int], ...] = ()
    where: Where = "message"
    attachment: str = ""
