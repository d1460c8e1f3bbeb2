"""Bodies of conversations, their messages and what is found in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, StrictBool

from tether_desktop.protocol.api.schemas import Asked, Detail, FinishReasonName, Id, Timings, Told, Usage

LONGEST_TITLE = 500

SESSION: dict[str, Any] = {
    "session_id": "0f2c6a51d3b94f7e8a1b2c3d4e5f6071",
    "title": "Why is the sky blue",
    "model": "SmolLM2-135M-Instruct-q4-MLC",
    "head_id": "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d",
    "created_at": "2026-11-22T09:30:00+00:00",
    "last_active": "2026-11-22T09:30:04.250000+00:00",
    "deleted_at": None,
    "pinned": False,
    "archived": False,
    "folder_id": None,
    "unread": False,
    "persona": "",
    "overrides": {},
}
QUESTION = {
    "id": "5c2a1f0e9d8b4c7a6f5e4d3c2b1a0f9e",
    "role": "user",
    "content": "Why is the sky blue?",
    "created_at": "2026-11-22T09:30:00.100000+00:00",
    "parts": [{"type": "text", "text": "Why is the sky blue?"}],
    "session_id": SESSION["session_id"],
    "parent_id": None,
    "model": "",
    "finish_reason": None,
    "usage": None,
    "timings": None,
    "error": "",
    "tokens": 6,
    "version": 1,
    "versions": 1,
}
REPLY = {
    **QUESTION,
    "id": SESSION["head_id"],
    "role": "assistant",
    "content": "Air scatters blue light most.",
    "created_at": "2026-11-22T09:30:00.101000+00:00",
    "parts": [{"type": "text", "text": "Air scatters blue light most."}],
    "parent_id": QUESTION["id"],
    "model": SESSION["model"],
    "finish_reason": "stop",
    "usage": {"prompt_tokens": 31, "cached_tokens": 0, "completion_tokens": 7},
    "timings": {"queued_s": 0.0, "prefill_s": 0.12, "first_token_s": 0.14, "decode_s": 0.21},
    "tokens": 7,
}
HIT = {
    "title": SESSION["title"],
    "session_id": SESSION["session_id"],
    "message_id": REPLY["id"],
    "role": "assistant",
    "created_at": REPLY["created_at"],
    "excerpt": "Air scatters blue light most.",
    "marks": [[13, 17]],
    "where": "message",
    "attachment": "",
}
FOLDER = {
    "folder_id": "7d1c2b3a4f5e4d6c8b9a0f1e2d3c4b5a",
    "name": "Physics",
    "created_at": "2026-11-22T09:00:00+00:00",
}


class NewSession(Asked):
    """How a conversation begins."""

    title: str = Field(default="", max_length=LONGEST_TITLE, description="Empty lets the first question name it.")
    model_name: str = Field(
        default="", max_length=500, description="Who answers in it; empty leaves that to the settings."
    )


class SessionChanges(Asked):
    """What is to be different; what is left out stays."""

    title: str | None = Field(
        default=None, max_length=LONGEST_TITLE, description="Empty lets the next question name it."
    )
    pinned: StrictBool | None = Field(default=None, description="Whether it is shown before the others.")
    archived: StrictBool | None = Field(default=None, description="Whether it is out of the way, in the archive.")
    folder_id: Id | None = Field(
        default=None, description="The folder it lies in; null takes it out of its folder, left out it stays there."
    )

    @property
    def moves(self) -> bool:
        """Whether the conversation is to lie elsewhere."""
        return "folder_id" in self.model_fields_set


class FolderName(Asked):
    """What a folder is called."""

    name: str = Field(
        max_length=LONGEST_TITLE, description="No other folder may have it, whatever the letter case.", min_length=1
    )


class Folder(Told):
    """A folder of conversations."""

    folder_id: str
    name: str
    created_at: datetime


class BranchPoint(Asked):
    """Where the copy ends."""

    message_id: Id | None = Field(default=None, description="The last message of the copy; null copies all.")


class Session(Told):
    """A conversation."""

    session_id: str
    title: str = Field(description="Empty until it has a name.")
    model: str = Field(description="The model last used in it; empty when none was.")
    head_id: str | None = Field(description="The newest message of the branch that is shown; null while empty.")
    created_at: datetime
    last_active: datetime = Field(description="When something was last written in it.")
    deleted_at: datetime | None = Field(description="When it was moved to the bin; null while it is in the list.")
    pinned: bool = Field(description="Whether it is shown before the others.")
    archived: bool = Field(description="Whether it is out of the way, in the archive.")
    folder_id: str | None = Field(description="The folder it lies in; null for none.")
    unread: bool = Field(description="Whether an answer came that nobody has looked at in the window.")
    persona: str = Field(description="The persona that `overrides` are from; empty for none.")
    overrides: dict[str, Any] = Field(description="Values that hold in it in place of the settings, by their names.")


class TextPart(Told):
    """Visible text, as it was typed or streamed."""

    type: Literal["text"]
    text: str


class ReasoningPart(Told):
    """A hidden thought."""

    type: Literal["reasoning"]
    text: str
    phase: Literal["pre_tool", "post_tool"]
    seconds: float | None = Field(description="How long the model spent on it, when known.")


class ToolCallPart(Told):
    """A call that the model has asked for."""

    type: Literal["tool_call"]
    id: str
    name: str
    arguments: dict[str, Any]
    text: str = Field(description="What the model wrote, where that is no call that can be understood.")


class ToolResultPart(Told):
    """What a tool has answered."""

    type: Literal["tool_result"]
    id: str
    name: str
    result: str
    is_error: bool
    seconds: float | None = Field(description="How long it took, when known.")


class AttachmentPart(Told):
    """A file that went with a question."""

    type: Literal["attachment"]
    name: str
    text: str = Field(description="What is in it, as the model reads it.")
    media_type: str
    size: int = Field(description="Of the file, in bytes.")


class Message(Told):
    """A message: `content` is its visible text, `parts` is all of it in order."""

    id: str
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    created_at: datetime
    parts: list[TextPart | ReasoningPart | ToolCallPart | ToolResultPart | AttachmentPart]
    session_id: str
    parent_id: str | None = Field(description="The message it follows; null for the first.")
    model: str = Field(description="Who wrote it; empty for a question.")
    finish_reason: FinishReasonName | None = Field(
        description="How the reply ended; null for a question and for a reply that is being written."
    )
    usage: Usage | None
    timings: Timings | None
    error: str = Field(description="What a person was told where the reply failed.")
    tokens: int | None = Field(description="Its length for the model, where somebody has counted.")
    version: int = Field(description="Its place, from 1, among the messages that follow the same one.")
    versions: int = Field(description="How many these are.")


class Hit(Told):
    """A message, or a conversation's title, in which something was found."""

    title: str = Field(description="Of its conversation.")
    session_id: str
    message_id: str = Field(description="Empty where the title has the words.")
    role: Literal["system", "user", "assistant", "tool"]
    created_at: datetime
    excerpt: str = Field(description="The text around what was found, in one line.")
    marks: list[tuple[int, int]] = Field(description="Where the words stand in the excerpt, as [start, end].")
    where: Literal["title", "message", "attachment"] = Field(description="What the excerpt is from.")
    attachment: str = Field(description="The name of the file that the excerpt is from; else empty.")


class Deleted(Detail):
    """That all conversations are in the bin."""

    deleted: int = Field(description="How many were moved.")


class SkippedConversation(Told):
    """A conversation of the file that was not added."""

    title: str
    reason: str


class ImportResult(Told):
    """What came of an import."""

    imported: list[Session]
    skipped: list[SkippedConversation]


class WaitingCall(Told):
    """A call of a tool that waits for permission."""

    session_id: str
    call_id: str
    name: str
    arguments: dict[str, Any]
    origin: str = Field(description="Where the tool is from, for people.")


class ApprovalReply(Asked):
    """Whether a call may run."""

    call_id: Id = Field(description="As the `tool_approval` event or `GET …/approvals` names it.")
    answer: Literal["once", "always", "deny", "never"] = Field(
        description="Allow this call (`once`) or every call of the tool in this conversation (`always`); refuse this "
        "call (`deny`) or every one (`never`)."
    )
