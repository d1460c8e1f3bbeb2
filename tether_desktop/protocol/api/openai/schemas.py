"""What OpenAI's clients send, as they send it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Number = Annotated[float, Field(allow_inf_nan=False)]

_LARGEST_INT = 2**63 - 1
_CHAT_EXAMPLES: list[Any] = [
    {
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "What is the capital of Norway?"},
        ],
        "temperature": 0,
        "max_completion_tokens": 64,
    }
]
_TEXT_EXAMPLES: list[Any] = [{"prompt": "The capital of Norway is", "temperature": 0, "max_tokens": 16}]
_LEFT_UNUSED = "Taken, and left unused."
_NOT_OFFERED = "Not offered: anything but null is refused."


class Sent(BaseModel):
    """A part of a request; what it has besides is left unused."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class ContentPart(Sent):
    """A piece of a message; of its kinds, text can be read."""

    type: Annotated[str, Field(description="`text`; others, such as `image_url`, are refused.")]
    text: str | None = None
    refusal: str | None = None


Content = str | list[ContentPart]


class CalledFunction(Sent):
    """Which function was called, and with what; arguments are JSON, as text."""

    name: str
    arguments: str = ""


class SentCall(Sent):
    """A call that the model has made."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class SystemMessage(Sent):
    """What the model is told of its task."""

    role: Literal["system", "developer"]
    content: Content


class UserMessage(Sent):
    """What a person has said."""

    role: Literal["user"]
    content: Content


class AssistantMessage(Sent):
    """What the model has said; ``reasoning_content`` are its thoughts."""

    role: Literal["assistant"]
    content: Content | None = None
    reasoning_content: str | None = None
    tool_calls: list[SentCall] | None = None
    function_call: Annotated[None, Field(description=_NOT_OFFERED)] = None
    audio: Annotated[None, Field(description=_NOT_OFFERED)] = None


class ToolMessage(Sent):
    """What a tool has answered to a call."""

    role: Literal["tool"]
    content: Content
    tool_call_id: str


SentMessage = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage,
    Field(discriminator="role"),
]


class Function(Sent):
    """A function that the model may ask the client to call; ``parameters`` is a JSON schema of an object."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: Annotated[
        bool | None,
        Field(description="Calls keep to the schema in any case, where the engine can see to it."),
    ] = None


class SentTool(Sent):
    """A tool of the client."""

    type: Literal["function"]
    function: Function


class FunctionName(Sent):
    """Names a function."""

    name: str


class ChosenTool(Sent):
    """Names a tool."""

    type: Literal["function"]
    function: FunctionName


class AllowedTools(Sent):
    """Some of the tools, of which the model may call any, or has to call one."""

    mode: Literal["auto", "required"]
    tools: Annotated[list[ChosenTool], Field(min_length=1)]


