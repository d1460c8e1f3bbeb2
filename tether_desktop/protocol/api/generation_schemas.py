"""Bodies of questions and of whole answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tether_desktop.protocol.api.schemas import LONGEST_TEXT, Asked, FinishReasonName, Id, Timings, Told, Usage
from tether_desktop.protocol.api.session_schemas import QUESTION, REPLY, SESSION, Message

Device = Literal["auto", "cuda", "rocm", "metal", "vulkan", "opencl", "cpu"]
"""In the order in which they would be chosen."""

DEVICE: Any = Field(
    default="auto",
    description="Kept for older clients and checked to be the name of a device; the engine chooses itself, and "
    "`GET /models/{model_name}` tells what it computes on.",
)
_ToolName = Annotated[str, Field(min_length=1, max_length=64)]


class LineOptions(Asked):
    """What is among the lines."""

    status: bool = Field(default=True, description="Whether `status` lines tell what is waited for.")


class NamedTool(Asked):
    """The tool that has to be called."""

    name: _ToolName


class JsonSchemaFormat(Asked):
    """A JSON schema with a name, as OpenAI's clients write it."""

    name: str = Field(default="reply", max_length=64)
    description: str = Field(default="", max_length=LONGEST_TEXT)
    schema_: dict[str, Any] = Field(alias="schema", description="What the reply has to be.")
    strict: bool | None = Field(default=True, description="The reply always fits the schema, whatever this says.")


class ResponseFormat(Asked):
    """What the whole reply has to be."""

    type: Literal["text", "json_object", "json_schema"] = Field(description="Free text, any object, or by the schema.")
    json_schema: JsonSchemaFormat | None = Field(default=None, description="Needed for `json_schema`, and only there.")

    @model_validator(mode="after")
    def _schema_fits_type(self) -> Self:
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise ValueError("json_schema belongs to the type json_schema, which needs it")
        return self


class Sampling(Asked):
    """How the next token is chosen; null takes what the settings say."""

    max_tokens: int | None = Field(
        default=512, ge=1, le=10_000_000, description="Tokens after which the reply is cut off."
    )
    temperature: float | None = Field(default=0.2, ge=0, le=5, description="0 always takes the most likely token.")
    top_p: float | None = Field(
        default=0.95, gt=0, le=1, description="Choose among the most likely tokens up to this probability."
    )
    top_k: int | None = Field(
        default=None, ge=0, le=1_000_000, description="Choose among so many tokens; 0 is no limit."
    )
    min_p: float | None = Field(
        default=None, ge=0, le=1, description="Drop tokens less likely than this part of the best."
    )
    repetition_penalty: float | None = Field(default=None, gt=0, le=10, description="Above 1 discourages repeating.")
    presence_penalty: float = Field(
        default=0, ge=-2, le=2, description="Subtracted once from each token that was written."
    )
    frequency_penalty: float = Field(
        default=0, ge=-2, le=2, description="Subtracted for each time a token was written."
    )
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="The same seed gives the same reply to the same prompt."
    )
    stop: Annotated[list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(max_length=16)] = Field(
        default_factory=list, description="Texts that end the reply; they are not part of it."
    )
    logit_bias: Annotated[dict[str, Annotated[float, Field(ge=-100, le=100)]], Field(max_length=1000)] = Field(
        default_factory=dict, description="Added to the logits of tokens, by their number in the vocabulary."
    )


class Generation(Sampling):
    """A question: a new one, an earlier one once more, another one in the place of an earlier one, or none at all."""

    session_id: Id | None = Field(default=None, description="Where to ask; left out, a conversation begins.")
    prompt: str | None = Field(default=None, max_length=LONGEST_TEXT, description="The question.")
    regenerate: Id | None = Field(
        default=None, description="A reply to which another one is wanted beside it, without a `prompt`."
    )
    replace: Id | None = Field(
        default=None, description="An earlier question, beside which the `prompt` is asked instead; nothing is lost."
    )
    continue_: Id | None = Field(
        default=None,
        alias="continue",
        description="The last reply, with which to go on where it ends, without a `prompt`; what comes is added to it.",
    )
    model_name: str | None = Field(
        default=None,
        max_length=500,
        description="Who answers; left out, the conversation's model or that of the settings.",
    )
    device: Device = DEVICE
    stream: bool = Field(
        default=False, description="Lines of JSON as the reply comes, instead of one answer at its end."
    )
    stream_options: LineOptions = LineOptions()
    tools: Annotated[list[_ToolName], Field(max_length=128)] | None = Field(
        default=None, description="Names of the tools that may be called; null is as the settings say, and [] none."
    )
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = Field(
        default=None, description="Whether tools may be called or one has to be; `{name}` demands that one."
    )
    attended: bool = Field(
        default=False,
        description="Somebody answers `POST …/approvals`; otherwise calls that need permission are refused.",
    )
    allowed_tools: Annotated[list[_ToolName], Field(max_length=128)] = Field(
        default_factory=list, description="Tools whose calls need no permission in this turn; takes a managing token."
    )
    response_format: ResponseFormat | None = Field(default=None, description="What the whole reply has to be.")
    keep_running: bool = Field(
        default=False,
        description="Answer to the end although nobody reads any more, for a client that comes back later.",
    )

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if self.regenerate is not None and (self.prompt is not None or self.replace is not None):
            raise ValueError("regenerate asks the same question again, and goes with neither prompt nor replace")
        others = (self.prompt, self.replace, self.regenerate, self.response_format)
        if self.continue_ is not None and any(other is not None for other in others):
            raise ValueError("continue goes on with a reply, without prompt, replace, regenerate and response_format")
        if self.regenerate is None and self.prompt is None and self.continue_ is None:
            raise ValueError("a prompt is missing, or the reply that is to be made again or continued")
        if self.session_id is None and any((self.regenerate, self.replace, self.continue_)):
            raise ValueError("regenerate, replace and continue need the session_id of the message")
        if any(not token.isascii() or not token.isdigit() or len(token) > 9 for token in self.logit_bias):
            raise ValueError("logit_bias names tokens by their number")
        return self


class Reply(Told):
    """A whole answer."""

    session_id: str
    reply: str = Field(description="The visible text.")
    messages: list[Message] = Field(description="The conversation as it is shown now, oldest first.")
    reply_id: str
    question_id: str | None = Field(description="The question that was stored; null when one was answered again.")
    model: str
    finish_reason: FinishReasonName
    usage: Usage | None
    timings: Timings | None


class Abort(Asked):
    """Which conversation is to be stopped."""

    session_id: Id


ASK = {"session_id": SESSION["session_id"], "prompt": "Why is the sky blue?", "stream": True}
REPLY_EXAMPLE = {
    "session_id": SESSION["session_id"],
    "reply": REPLY["content"],
    "messages": [QUESTION, REPLY],
    "reply_id": REPLY["id"],
    "question_id": QUESTION["id"],
    "model": REPLY["model"],
    "finish_reason": "stop",
    "usage": REPLY["usage"],
    "timings": REPLY["timings"],
}
