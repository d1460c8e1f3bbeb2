"""The process of one call: runs a function that nobody can interrupt, and can be ended whatever that does.

One line of JSON comes down, ``{"function": {"module", "name"} | "file": {"name", "source", "folder"}, "tool",
"arguments"}``; without ``tool`` the tools of the file are asked for. Up come ``{"progress": [message, fraction]}``
as it is reported, then one of ``{"text", "is_error", "left_out"}``, ``{"tools": [...]}`` and ``{"broken": sentence}``.
"""

from __future__ import annotations

import asyncio
import faulthandler
import importlib
import inspect
import json
import os
import sys
import threading
import time
from base64 import b64decode
from operator import attrgetter
from typing import Any, BinaryIO

from tether_desktop.tools.answer import answer_of
from tether_desktop.tools.child_limits import end_group, limit_memory
from tether_desktop.tools.declaration import FunctionTool, function_tool
from tether_desktop.tools.executor import described
from tether_desktop.tools.own_file import BrokenFile, declared, load
from tether_desktop.tools.progress import INTERVAL_S
from tether_desktop.tools.tool import ToolOutput

_LONGEST_MESSAGE = 1000
_BEAT_S = 10.0
_STUCK_S = 120.0
"""Seconds in one call of native code that lets no thread run; then nobody could tell any more that we are alone."""


class Pipe:
    """The way to the program; what a tool prints goes to stderr, where it cannot be taken for an answer."""

    def __init__(self) -> None:
        self._output = os.dup(1)
        self.input: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._owner = os.getpid()
        self._last_progress = float("-inf")
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)

    def send(self, message: dict[str, Any]) -> None:
        """Write one line; a copy of the process that the tool made says nothing."""
        if os.getpid() != self._owner:
            os._exit(0)
        data = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        while data:
            data = data[os.write(self._output, data) :]

    def report(self, message: str, fraction: float | None = None) -> None:
        """Hand a report on, unless the last was just now."""
        now = time.monotonic()
        if now - self._last_progress >= INTERVAL_S:
            self._last_progress = now
            usable = fraction if isinstance(fraction, int | float) and 0 <= fraction <= 1 else None
            self.send({"progress": [str(message)[:_LONGEST_MESSAGE], usable]})


def main(_arguments: list[str]) -> int:
    """Answer the one request on stdin, then wait for leave to go; everything ends when the program does."""
    pipe = Pipe()
    for stream in (sys.stdout, sys.stderr):
        # What was printed is not lost when the process is killed; and any text can be printed.
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    request = json.loads(pipe.input.readline())
    may_go = threading.Event()
    answered = threading.Event()
    threading.Thread(target=_watch_parent, args=(pipe.input, answered, may_go), daemon=True).start()
    threading.Thread(target=_beat, daemon=True).start()
    limit_memory()
    answer = _answer(request, pipe)
    # Before it is sent: whoever has it lets us go at once, which must not look like a program that has died.
    answered.set()
    pipe.send(answer)
    may_go.wait()
    return 0


def _answer(request: dict[str, Any], pipe: Pipe) -> dict[str, Any]:
    try:
        tools = _tools(request)
    except BrokenFile as fault:
        return {"broken": str(fault)}
    if "tool" not in request:
        return {"tools": [declared(tool) for tool in tools]}
    tool = next((each for each in tools if each.declaration.name == request["tool"]), None)
    if tool is None:
        return {"broken": f"There is no tool {request['tool']} in it."}
    output = _called(tool, request["arguments"], pipe)
    return {"text": output.text, "is_error": output.is_error, "left_out": output.left_out}


def _tools(request: dict[str, Any]) -> list[FunctionTool]:
    if "file" in request:
        file = request["file"]
        os.chdir(file["folder"])
        return load(file["name"], b64decode(file["source"]))
    place = request["function"]
    found = attrgetter(place["name"])(importlib.import_module(place["module"]))
    tool = found if isinstance(found, FunctionTool) else function_tool(found, name=request["tool"])
    return [tool]


def _called(tool: FunctionTool, arguments: dict[str, Any], pipe: Pipe) -> ToolOutput:
    try:
        # In the main thread, as any program of one's own would run it.
        result = tool.function(**tool.given(arguments, pipe.report))
        return answer_of(asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result)
    # A tool is anybody's code: whatever it raises is for the model to know, SystemExit too.
    except BaseException as error:  # noqa: BLE001
        return ToolOutput(f"The tool failed: {described(error)}", is_error=True)


async def _awaited(result: Any) -> Any:
    return await result


def _watch_parent(stream: BinaryIO, answered: threading.Event, may_go: threading.Event) -> None:
    """Stdin ends when the program lets us go, or when it is no more, however it ended."""
    while stream.read(1):
        pass
    if not answered.is_set():
        end_group()
    may_go.set()


def _beat() -> None:
    """End even where native code lets no thread run, so that a process without a program does not stay for good."""
    while True:
        faulthandler.dump_traceback_later(_STUCK_S, exit=True)
        time.sleep(_BEAT_S)
