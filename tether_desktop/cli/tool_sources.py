"""`tether tools sources|allow|forbid|test`: your own tool files and MCP servers, and what may run of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tether_desktop.cli.open_tools import open_tools
from tether_desktop.cli.output import note, print_json, print_table, safe, write
from tether_desktop.errors import ToolNotFound
from tether_desktop.settings import load_settings

if TYPE_CHECKING:
    from tether_desktop.tools.mcp.states import McpServerState
    from tether_desktop.tools.own_tools import OwnFile
    from tether_desktop.tools.toolkit import Toolkit

Name = Annotated[str, typer.Argument(help="A file or a server, as `tether tools sources` names it.")]

_FILE_WARNING = "It is a program, and can do whatever you can do on this computer."
_SERVER_WARNING = "It is a program that then runs on this computer, or an address that is sent what the model asks."


def list_sources(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List your own tool files and your MCP servers, and what keeps them from being used."""
    asyncio.run(_list(as_json=json))


def allow_source(
    name: Name, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask; what is allowed is printed.")] = False
) -> None:
    """Allow a file or a server to run as it is now; what it is is shown first. A change asks again."""
    asyncio.run(_allow(name, ask=not yes))


def forbid_source(name: Name) -> None:
    """Let a file run no more, or switch a server off."""
    asyncio.run(_forbid(name))


def test_server(name: Name) -> None:
    """Start an MCP server once, list what it has, and stop it."""
    if not asyncio.run(_test(name)):
        raise typer.Exit(1)


COMMANDS: dict[str, Callable[..., None]] = {
    "sources": list_sources,
    "allow": allow_source,
    "forbid": forbid_source,
    "test": test_server,
}


async def _list(*, as_json: bool) -> None:
    async with open_tools(load_settings()) as tools:
        files, servers = tools.own_tools.files(), tools.mcp.servers()
        damaged = tools.mcp.problem
        folder = tools.own_tools.folder
    if as_json:
        print_json({"files": [asdict(file) for file in files], "servers": [asdict(server) for server in servers]})
    elif files or servers:
        rows = [*(_file_row(file) for file in files), *(_server_row(server) for server in servers)]
        print_table(("SOURCE", "STATE", "TOOLS", "WHAT RUNS"), rows)
    else:
        note(safe(f"There are none. Put Python files with tools into {folder}; the guide tells about MCP servers."))
    for server in servers:
        if server.problem:
            note(safe(f"{server.name}: {server.problem} {server.hint}".strip()))
    for file in files:
        if file.problem:
            note(safe(f"{file.name}: {file.problem}"))
    if damaged:
        note(safe(f"{damaged.message} {damaged.hint}".strip()))


async def _allow(name: str, *, ask: bool) -> None:
    async with open_tools(load_settings()) as tools:
        found = _find(tools, name)
        for line in _shown(found):
            note(safe(line))
        if ask:
            await asyncio.to_thread(typer.confirm, "Allow it?", abort=True, err=True)
        if _is_file(found):
            await tools.own_tools.allow(name, found.sha256)
        else:
            await tools.mcp.allow(name, found)
            if any(tool.change for tool in found.tools):
                await tools.mcp.accept_changes(name, found)
            await tools.settled()
        now = _find(tools, name)
    note(safe(f"{name} is allowed." if not now.problem else f"{name} is allowed, but: {now.problem}"))


async def _forbid(name: str) -> None:
    async with open_tools(load_settings()) as tools:
        if _is_file(_find(tools, name)):
            await tools.own_tools.forbid(name)
        else:
            await tools.mcp.set_enabled(name, on=False)
    note(safe(f"{name} runs no more."))


async def _test(name: str) -> bool:
    async with open_tools(load_settings()) as tools:
        report = await tools.mcp.test(name)
    write(f"{safe(report.text)}\n")
    return report.passed


def _find(tools: Toolkit, name: str) -> Any:
    """The own file or the server of that name."""
    sources: tuple[Any, ...] = (*tools.own_tools.files(), *tools.mcp.servers())
    for found in sources:
        if found.name == name:
            return found
    raise ToolNotFound(
        "There is no such source", f"{name} is not there.", "`tether tools sources` shows what there is."
    )


def _is_file(found: OwnFile | McpServerState) -> bool:
    return hasattr(found, "sha256")


def _shown(found: Any) -> list[str]:
    """What is allowed, exactly."""
    if _is_file(found):
        return [str(found.path), f"SHA-256 {found.sha256}", _FILE_WARNING]
    lines = [found.command_line]
    if found.folder:
        lines.append(f"in the folder {found.folder}")
    if found.variables:
        lines.append(f"with values of the file for {', '.join(found.variables)}")
    return [
        *lines,
        *(f"{tool.change} tool: {tool.name}: {tool.description}" for tool in found.tools if tool.change),
        _SERVER_WARNING,
    ]


def _file_row(file: OwnFile) -> tuple[str, str, str, str]:
    return file.name, file.status.replace("_", " "), str(len(file.tools)), str(file.path)


def _server_row(server: McpServerState) -> tuple[str, str, str, str]:
    return server.name, server.status.replace("_", " "), str(len(server.tools)), server.command_line
