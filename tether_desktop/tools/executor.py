"""Runs one call of a tool to an answer, whatever the tool does."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from tether_desktop.errors import TetherError
from tether_desktop.tools.answer import answer_of, clean, shortened, with_note
from tether_desktop.tools.argument_check import BrokenSchema, misfit
from tether_desktop.tools.declaration import BUILT_IN
from tether_desktop.tools.ending import wait_out
from tether_desktop.tools.progress import ProgressLimit
from tether_desktop.tools.tool import OnToolProgress, Tool, ToolOutput

logger = logging.getLogger(__name__)

_GRACE_S = 5.0
"""Seconds that a cancelled tool gets to come to its end, before it is left to itself."""

_LONGEST_ERROR = 2000


async def run_call(
    tool: Tool,
    arguments: dict[str, Any],
    *,
    timeout_s: float,
    most_characters: int,
    on_progress: OnToolProgress,
) -> ToolOutput:
    """Call a tool; a failure of any kind is an answer too.

    Args:
        tool: which one.
        arguments: not checked yet.
        timeout_s: seconds after which the call is ended, where the tool says nothing else.
        most_characters: of the answer; a note says how much was left out.
        on_progress: gets what the tool reports, at a bearable rate.

    Raises:
        asyncio.CancelledError: the task was cancelled; the tool has ended.
    """
    if problem := await argument_problem(tool, arguments):
        return with_note(shortened(ToolOutput(problem, is_error=True), most_characters))
    limit_s = timeout_s if tool.timeout_s is None else tool.timeout_s
    reports = ProgressLimit(on_progress)
    try:
        output = await _answer(tool, arguments, limit_s, reports)
    finally:
        reports.close()
    return with_note(shortened(output, most_characters))


async def argument_problem(tool: Tool, arguments: dict[str, Any]) -> str:
    """Why a tool cannot be called with these arguments, in a sentence for the model; empty when it can."""
    name = tool.declaration.name
    try:
        problem = await asyncio.to_thread(misfit, arguments, tool.declaration.parameters)
    except BrokenSchema as fault:
        return f"The tool {name} cannot be called: of its schema, {fault}."
    return f"The arguments do not fit the tool {name}: {problem}." if problem else ""


async def _answer(tool: Tool, arguments: dict[str, Any], limit_s: float, reports: ProgressLimit) -> ToolOutput:
    # A task of its own: a tool that cancels its task does not cancel ours.
    task = asyncio.create_task(_guarded(tool, arguments, reports), name=f"tool {tool.declaration.name}")
    try:
        await asyncio.wait([task], timeout=limit_s)
    finally:
        in_time = task.done()
        await _ended(task, tool)
    if not in_time:
        logger.info("Tool %s was ended after %g s", tool.declaration.name, limit_s)
        return ToolOutput(f"The tool did not answer within {limit_s:g} seconds and was ended.", is_error=True)
    if task.cancelled():
        return ToolOutput("The tool cancelled itself and gave no answer.", is_error=True)
    return task.result()


async def _guarded(tool: Tool, arguments: dict[str, Any], reports: ProgressLimit) -> ToolOutput:
    try:
        return answer_of(await tool.run(arguments, reports.report))
    except asyncio.CancelledError:
        raise
    except TetherError as error:
        return ToolOutput(f"{error.message} {error.hint}".strip(), is_error=True)
    # A tool is anybody's code, and whatever it raises is for the model to know. SystemExit would end our loop.
    except BaseException as error:  # noqa: BLE001
        _log(tool, error)
        return ToolOutput(f"The tool failed: {described(error)}", is_error=True)


def described(error: BaseException) -> str:
    """The class and the message of an exception, whatever they are."""
    try:
        message = str(error)
    # An exception of a tool is a tool's code as well.
    except Exception:  # noqa: BLE001
        message = "(its message cannot be read)"
    text = f"{type(error).__name__}: {message}" if message.strip() else type(error).__name__
    return clean(text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}…")


def _log(tool: Tool, error: BaseException) -> None:
    """Without the message, which may quote what was private; our own faults with all there is."""
    name = tool.declaration.name
    if tool.origin == BUILT_IN and not isinstance(error, OSError):
        logger.error("The built-in tool %s failed", name, exc_info=error)
    else:
        logger.info("Tool %s failed with %s", name, type(error).__name__)


async def _ended(task: asyncio.Task[ToolOutput], tool: Tool) -> None:
    """Cancel a task that still runs, and wait for its end."""
    if task.done():
        return
    task.cancel()
    try:
        await wait_out(task, _GRACE_S)
    finally:
        if not task.done():
            logger.warning("Tool %s does not let itself be cancelled and was left to itself", tool.declaration.name)
