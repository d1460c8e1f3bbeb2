"""The program as commands see it, on the port of one that runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import httpx2

from tether_desktop.cli.backends.backend import ModelRow, OnProgress, Question, ToolAnswer, ToolRow
from tether_desktop.cli.backends.port_client import PortClient, error_of, lost
from tether_desktop.cli.backends.port_sessions import PortSessions
from tether_desktop.cli.backends.port_turn import PortTurn
from tether_desktop.errors import TurnNotFound
from tether_desktop.messages import ToolChoice
from tether_desktop.protocol.tool_use import ApprovalAnswer, ToolUse

_FROM_SETTINGS = {"max_tokens": None, "temperature": None, "top_p": None}
"""How to sample is what the running program's settings say; left out, the port's own defaults would hold."""


class PortBackend:
    """A client of a running Tether.

    Attributes:
        sessions: its conversations.
    """

    def __init__(self, client: PortClient) -> None:
        self.sessions = PortSessions(client)
        self._client = client

    async def ask(self, session_id: str, question: Question) -> PortTurn:
        """Ask in a session.

        Raises:
            PortError: the program cannot be reached.
            TetherError: it refused the question.
        """
        connection = AsyncExitStack()
        body = question_body(session_id, question)
        try:
            answer = await connection.enter_async_context(self._client.stream("POST", "/generations", body))
        except httpx2.TransportError as error:
            raise lost(self._client.url, error) from error
        return PortTurn(self._client, answer, connection)

    async def answer(self, session_id: str, call_id: str, answer: ApprovalAnswer) -> bool:
        """Answer for a call that waits; False where it does not wait any more."""
        try:
            await self._client.call(
                "POST", f"/sessions/{quote(session_id)}/approvals", {"call_id": call_id, "answer": answer}
            )
        except TurnNotFound:
            return False
        return True

    async def models(self) -> Sequence[ModelRow]:
        """All models and what is loaded."""
        listed = await self._client.get("/models")
        return [_model(fields) for fields in listed["models"]]

    async def load(self, name: str, on_progress: OnProgress) -> None:
        """Load a model.

        Raises:
            PortError: the program cannot be reached.
            TetherError: the model cannot be loaded.
        """
        try:
            async with self._client.stream("POST", "/models/load", {"model_name": name}) as answer:
                async for line in answer.aiter_lines():
                    _follow_load(json.loads(line), on_progress)
        except httpx2.TransportError as error:
            raise lost(self._client.url, error) from error

    async def unload(self, name: str) -> bool:
        """Unload a model; False where it was not loaded."""
        loaded = {row.name for row in await self.models() if row.state not in {"unloaded", "failed"}}
        await self._client.call("POST", "/models/unload", {"model_name": name}, patient=True)
        return name in loaded

    async def tools(self) -> tuple[Sequence[ToolRow], Sequence[str]]:
        """All tools, and in sentences what keeps others from being there."""
        listed = await self._client.get("/tools")
        return [_tool(fields) for fields in listed["tools"]], listed["problems"]

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Call a tool without a model."""
        body = {"name": name, "arguments": arguments}
        answer = await self._client.call("POST", "/tools/execute", body, patient=True)
        return ToolAnswer(answer["result"], answer["is_error"])

    async def close(self) -> None:
        """Close the connections; the program goes on."""
        await self._client.close()


def question_body(session_id: str, question: Question) -> dict[str, Any]:
    """A question as ``POST /generations`` takes it."""
    what = {"regenerate": question.regenerate} if question.regenerate else {"prompt": question.text}
    body: dict[str, Any] = {"session_id": session_id, "stream": True, **_FROM_SETTINGS, **what}
    if question.model is not None:
        body["model_name"] = question.model
    if question.reply_format is not None:
        schema = {"schema": json.loads(question.reply_format.text)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body | _tool_fields(question.tool_use)


def _tool_fields(use: ToolUse) -> dict[str, Any]:
    fields: dict[str, Any] = {"attended": use.attended, "allowed_tools": sorted(use.allowed)}
    if use.only is not None:
        fields["tools"] = sorted(use.only)
    if use.choice is not None:
        fields["tool_choice"] = _choice(use.choice)
    return fields


def _choice(choice: ToolChoice) -> object:
    return {"name": choice.name} if choice.mode == "named" else choice.mode


def _follow_load(line: Mapping[str, Any], on_progress: OnProgress) -> None:
    if line["type"] == "error":
        raise error_of(dict(line))
    if line["type"] == "status":
        on_progress(line["progress"])


def _model(fields: Mapping[str, Any]) -> ModelRow:
    return ModelRow(
        fields["model_name"],
        fields["usable"],
        fields["reason"],
        fields["state"],
        fields["device"],
        fields["memory_bytes"],
        fields["context_window"],
    )


def _tool(fields: Mapping[str, Any]) -> ToolRow:
    names = ("name", "title", "origin", "enabled", "permission", "description", "parameters")
    return ToolRow(*(fields[name] for name in names))
