"""Bodies of tools."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tether_desktop.protocol.api.schemas import Asked, Told

TOOL = {
    "name": "calculate",
    "title": "Calculator",
    "description": "Evaluate an arithmetic expression.",
    "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]},
    "origin": "Built in",
    "enabled": True,
    "permission": "always",
}


class Tool(Told):
    """Something a model can call."""

    name: str
    title: str = Field(description="For people.")
    description: str = Field(description="What it does and when to use it, for the model.")
    parameters: dict[str, Any] = Field(description="A JSON schema of its arguments.")
    origin: str = Field(description="Where it is from, for people.")
    enabled: bool = Field(description="Whether models may know of it.")
    permission: Literal["ask", "always", "never"] = Field(description="Whether a call by a model asks first.")


class Tools(Told):
    """All tools."""

    tools: list[Tool]
    problems: list[str] = Field(description="What keeps tools from being there, in sentences for people.")


class Execution(Asked):
    """A call of a tool."""

    name: str = Field(min_length=1, max_length=64)
    arguments: dict[str, Any] = Field(default_factory=dict, description="By the tool's `parameters`.")


class CallResult(Told):
    """What a tool has answered."""

    tool: str
    result: str = Field(description="As a model would read it.")
    is_error: bool = Field(description="Whether the tool failed; `result` says how.")
