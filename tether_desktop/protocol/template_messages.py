"""Writes messages in the form that one chat template takes: its own for calls and results, or ours as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2s
from itertools import zip_longest

from tether_desktop.messages import Message, ToolCall, ToolDeclaration, ToolResult
from tether_desktop.protocol.attachments.rendering import without_files
from tether_desktop.protocol.dialects import Dialect
from tether_desktop.protocol.sentinels import Sentinels
from tether_desktop.protocol.template_form import Sent, TemplateForm, sent_call
from tether_desktop.protocol.tool_section import marked_results, told_result, tool_hint, tool_section, unmarked

_CALL_ID = re.compile(r"[A-Za-z0-9]{9}")
"""What the strictest templates demand."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is given to a template."""

    messages: list[Sent]
    tools: list[Sent]


class MessageWriter:
    """Writes one conversation; nothing in it can become a special token."""

    def __init__(self, form: TemplateForm, dialect: Dialect, sentinels: Sentinels) -> None:
        self._form = form
        self._dialect = dialect
        self._sentinels = sentinels

    def write(self, messages: Sequence[Message], tools: Sequence[ToolDeclaration]) -> Conversation:
        """The conversation, with its tools where the template declares them, else with our section of them."""
        tools = [self._safe_tool(tool) for tool in tools]
        system = messages[0].text if messages and messages[0].role == "system" else ""
        spoken = messages[1:] if messages and messages[0].role == "system" else messages
        sent = list(self._spoken(spoken))
        instructions = [self._sentinels.put_into(system)] if system else []
        if tools and not self._form.declares:
            instructions.append(tool_section(tools, self._dialect))
            self._hint(sent, spoken, tools)
        self._instruct(sent, "\n\n".join(instructions))
        return Conversation(sent, [_sent_tool(tool) for tool in tools] if self._form.declares else [])

    def _instruct(self, sent: list[Sent], instructions: str) -> None:
        """Put the system text first, or at the beginning of the first question."""
        if instructions and (self._form.system or not sent):
            sent.insert(0, {"role": "system", "content": instructions})
        elif instructions:
            sent[0] = {**sent[0], "content": f"{instructions}\n\n{sent[0]['content'] or ''}"}

    def _hint(self, sent: list[Sent], spoken: Sequence[Message], tools: Sequence[ToolDeclaration]) -> None:
        if not spoken or spoken[-1].role != "user":
            return
        if hint := tool_hint(without_files(spoken[-1].text), tools, self._dialect):
            sent[-1] = {**sent[-1], "content": f"{sent[-1]['content']}\n\n{hint}"}

    def _spoken(self, messages: Sequence[Message]) -> Iterator[Sent]:
        for message, following in zip_longest(messages, messages[1:]):
            calls = [part for part in message.parts if isinstance(part, ToolCall)]
            if calls:
                results = following.parts if following and following.role == "tool" else ()
                yield from self._round(message, calls, [part for part in results if isinstance(part, ToolResult)])
            elif message.role != "tool":
                yield self._said(message)

    def _said(self, message: Message) -> Sent:
        sent = {"role": message.role, "content": self._sentinels.put_into(message.text)}
        if message.role == "assistant" and message.reasoning:
            sent["reasoning_content"] = self._sentinels.put_into(message.reasoning)
        return sent

    def _round(self, message: Message, calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> Iterator[Sent]:
        if self._form.calls == "text" or any(call.text or not call.name for call in calls):
            yield self._written_calls(message, calls)
            yield from self._written_results(results)
            return
        said = self._said(message)
        size = 1 if self._form.calls == "one" else len(calls)
        for start in range(0, len(calls), size):
            together = calls[start : start + size]
            asked = said if start == 0 else {"role": "assistant", "content": ""}
            content = None if self._form.no_content else asked["content"]
            yield {**asked, "content": content, "tool_calls": [self._sent_call(call) for call in together]}
            ids = {call.id for call in together}
            yield from (self._sent_result(result) for result in results if result.id in ids)

    def _written_calls(self, message: Message, calls: Sequence[ToolCall]) -> Sent:
        """Calls as the model would write them, broken ones as it did."""
        said = self._said(message)
        sound = [self._safe_call(call) for call in calls if call.name and not call.text]
        broken = [self._sentinels.put_into(call.text) for call in calls if call.text]
        pieces = [said["content"].strip(), self._dialect.write(sound) if sound else "", *broken]
        return {**said, "content": "\n".join(filter(None, pieces))}

    def _written_results(self, results: Sequence[ToolResult]) -> Iterator[Sent]:
        if self._form.tool_role:
            sent = (self._sent_result(result) for result in results)
            yield from ({**each, "content": told_result(each["name"], each["content"])} for each in sent)
        elif results:
            yield {"role": "user", "content": marked_results((each.name, self._safe(each)) for each in results)}

    def _sent_call(self, call: ToolCall) -> Sent:
        safe = self._safe_call(call)
        return sent_call(self._form, _call_id(call.id), safe.name, safe.arguments)

    def _sent_result(self, result: ToolResult) -> Sent:
        name = self._sentinels.put_into(result.name)
        return {"role": "tool", "name": name, "tool_call_id": _call_id(result.id), "content": self._safe(result)}

    def _safe(self, result: ToolResult) -> str:
        return self._sentinels.put_into(unmarked(result.result))

    def _safe_call(self, call: ToolCall) -> ToolCall:
        safe = self._sentinels
        return replace(call, name=safe.put_into(call.name), arguments=safe.put_into_value(call.arguments))

    def _safe_tool(self, tool: ToolDeclaration) -> ToolDeclaration:
        safe = self._sentinels
        parameters = safe.put_into_value(tool.parameters)
        return ToolDeclaration(safe.put_into(tool.name), safe.put_into(tool.description), parameters)


def _sent_tool(tool: ToolDeclaration) -> Sent:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _call_id(call_id: str) -> str:
    return call_id if _CALL_ID.fullmatch(call_id) else blake2s(call_id.encode("utf-8", "replace")).hexdigest()[:9]
