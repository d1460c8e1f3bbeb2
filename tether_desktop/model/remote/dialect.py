"""What one server takes of a request, learned from what it refuses."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from typing import Any

logger = logging.getLogger(__name__)

UNUSUAL = frozenset(("stream_options", "top_k", "min_p", "repetition_penalty", "repeat_penalty"))
"""What a server need not know; it is left out when the server complains of it."""

_USUAL = frozenset(("temperature", "top_p", "max_tokens"))
"""What some models refuse to be told, or to be told by that name; a wrong value of it is another complaint."""

_RENAMED = {"max_tokens": "max_completion_tokens"}
_NO_SYSTEM = re.compile(r"system.{0,10}\brole|role.{0,10}\bsystem", re.IGNORECASE)
"""How the chat templates of some models, Gemma's among them, refuse a system message."""

_UNSUPPORTED = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not (?:allowed|permitted)|\bextra", re.IGNORECASE
)

_TOOLS = r"(?:\btools?\b|\btool[ _-](?:use|call\w*|choice)\b|\bfunction[ _-]?call\w*)"
_CANNOT = (
    r"(?:\bnot? (?:support\w*|allowed|permitted|available|enabled|implemented)|unsupported|unrecogni[sz]ed|unknown"
    r"|unexpected|no endpoints|\brequires? --)"
)
_NO_TOOLS = re.compile(rf"{_TOOLS}.{{0,60}}{_CANNOT}|{_CANNOT}.{{0,60}}{_TOOLS}", re.IGNORECASE)
"""How servers say that they call no tools: Ollama of a model, vLLM and llama.cpp of how they were started."""

_NO_TOOL_MESSAGES = re.compile(r"\brole|alternat|tool[ _]calls?\b.{0,40}not support", re.IGNORECASE)
"""How servers and the chat templates of some models refuse what was said to tools and by them."""


