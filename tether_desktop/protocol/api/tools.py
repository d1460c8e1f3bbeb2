"""Tools: listed and called."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from tether_desktop.errors import ToolError, ToolNotFound
from tether_desktop.protocol.api.core import Core, TheCore
from tether_desktop.protocol.api.disconnects import unless_gone
from tether_desktop.protocol.api.gates.security import ChatScope, ManageScope
from tether_desktop.protocol.api.ndjson import JsonResponse
from tether_desktop.protocol.api.refusals import answer, refusals
from tether_desktop.protocol.api.schemas import examples
from tether_desktop.protocol.api.tool_schemas import TOOL, CallResult, Execution, Tools
from tether_desktop.tools.conversation import ConversationContext, in_conversation
from tether_desktop.tools.executor import argument_problem, run_call
from tether_desktop.tools.tool import Tool, ToolOutput
from tether_desktop.tools.toolbox import ToolEntry

router = APIRouter(tags=["Tools"])

_MOST_CHARACTERS = 1_000_000
_CALL = {"name": "calculate", "arguments": {"expression": "6 * 7"}}


@router.get(
    "/tools",
    operation_id="list_tools",
    summary="List tools",
    description="The tools that come along, those that the person wrote, and those of MCP servers that run.",
    response_class=JsonResponse,
    responses={200: answer("The tools.", Tools, {"tools": [TOOL], "problems": []}), **refusals()},
    dependencies=[ChatScope],
)
async def list_tools(core: TheCore) -> Response:
    """List tools."""
    tools = [_entry_json(entry) for entry in core.toolbox.entries()]
    return JsonResponse({"tools": tools, "problems": [*core.toolbox.problems()]})


@router.post(
    "/tools/execute",
    operation_id="execute_tool",
    summary="Call a tool",
    description="""\
Calls a tool without a model, within the time and the limits that hold for models' calls too. A tool that fails answers
with `is_error`; arguments that do not fit its schema get 400. Hanging up ends the call.""",
    response_class=JsonResponse,
    responses={
        200: answer("What it answered.", CallResult, {"tool": "calculate", "result": "42", "is_error": False}),
        **refusals(400, 404, 422),
    },
    dependencies=[ManageScope],
)
async def execute_tool(
    request: Request, asked: Annotated[Execution, Body(openapi_examples=examples(calculate=_CALL))], core: TheCore
) -> Response:
    """Call a tool."""
    tool = _callable(core, asked.name)
    if problem := await argument_problem(tool, asked.arguments):
        raise ToolError("The tool cannot be called so", problem, "`GET /tools` shows what its arguments are.")
    outputs: list[ToolOutput] = []
    if not await unless_gone(request, _run(core, tool, asked.arguments, outputs)):
        return Response(status_code=499)
    return JsonResponse({"tool": asked.name, "result": outputs[0].text, "is_error": outputs[0].is_error})


def _callable(core: Core, name: str) -> Tool:
    """A tool that is switched on.

    Raises:
        ToolNotFound: there is none.
    """
    tool = core.toolbox.get(name)
    if tool is None or core.toolbox.permission(name) == "never":
        message = f"{name} is not there." if tool is None else f"{name} is switched off, or may not be called."
        raise ToolNotFound("There is no such tool", message, "`GET /tools` shows what there is.")
    return tool


async def _run(core: Core, tool: Tool, arguments: dict[str, Any], outputs: list[ToolOutput]) -> None:
    # What somebody sends as arguments counts as typed: tools may fetch the addresses in it.
    typed = ConversationContext(texts_by_user="\n".join(str(value) for value in arguments.values()))
    with in_conversation(typed):
        output = await run_call(
            tool,
            arguments,
            timeout_s=core.settings.tool_timeout,
            most_characters=_MOST_CHARACTERS,
            on_progress=lambda _message, _progress: None,
        )
    outputs.append(output)


def _entry_json(entry: ToolEntry) -> dict[str, Any]:
    declaration = entry.tool.declaration
    return {
        "name": declaration.name,
        "title": entry.tool.title,
        "description": declaration.description,
        "parameters": declaration.parameters,
        "origin": entry.tool.origin,
        "enabled": entry.enabled,
        "permission": entry.permission,
    }
