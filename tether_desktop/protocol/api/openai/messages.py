"""Conversations as OpenAI's clients send them, to the messages that chat templates take."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from tether_desktop.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult, text_message
from tether_desktop.protocol.api.openai.errors import RequestRefused
from tether_desktop.protocol.api.openai.schemas import (
    AssistantMessage,
    Content,
    SentCall,
    SentMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from tether_desktop.protocol.dialects.dialect import BadCall
from tether_desktop.protocol.dialects.json_calls import arguments_in_json
from tether_desktop.protocol.history import NO_ANSWER

_BEGINNING = "(The conversation begins.)"
"""Stands before what the model says first, as a greeting: many chat templates demand that somebody asks."""

_KINDS = {"image_url": "Images", "input_audio": "Sounds", "file": "Files", "video_url": "Films"}


def read_messages(sent: Sequence[SentMessage]) -> tuple[Message, ...]:
    """The conversation; results of one round become one message.

    A chat template takes one system message, and takes it first: what the client says to the model there becomes that,
    and what it says later is said as by the user. Where nobody else says anything, all of it is.

    Raises:
        RequestRefused: it has something that no language model here can read, or a call without its result.
    """
    first = list(takewhile(lambda message: isinstance(message, SystemMessage), sent))
    said = (_text(message.content or "", f"messages[{place}]") for place, message in enumerate(first))
    instructions = "\n\n".join(filter(None, said))
    reader = _Reader()
    for place, message in enumerate(sent[len(first) :], start=len(first)):
        reader.read(message, f"messages[{place}]")
    reader.finish()
    if not reader.messages:
        return (text_message("user", instructions),)
    return (*([text_message("system", instructions)] if instructions else []), *reader.messages)


class _Reader:
    """Reads one message after the other.

    Attributes:
        messages: read so far.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._calls: dict[str, ToolCall] = {}
        self._results: dict[str, ToolResult] = {}
        self._asked_at = ""

    def read(self, message: SentMessage, where: str) -> None:
        if isinstance(message, ToolMessage):
            self._read_result(message, where)
            return
        self.finish()
        if isinstance(message, AssistantMessage):
            self._read_reply(message, where)
        else:
            self._read_said(message, where)

    def finish(self) -> None:
        """Take the results of a round as one message, in the order of its calls."""
        if missing := [call_id for call_id in self._calls if call_id not in self._results]:
            raise RequestRefused(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(missing)}.",
                self._asked_at,
            )
        if self._calls:
            self.messages.append(Message("tool", tuple(self._results[call_id] for call_id in self._calls)))
        self._calls, self._results = {}, {}

    def _read_said(self, message: SystemMessage | UserMessage, where: str) -> None:
        if self.messages and self.messages[-1].role == "tool":
            self.messages.append(text_message("assistant", NO_ANSWER))
        self.messages.append(text_message("user", _text(message.content, where)))

    def _read_reply(self, message: AssistantMessage, where: str) -> None:
        parts: list[Part] = [Reasoning(message.reasoning_content)] if message.reasoning_content else []
        if message.content is not None and (text := _text(message.content, where)):
            parts.append(Text(text))
        for place, sent in enumerate(message.tool_calls or ()):
            if sent.id in self._calls:
                raise RequestRefused(f"Two calls have the id {sent.id!r}.", f"{where}.tool_calls[{place}].id")
            self._calls[sent.id] = _call(sent)
        self._asked_at = where
        # A reply that says nothing is none; templates demand one.
        if self._calls or any(isinstance(part, Text) for part in parts):
            if not self.messages:
                self.messages.append(text_message("user", _BEGINNING))
            self.messages.append(Message("assistant", (*parts, *self._calls.values())))

    def _read_result(self, message: ToolMessage, where: str) -> None:
        call = self._calls.get(message.tool_call_id)
        if call is None:
            raise RequestRefused(
                "A message with role 'tool' must be a response to a preceding message with 'tool_calls' of its "
                f"'tool_call_id', which is {message.tool_call_id!r}.",
                where,
            )
        if call.id in self._results:
            raise RequestRefused(f"The call {call.id!r} has two results.", where)
        self._results[call.id] = ToolResult(call.id, call.name, _text(message.content, where))


def _text(content: Content, where: str) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for place, part in enumerate(content):
        text = {"text": part.text, "refusal": part.refusal}.get(part.type)
        if text is None:
            raise _unreadable(part.type, f"{where}.content[{place}]")
        texts.append(text)
    return "".join(texts)


def _unreadable(kind: str, where: str) -> RequestRefused:
    if kind in {"text", "refusal"}:
        param = f"{where}.{kind}"
        return RequestRefused(f"Missing required parameter: '{param}'.", param, code="missing_required_parameter")
    named = _KINDS.get(kind, f"Parts of the type {kind!r}")
    return RequestRefused(f"{named} cannot be read here: the models take text.", where, code="unsupported_value")


def _call(sent: SentCall) -> ToolCall:
    """A call; where its arguments are none, as the model wrote it."""
    name, arguments = sent.function.name, sent.function.arguments
    try:
        return ToolCall(sent.id, name, arguments_in_json(arguments) if arguments.strip() else {})
    except BadCall:
        return ToolCall(sent.id, name, text=arguments)
