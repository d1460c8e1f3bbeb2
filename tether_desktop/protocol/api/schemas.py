"""What all bodies on the port share: strict requests, plain answers, and errors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

LONGEST_TEXT = 4_000_000
"""Characters of a question, which no context window of today holds."""

ID_PATTERN = r"^[!-~]+$"
Id = Annotated[str, Field(min_length=1, max_length=100, pattern=ID_PATTERN)]
"""What names a conversation, a message or a call in a body."""

SessionId = Annotated[
    str,
    Path(
        description="The conversation, as `POST /sessions` or `GET /sessions` has named it.",
        min_length=1,
        max_length=100,
        pattern=ID_PATTERN,
        examples=["0f2c6a51d3b94f7e8a1b2c3d4e5f6071"],
    ),
]
MessageId = Annotated[
    str,
    Path(
        description="A message of the conversation.",
        min_length=1,
        max_length=100,
        pattern=ID_PATTERN,
        examples=["9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"],
    ),
]


class Asked(BaseModel):
    """A request's body: what it does not know it refuses, so that a misspelt field is no silent default."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Told(BaseModel):
    """An answer's body, for the description of the port; later versions may tell more."""

    model_config = ConfigDict(extra="allow")


class FieldFault(Told):
    """A value that cannot be used."""

    field: str
    message: str


class Problem(Told):
    """What went wrong (RFC 9457), for programs and for people.

    `code` never changes and is for programs; `title`, `message` and `remedy` are for people.
    """

    type: str = Field(description="Always `about:blank`: `code` tells more.")
    title: str = Field(description="A few words, for a heading.")
    status: int = Field(description="The HTTP status once more.")
    detail: str = Field(description="What happened; the same as `message`.")
    code: str = Field(description="A stable name of the kind of error.")
    message: str = Field(description="What happened, in a sentence or two.")
    remedy: str = Field(description="What to do about it; empty where nothing helps.")
    request_id: str = Field(default="", description="By which the log names the request; the header X-Request-ID too.")
    errors: list[FieldFault] = Field(default_factory=list, description="With 422: which values, and why.")


class Detail(Told):
    """That something was done."""

    detail: str = Field(description="What was done, in a sentence.")


class Success(Told):
    """Whether there was something to do."""

    success: bool


class Usage(Told):
    """Token counts of one reply; of all its rounds where tools were called."""

    prompt_tokens: int = Field(description="Of the whole prompt, reused tokens included.")
    cached_tokens: int = Field(description="Prompt tokens that had been read before and were not computed again.")
    completion_tokens: int = Field(description="Tokens that the model wrote.")


class Timings(Told):
    """Durations of one reply in seconds."""

    queued_s: float = Field(description="Waiting for the engine: for another turn, or until the model was loaded.")
    prefill_s: float = Field(description="Reading the part of the prompt that was not read before.")
    first_token_s: float = Field(description="From the start in the engine to the first token.")
    decode_s: float = Field(description="From the first token to the last.")


FinishReasonName = Literal["stop", "length", "tool_calls", "cancelled", "error"]


def examples(**named: Any) -> dict[str, Any]:
    """Named examples in OpenAPI's form; underscores of the names become blanks."""
    return {name: {"summary": name.replace("_", " ").capitalize(), "value": value} for name, value in named.items()}
