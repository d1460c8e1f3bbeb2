"""What a server lists, taken over in bounded amounts and hashed as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from mcp import Client, MCPError
from mcp_types import METHOD_NOT_FOUND, Prompt, Resource, ResourceTemplate, Tool

from tether_desktop.errors import showable
from tether_desktop.tools.mcp.states import McpListing, McpPrompt, McpPromptArgument, McpResource, McpToolState
from tether_desktop.tools.mcp.tool_names import declared_name

MOST_TOOLS = 200
MOST_RESOURCES = 500
MOST_PROMPTS = 200
LONGEST_DESCRIPTION = 4000
LARGEST_SCHEMA = 64 << 10

_MOST_PAGES = 50
_LONGEST_TITLE = 200
_LONGEST_NAME = 200
_LONGEST_URI = 2000


class _Page(Protocol):
    next_cursor: str | None


_P = TypeVar("_P", bound=_Page)
_T = TypeVar("_T")


async def list_all(client: Client, server: str) -> McpListing:
    """Ask for everything that the server says it has.

    Raises:
        MCPError, ValidationError: it does not answer, or not as the protocol wants it.
    """
    able = client.server_capabilities
    tools = (
        await _pages(lambda at: client.list_tools(cursor=at), lambda page: page.tools, MOST_TOOLS) if able.tools else []
    )
    prompts = (
        await _pages(lambda at: client.list_prompts(cursor=at), lambda page: page.prompts, MOST_PROMPTS)
        if able.prompts
        else []
    )
    return McpListing(
        _unlike(_tool(server, each) for each in tools),
        await _resources(client) if able.resources else (),
        tuple(_prompt(each) for each in prompts if len(each.name) <= _LONGEST_NAME),
        _version(client),
        (client.instructions or "")[:LONGEST_DESCRIPTION],
    )


def digest_of(tool: Tool) -> str:
    """SHA-256 over what the server says of a tool: name, title, description, schemas and annotations."""
    said = tool.model_dump(
        mode="json",
        by_alias=True,
        include={"name", "title", "description", "input_schema", "output_schema", "annotations"},
    )
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _tool(server: str, tool: Tool) -> McpToolState | None:
    if not tool.name or len(tool.name) > _LONGEST_NAME or len(json.dumps(tool.input_schema)) > LARGEST_SCHEMA:
        return None
    annotated = tool.annotations.title if tool.annotations else None
    return McpToolState(
        tool.name,
        declared_name(server, tool.name),
        showable((tool.title or annotated or tool.name)[:_LONGEST_TITLE]),
        (tool.description or "")[:LONGEST_DESCRIPTION],
        _parameters(tool.input_schema),
        digest_of(tool),
    )


def _parameters(schema: dict[str, Any]) -> dict[str, Any]:
    # Some servers leave the type out, which the models' templates and grammars need.
    return schema if schema.get("type") == "object" else {**schema, "type": "object"}


def _unlike(tools: Any) -> tuple[McpToolState, ...]:
    by_name: dict[str, McpToolState] = {}
    for tool in tools:
        if tool is not None:
            by_name.setdefault(tool.declared_name, tool)
    return tuple(by_name.values())


async def _resources(client: Client) -> tuple[McpResource, ...]:
    found = await _pages(lambda at: client.list_resources(cursor=at), lambda page: page.resources, MOST_RESOURCES)
    try:
        templates = await _pages(
            lambda at: client.list_resource_templates(cursor=at), lambda page: page.resource_templates, MOST_RESOURCES
        )
    except MCPError as error:
        # Many servers that have resources know no templates.
        if error.code != METHOD_NOT_FOUND:
            raise
        templates = []
    listed = [*map(_resource, found), *map(_template, templates)]
    return tuple(each for each in listed if len(each.uri) <= _LONGEST_URI)


def _resource(resource: Resource) -> McpResource:
    return _described(resource.uri, resource)


def _template(template: ResourceTemplate) -> McpResource:
    return _described(template.uri_template, template, is_template=True)


def _described(uri: str, item: Resource | ResourceTemplate, *, is_template: bool = False) -> McpResource:
    name = (item.title or item.name)[:_LONGEST_TITLE]
    description = (item.description or "")[:LONGEST_DESCRIPTION]
    return McpResource(str(uri), showable(name), description, (item.mime_type or "")[:100], is_template)


def _prompt(prompt: Prompt) -> McpPrompt:
    arguments = tuple(
        McpPromptArgument(
            each.name[:_LONGEST_NAME], (each.description or "")[:LONGEST_DESCRIPTION], bool(each.required)
        )
        for each in (prompt.arguments or [])[:50]
    )
    title = showable((prompt.title or prompt.name)[:_LONGEST_TITLE])
    return McpPrompt(prompt.name, title, (prompt.description or "")[:LONGEST_DESCRIPTION], arguments)


def _version(client: Client) -> str:
    info = client.server_info
    name = f"{info.title or info.name} {info.version}"[:_LONGEST_TITLE].strip() if info else ""
    return showable(", ".join(filter(None, (name, f"protocol {client.protocol_version}"))))


async def _pages(
    fetch: Callable[[str | None], Awaitable[_P]], items: Callable[[_P], Sequence[_T]], most: int
) -> list[_T]:
    found: list[_T] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await fetch(cursor)
        found += items(page)
        cursor = page.next_cursor
        if not cursor or len(found) >= most:
            break
    return found[:most]
