"""An MCP server made with the SDK, as a program: tools, resources and prompts, over its pipes or over HTTP."""

from __future__ import annotations

import asyncio
import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ImageContent, ToolAnnotations

server = MCPServer("full", version="1.2", instructions="Use it gently.")


@server.tool(title="Add", annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
async def count(steps: int, ctx: Context) -> str:
    """Count, and say how far it is."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
    return f"counted to {steps}"


@server.tool()
async def wait_forever(ctx: Context) -> str:
    """Wait until it is cancelled, and tell the log."""
    await ctx.report_progress(0, 1, "waiting")
    try:
        await asyncio.Event().wait()
    finally:
        sys.stderr.write("the wait was cancelled\n")
    return "never"


@server.tool()
def picture() -> ImageContent:
    """Draw something."""
    return ImageContent(type="image", data="AAAA" * 4096, mime_type="image/png")


@server.tool()
async def grow(ctx: Context) -> str:
    """Bring one more tool."""
    server.add_tool(shrink)
    await ctx.notify_tools_changed()
    return "grown"


def shrink() -> str:
    """Do nothing."""
    return "shrunk"


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("this cannot be done")


@server.resource("note://today", mime_type="text/plain")
def today() -> str:
    """What is on today."""
    return "nothing"


@server.resource("note://{day}/plan")
def plan(day: str) -> str:
    """What is planned for a day."""
    return f"{day}: rest"


@server.prompt(title="Greeting")
def greet(name: str) -> str:
    """A greeting."""
    return f"Greet {name} warmly."


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run("stdio")
