"""Whether the calls of a small model always parse, and what the rounds of a turn cost beside model and tools."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from benchmarks.report import Report, Table, machine
from benchmarks.tool_prompts import PROMPTS
from benchmarks.tool_rounds import rounds_table
from tether_desktop.app import Tether
from tether_desktop.events import Event, Token, ToolEnd, ToolStart
from tether_desktop.messages import ToolChoice
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import SamplingParams
from tether_desktop.protocol.dialects import DIALECTS
from tether_desktop.protocol.stream_parser import BrokenCall, ParsedCall, StreamParser
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.settings import Settings, load_settings
from tether_desktop.tools.executor import argument_problem

TARGETS = "Targets: with required, all replies call and all calls are valid; nowhere raw call text; under 2 ms a round."
MODES: tuple[Literal["required", "auto"], ...] = ("required", "auto")
LONGEST = 512

_STARTER = "SmolLM2-135M-Instruct-q4_1t16-MLC"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reply did with tools.

    Attributes:
        calls: how many it made.
        valid: how many of them were of a known tool, with arguments that fit its schema.
        raw: whether its visible text has a call in it, in any dialect.
    """

    calls: int
    valid: int
    raw: bool


def run(*, quick: bool) -> Report:
    """Ask all questions with and without a demand to call, and time turns of several rounds."""
    prompts = PROMPTS[::5] if quick else PROMPTS
    tables = (asyncio.run(_calls(prompts)), asyncio.run(rounds_table(turns=10 if quick else 50)))
    return Report("Tools", tables, machine(), (TARGETS,))


async def outcome_of(
    tether: Tether, prompt: str, choice: ToolChoice, *, seed: int, longest: int, calls_only: bool = False
) -> Outcome:
    """Ask a question in a conversation of its own; the same seed gives the same reply.

    With ``calls_only`` the turn is stopped when a call has its answer.
    """
    session = await tether.sessions.create()
    params = SamplingParams(max_tokens=longest, seed=seed)
    turn = await tether.sessions.send(session.id, prompt, params=params, tool_use=ToolUse(choice))
    events = []
    async for event in turn.events():
        events.append(event)
        if calls_only and isinstance(event, ToolEnd):
            await turn.cancel()
    return await _outcome(tether, events)


async def _outcome(tether: Tether, events: Sequence[Event]) -> Outcome:
    starts = [event for event in events if isinstance(event, ToolStart)]
    valid = [await _is_valid(tether, start) for start in starts]
    parser = StreamParser(dialects=DIALECTS)
    text = "".join(event.content for event in events if isinstance(event, Token))
    said = [*parser.feed(text), *parser.finish()]
    return Outcome(len(starts), sum(valid), any(isinstance(each, ParsedCall | BrokenCall) for each in said))


async def _is_valid(tether: Tether, start: ToolStart) -> bool:
    tool = tether.toolbox.get(start.name)
    return not start.text and tool is not None and not await argument_problem(tool, start.arguments)


async def _calls(prompts: Sequence[str]) -> Table:
    rows = []
    async with _starter() as tether:
        for mode in MODES:
            found = [
                await outcome_of(tether, prompt, ToolChoice(mode), seed=seed, longest=LONGEST)
                for seed, prompt in enumerate(prompts)
            ]
            called = sum(each.calls > 0 for each in found)
            calls, valid = sum(each.calls for each in found), sum(each.valid for each in found)
            rows.append((mode, len(found), called, calls, valid, sum(each.raw for each in found)))
    columns = ("tool choice", "questions", "replies that call", "calls", "valid", "replies with raw call text")
    return Table(f"Calls of {_STARTER}, temperature 0.7, at most {LONGEST} tokens", columns, tuple(rows))


@asynccontextmanager
async def _starter() -> AsyncIterator[Tether]:
    settings = load_settings()
    library = Catalog(settings.dist_roots).get(_STARTER).library
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["TETHER_DATA_DIR"] = folder
        if library is not None:
            trust.add(library)
        async with Tether(Settings(dist_path=settings.dist_path, default_model=_STARTER)) as tether:
            yield tether