class Dialect:
    """What one server takes of a request, as far as it has said.

    Attributes:
        refused: fields it has refused.
        folds_system: whether what the system says has to go into the first question.
        calls_no_tools: whether tools are left out where none has to be called.
        ignores_choice: whether it calls tools that it was forbidden to call.
        names_no_tool: whether the one tool to call has to be the only one it is told of.
        forgets_calls: whether what was said to tools and by them has to be left out.
        schema_form: how it takes a schema: "strict" or "loose" as the API has it, "object" or "text" as it once was.
    """

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.folds_system = False
        self.calls_no_tools = False
        self.ignores_choice = False
        self.names_no_tool = False
        self.forgets_calls = False
        self.schema_form = "strict"

    def learn(self, body: dict[str, Any], said: str, *, as_refusal: bool = True) -> bool:
        """Take note of what a refusal names of a request; False when there is nothing to say differently.

        Args:
            body: the request, as it was sent.
            said: all that the server answered.
            as_refusal: whether it calls that a refusal; where it calls it a failure, less is believed.
        """
        plain = (self._about_system, self._about_fields, self._about_choice, self._about_messages)
        lessons = (*(plain if as_refusal else ()), self._about_schema, self._about_tools)
        return any(lesson(body, said) for lesson in lessons)

    def translate(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as the server takes it."""
        body = self._with_schema(self._with_tools(body))
        if self.forgets_calls:
            body = {**body, "messages": _without_calls(body["messages"])}
        if self.folds_system and _may_fold(body["messages"]):
            body = {**body, "messages": _folded(body["messages"])}
        return {
            _RENAMED.get(name, name) if name in self.refused else name: value
            for name, value in body.items()
            if name not in self.refused or name in _RENAMED
        }

    def _with_tools(self, body: dict[str, Any]) -> dict[str, Any]:
        choice = body.get("tool_choice", "auto")
        if (choice == "none" and self.ignores_choice) or (choice in ("none", "auto") and self.calls_no_tools):
            return {name: value for name, value in body.items() if name not in {"tools", "tool_choice"}}
        if self.names_no_tool and isinstance(choice, dict):
            named = [tool for tool in body["tools"] if tool["function"]["name"] == choice["function"]["name"]]
            return {**body, "tools": named, "tool_choice": "required"}
        return body

    def _with_schema(self, body: dict[str, Any]) -> dict[str, Any]:
        if "response_format" not in body or self.schema_form == "strict":
            return body
        told = body["response_format"]["json_schema"]
        schema = told["schema"]
        form: dict[str, Any] = {"type": "json_schema", "json_schema": {**told, "strict": False}}
        if self.schema_form != "loose":
            form = {"type": "json_object", "schema": schema if self.schema_form == "object" else json.dumps(schema)}
        return {**body, "response_format": form}

    def _about_system(self, body: dict[str, Any], said: str) -> bool:
        if self.folds_system or not _NO_SYSTEM.search(said) or not _may_fold(body["messages"]):
            return False
        self.folds_system = True
        return True

    def _about_fields(self, body: dict[str, Any], said: str) -> bool:
        known = (UNUSUAL | _USUAL if _UNSUPPORTED.search(said) else UNUSUAL) & body.keys()
        named = {field for field in known if re.search(rf"\b{field}\b", said)}
        self.refused |= named
        if named:
            logger.info("The server does not take %s", ", ".join(sorted(named)))
        return bool(named)

    def _about_choice(self, body: dict[str, Any], said: str) -> bool:
        choice = body.get("tool_choice")
        if "tool_choice" not in said or not (choice == "none" or isinstance(choice, dict)):
            return False
        # A server that knows no choice is told of the tools it may choose from, and of no others.
        self.ignores_choice |= choice == "none"
        self.names_no_tool |= isinstance(choice, dict)
        return True

    def _about_schema(self, body: dict[str, Any], said: str) -> bool:
        if "response_format" not in body:
            return False
        before = self.schema_form
        if before in {"strict", "loose"} and "json_object" in said:
            self.schema_form = "object"
        elif before == "strict" and re.search(r"additionalProperties|\brequired\b|\bstrict\b", said):
            self.schema_form = "loose"
        elif before == "object" and re.search(r"\bschema\b.*\bstring\b", said):
            self.schema_form = "text"
        return self.schema_form != before

    def _about_messages(self, body: dict[str, Any], said: str) -> bool:
        messages = body["messages"]
        told = any(message["role"] == "tool" for message in messages)
        # Without what a tool has just said there is nothing to go on with.
        if not told or messages[-1]["role"] == "tool" or not _NO_TOOL_MESSAGES.search(said):
            return False
        logger.warning("The server takes nothing that was said by tools, so that is left out: %s", said[:300])
        self.forgets_calls = True
        return True

    def _about_tools(self, body: dict[str, Any], said: str) -> bool:
        """Take note that it calls no tools, where it need not; False where it must, or says something else."""
        if not refuses_tools(body, said) or body.get("tool_choice", "none") != "none":
            return False
        logger.warning("The server calls no tools with this model, so none are offered: %s", said[:300])
        self.calls_no_tools = True
        return True


def refuses_tools(body: dict[str, Any], said: str) -> bool:
    """Whether a refusal says that the server calls no tools."""
    return "tools" in body and bool(_NO_TOOLS.search(said))


def _may_fold(messages: Sequence[dict[str, Any]]) -> bool:
    return [message["role"] for message in messages[:2]] == ["system", "user"]


def _folded(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    system, first, *others = messages
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *others]


def _without_calls(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was said without calls and results; what the model said around them becomes one message."""
    kept: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            continue
        plain = {name: value for name, value in message.items() if name != "tool_calls"}
        if plain["role"] == "assistant" and kept and kept[-1]["role"] == "assistant":
            texts = (kept.pop()["content"], plain["content"])
            plain["content"] = "\n\n".join(text for text in texts if text)
        kept.append(plain)
    return kept