class ToolsAllowed(Sent):
    """Leaves the model some of the tools."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


ChosenTools = Literal["none", "auto", "required"] | Annotated[ChosenTool | ToolsAllowed, Field(discriminator="type")]


class TextFormat(Sent):
    """Free text."""

    type: Literal["text"]


class ObjectFormat(Sent):
    """A JSON object, of a ``schema`` where one is sent along."""

    type: Literal["json_object"]
    json_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class NamedSchema(Sent):
    """A JSON schema."""

    name: str = ""
    description: str | None = None
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]
    strict: Annotated[bool | None, Field(description="The reply keeps to the schema in any case.")] = None


class SchemaFormat(Sent):
    """JSON that keeps to a schema."""

    type: Literal["json_schema"]
    json_schema: NamedSchema


ReplyFormat = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]


class StreamOptions(Sent):
    """What a stream has besides the reply; ``include_usage`` ends it with the counts of its tokens."""

    include_usage: bool | None = None


class TemplateOptions(Sent):
    """What a chat template is told, as other servers take it."""

    model_config = ConfigDict(extra="forbid")

    enable_thinking: bool | None = None


class SamplingBody(Sent):
    """How to sample, for both kinds of completions; what is left out is as the settings of the program say."""

    # What is not known is refused by name, with the name that was meant.
    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})

    model: Annotated[str | None, Field(description="As listed; left out or null, the default model.")] = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[Number | None, Field(ge=0, le=2)] = None
    top_p: Annotated[Number | None, Field(ge=0, le=1)] = None
    max_tokens: Annotated[int | None, Field(ge=1, le=_LARGEST_INT)] = None
    stop: Annotated[
        str | Annotated[list[str], Field(max_length=64)] | None, Field(description="Texts that end the reply.")
    ] = None
    seed: Annotated[int | None, Field(ge=-_LARGEST_INT - 1, le=_LARGEST_INT)] = None
    presence_penalty: Annotated[Number | None, Field(ge=-2, le=2)] = None
    frequency_penalty: Annotated[Number | None, Field(ge=-2, le=2)] = None
    logit_bias: Annotated[
        dict[str, Annotated[Number, Field(ge=-100, le=100)]] | None, Field(description="By the number of the token.")
    ] = None
    n: Annotated[int | None, Field(description="1; more replies at once are refused.")] = None
    user: Annotated[Any, Field(description=_LEFT_UNUSED)] = None

    top_k: Annotated[int | None, Field(ge=-1, le=_LARGEST_INT, description="Besides OpenAI's; 0 and -1: all.")] = None
    min_p: Annotated[Number | None, Field(ge=0, le=1, description="Besides OpenAI's.")] = None
    repetition_penalty: Annotated[Number | None, Field(gt=0, le=10, description="Besides OpenAI's.")] = None


class ChatBody(SamplingBody):
    """A request for a chat completion."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False, "examples": _CHAT_EXAMPLES})

    messages: Annotated[list[SentMessage], Field(min_length=1)]
    max_completion_tokens: Annotated[int | None, Field(ge=1, le=_LARGEST_INT)] = None
    tools: Annotated[list[SentTool] | None, Field(max_length=128)] = None
    tool_choice: ChosenTools | None = None
    parallel_tool_calls: Annotated[bool | None, Field(description="False: at most one call.")] = None
    response_format: ReplyFormat | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int | None, Field(ge=0, le=20)] = None
    reasoning_effort: Annotated[
        Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None,
        Field(description="`none` switches thinking off, anything else on, for models that can be told."),
    ] = None
    chat_template_kwargs: Annotated[TemplateOptions | None, Field(description="Besides OpenAI's.")] = None
    verbosity: Annotated[Literal["low", "medium", "high"] | None, Field(description="`medium` only.")] = None
    modalities: Annotated[list[str] | None, Field(description='`["text"]` only.')] = None

    metadata: Annotated[Any, Field(description=_LEFT_UNUSED)] = None
    prompt_cache_key: Annotated[Any, Field(description=_LEFT_UNUSED)] = None
    prompt_cache_options: Annotated[Any, Field(description=_LEFT_UNUSED)] = None
    prompt_cache_retention: Annotated[Any, Field(description=_LEFT_UNUSED)] = None
    safety_identifier: Annotated[Any, Field(description=_LEFT_UNUSED)] = None
    service_tier: Annotated[Any, Field(description=_LEFT_UNUSED)] = None
    store: Annotated[Any, Field(description=_LEFT_UNUSED)] = None

    audio: Annotated[Any, Field(description=_NOT_OFFERED)] = None
    function_call: Annotated[Any, Field(description=_NOT_OFFERED)] = None
    functions: Annotated[Any, Field(description=_NOT_OFFERED)] = None
    moderation: Annotated[Any, Field(description=_NOT_OFFERED)] = None
    prediction: Annotated[Any, Field(description=_NOT_OFFERED)] = None
    web_search_options: Annotated[Any, Field(description=_NOT_OFFERED)] = None


class TextBody(SamplingBody):
    """A request for the continuation of a text."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False, "examples": _TEXT_EXAMPLES})

    prompt: Annotated[Any, Field(description="A text, or a list of one text.")]
    echo: Annotated[bool | None, Field(description="Whether the text comes before its continuation.")] = None
    logprobs: Annotated[int | None, Field(ge=0, le=20)] = None
    best_of: Annotated[int | None, Field(description="1; more is refused.")] = None
    suffix: Annotated[Any, Field(description=_NOT_OFFERED)] = None
