"""What is asked for with a chat completion, once it has been found to make sense."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tether_desktop.messages import MODELS_CHOICE, ToolChoice, ToolDeclaration
from tether_desktop.model.engine import Constraint
from tether_desktop.protocol.api.openai.errors import RequestRefused
from tether_desktop.protocol.api.openai.messages import read_messages
from tether_desktop.protocol.api.openai.sampling import check_offered, only, sampling_params
from tether_desktop.protocol.api.openai.schemas import (
    ChatBody,
    ChosenTool,
    ChosenTools,
    ObjectFormat,
    ReplyFormat,
    SchemaFormat,
    SentTool,
    ToolsAllowed,
)
from tether_desktop.protocol.completions import ChatRequest
from tether_desktop.protocol.speaking import MOST_CALLS
from tether_desktop.settings import Settings

_NOT_OFFERED = {
    "audio": "The models write text.",
    "function_call": "Send tool_choice.",
    "functions": "Send tools.",
    "moderation": "",
    "prediction": "",
    "web_search_options": "Send a tool that searches.",
}


def read_chat(body: ChatBody, settings: Settings) -> ChatRequest:
    """The request.

    Raises:
        RequestRefused: it asks for what there is not, or contradicts itself.
    """
    check_offered(body, _NOT_OFFERED)
    only(body, "verbosity", "medium")
    only(body, "modalities", ["text"])
    tools, choice = _tools(body.tools or [], body.tool_choice)
    return ChatRequest(
        messages=read_messages(body.messages),
        params=sampling_params(body, settings, max_tokens=_max_tokens(body), logprobs=_logprobs(body)),
        model=body.model or None,
        tools=tools,
        choice=choice,
        # A reply that has to be a call says nothing that could be of a form.
        reply_format=None if choice.mode in {"required", "named"} else _constraint(body.response_format),
        thinking=_thinking(body),
        most_calls=1 if body.parallel_tool_calls is False else MOST_CALLS,
    )


def _max_tokens(body: ChatBody) -> int | None:
    both = {body.max_tokens, body.max_completion_tokens} - {None}
    if len(both) > 1:
        message = "'max_tokens' and 'max_completion_tokens' say the same, and cannot differ."
        raise RequestRefused(message, "max_tokens")
    return next(iter(both), None)


def _logprobs(body: ChatBody) -> int | None:
    if body.top_logprobs and not body.logprobs:
        raise RequestRefused("'top_logprobs' is only allowed when 'logprobs' is true.", "top_logprobs")
    return body.top_logprobs or 0 if body.logprobs else None


def _thinking(body: ChatBody) -> bool | None:
    if body.chat_template_kwargs and body.chat_template_kwargs.enable_thinking is not None:
        return body.chat_template_kwargs.enable_thinking
    return None if body.reasoning_effort is None else body.reasoning_effort != "none"


def _constraint(form: ReplyFormat | None) -> Constraint | None:
    match form:
        case SchemaFormat():
            return Constraint("json_schema", json.dumps(form.json_schema.json_schema))
        case ObjectFormat():
            return Constraint("json_schema", json.dumps(form.json_schema or {"type": "object"}))
        case _:
            return None


def _tools(sent: Sequence[SentTool], choice: ChosenTools | None) -> tuple[tuple[ToolDeclaration, ...], ToolChoice]:
    tools = {tool.function.name: _declaration(tool) for tool in sent}
    if len(tools) < len(sent):
        raise RequestRefused("Two tools have the same name.", "tools")
    match choice:
        case ChosenTool(function=function):
            _check_named(function.name, tools, "tool_choice.function.name")
            return tuple(tools.values()), ToolChoice("named", function.name)
        case ToolsAllowed(allowed_tools=allowed):
            names = [each.function.name for each in allowed.tools]
            for place, name in enumerate(names):
                _check_named(name, tools, f"tool_choice.allowed_tools.tools[{place}]")
            return tuple(tools[name] for name in dict.fromkeys(names)), ToolChoice(allowed.mode)
        case "required" if not tools:
            raise RequestRefused("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
        case _:
            return tuple(tools.values()), ToolChoice(choice) if isinstance(choice, str) else MODELS_CHOICE


def _declaration(tool: SentTool) -> ToolDeclaration:
    function = tool.function
    return ToolDeclaration(function.name, function.description or "", function.parameters or {})


def _check_named(name: str, tools: dict[str, ToolDeclaration], param: str) -> None:
    if name not in tools:
        raise RequestRefused(f"The tool {name!r} is not among the tools of the request.", param)
