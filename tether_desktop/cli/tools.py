"""`tether tools`: what models may call, and calling it by hand."""

from __future__ import annotations

import asyncio
import json as json_text
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tether_desktop.cli import tool_sources
from tether_desktop.cli.backends.backend import ToolAnswer, ToolRow
from tether_desktop.cli.backends.open_backend import open_running
from tether_desktop.cli.complete import tool_names
from tether_desktop.cli.open_tools import open_tools
from tether_desktop.cli.output import note, print_json, print_table, safe, write
from tether_desktop.cli.tool_calls import call_by_hand, tool_row
from tether_desktop.errors import ToolError
from tether_desktop.settings import load_settings

if TYPE_CHECKING:
    from tether_desktop.settings import Settings

app = typer.Typer(help="List the tools that models may call, and call them.", no_args_is_help=True)

for name, command in tool_sources.COMMANDS.items():
    app.command(name)(command)


@app.command("list")
def list_tools(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the tools: those that come along, your own, and those of your MCP servers."""
    rows, problems = asyncio.run(_list(load_settings()))
    if json:
        print_json([asdict(row) for row in rows])
    else:
        print_table(("TOOL", "FROM", "CALLS", "WHAT IT DOES"), [_row(row) for row in rows])
    for problem in problems:
        note(safe(problem))


@app.command("call")
def call_tool(
    name: Annotated[str, typer.Argument(help="A tool, as `tether tools list` names it.", autocompletion=tool_names)],
    arguments: Annotated[str, typer.Argument(help="Its arguments as a JSON object; - reads them from stdin.")] = "{}",
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Call a tool yourself, and print what it answers."""
    settings = load_settings()
    output = asyncio.run(_call(settings, name, _parsed(sys.stdin.read() if arguments == "-" else arguments)))
    if json:
        print_json({"tool": name, "result": output.text, "is_error": output.is_error})
    elif not output.is_error:
        write(f"{safe(output.text)}\n")
    if output.is_error:
        if not json:
            note(safe(output.text))
        raise typer.Exit(1)


@app.command("key")
def set_key(
    service: Annotated[str, typer.Argument(help="Who searches the web: brave or tavily.")],
    *,
    forget: Annotated[bool, typer.Option("--forget", help="Forget the key instead.")] = False,
) -> None:
    """Put your key to a service that searches the web into the keyring; it is asked for without being shown."""
    from tether_desktop.stored_keys import check_key, forget_key, store_key
    from tether_desktop.tools.builtin.search_providers import KEYS

    place = KEYS.get(service)
    if place is None:
        message = f"{service!r} needs no key, or is not known."
        raise ToolError("There is no such service", message, f"Those with a key are {' and '.join(KEYS)}.")
    if forget:
        forget_key(place)
        note(f"The key to {place.name} is forgotten.")
        return
    is_terminal = sys.stdin.isatty()
    typed = typer.prompt(f"Key to {place.name}", hide_input=True, err=True) if is_terminal else sys.stdin.readline()
    store_key(place, check_key(typed))
    note(f"The key to {place.name} is in the keyring.")


async def _list(settings: Settings) -> tuple[Sequence[ToolRow], Sequence[str]]:
    running = await open_running()
    if running is not None:
        try:
            return await running.tools()
        finally:
            await running.close()
    async with open_tools(settings) as tools:
        servers = tuple(
            f"MCP server {state.name}: {state.problem} {state.hint}".strip()
            for state in tools.mcp.servers()
            if state.problem
        )
        return [tool_row(entry) for entry in tools.toolbox.entries()], tools.toolbox.problems() + servers


async def _call(settings: Settings, name: str, arguments: dict[str, Any]) -> ToolAnswer:
    running = await open_running()
    if running is not None:
        try:
            return await running.call_tool(name, arguments)
        finally:
            await running.close()
    async with open_tools(settings, settled=False) as tools:
        return await call_by_hand(tools, name, arguments, settings.tool_timeout)


def _parsed(text: str) -> dict[str, Any]:
    try:
        arguments = json_text.loads(text)
    except (ValueError, RecursionError) as error:
        raise ToolError("The arguments cannot be read", f"They are no JSON: {error}.", "Write an object: {}.") from None
    if not isinstance(arguments, dict):
        raise ToolError("The arguments cannot be read", "They are JSON, but no object.", 'Like: {"name": "value"}.')
    return arguments


def _row(row: ToolRow) -> tuple[str, str, str, str]:
    what = row.description.strip().partition("\n")[0]
    calls = {"ask": "ask", "always": "run", "never": "refused"}[row.permission] if row.enabled else "off"
    return row.name, row.origin, calls, what
