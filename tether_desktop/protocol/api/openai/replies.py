"""What OpenAI's clients get, as the API's description tells of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

EndReason = Literal["stop", "length", "tool_calls"]


class Answered(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Model(Answered):
    """A model that can be used; ``context_window`` counts tokens of prompt and reply together."""

    id: str
    object: Literal["model"] = "model"
    created: Annotated[int, Field(description="When its files were written, in seconds since 1970.")]
    owned_by: str
    context_window: int


class ModelList(Answered):
    """The models that can be used."""

    object: Literal["list"] = "list"
    data: list[Model]


class LikelyToken(Answered):
    """A token and the natural logarithm of its probability; ``bytes`` are its text in UTF-8, where that is known."""

    token: str
    logprob: float
    bytes: list[int] | None


class ChosenToken(LikelyToken):
    """A token of the reply, and the likeliest in its place."""

    top_logprobs: list[LikelyToken]


class Logprobs(Answered):
    """How likely the tokens of a reply were."""

    content: list[ChosenToken]
    refusal: None = None


class FunctionCall(Answered):
    """A function to call; ``arguments`` is JSON, as text."""

    name: str
    arguments: str


class Call(Answered):
    """A call that the client is asked to make."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class ReplyMessage(Answered):
    """What the model has said."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    reasoning_content: str = Field("", description="Its thoughts, where it had some.")
    tool_calls: list[Call] = []


class Choice(Answered):
    """A reply."""

    index: Literal[0] = 0
    message: ReplyMessage
    logprobs: Logprobs | None
    finish_reason: EndReason


class PromptDetails(Answered):
    """Of the prompt's tokens, those that had been read before."""

    cached_tokens: int


class CompletionDetails(Answered):
    """Of the reply's tokens, those that were thoughts."""

    reasoning_tokens: int


class Counts(Answered):
    """Numbers of tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class ChatCompletion(Answered):
    """A whole reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: Counts


class FunctionDelta(Answered):
    """A piece of a call: its name at first, its arguments bit by bit."""

    name: str | None = None
    arguments: str


class CallDelta(Answered):
    """A piece of a call; the first one of each has its id."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: FunctionDelta


class Delta(Answered):
    """What has been said since the chunk before."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[CallDelta] | None = None


class ChoiceDelta(Answered):
    """A piece of a reply; the last one has the reason why it ended."""

    index: Literal[0] = 0
    delta: Delta
    logprobs: Logprobs | None
    finish_reason: EndReason | None


class ChatChunk(Answered):
    """A piece of a streamed reply; one without choices has the numbers of its tokens."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChoiceDelta]
    usage: Counts | None = None


class TextLogprobs(Answered):
    """How likely the tokens of a continuation were."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class TextChoice(Answered):
    """A continuation."""

    index: Literal[0] = 0
    text: str
    logprobs: TextLogprobs | None
    finish_reason: Literal["stop", "length"] | None


class TextCompletion(Answered):
    """A whole continuation, or a chunk of one."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[TextChoice]
    usage: Counts | None = None


class ErrorDetails(Answered):
    """What went wrong, and by which parameter."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(Answered):
    """An error."""

    error: ErrorDetails
