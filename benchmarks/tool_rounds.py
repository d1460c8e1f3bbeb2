"""What a round of calls costs beside the model and the tool."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.report import Table
from tether_desktop.context.store import Store
from tether_desktop.events import ToolEnd
from tether_desktop.messages import ToolChoice
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import EngineInfo, EngineSpec, GenerationChunk, GenerationRequest, OnProgress, Prompt
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.protocol.service import SessionService
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.settings import Settings
from tether_desktop.tools.builtin.source import BuiltinTools
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.tool import OnToolProgress, Tool, ToolOutput
from tether_desktop.tools.toolbox import Toolbox

_ROUNDS = 5
_CALL = '<<function_call>> {"name": "calculate", "arguments": {"expression": "1 + %d"}}'
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class Stopwatch:
    """Adds up seconds.

    Attributes:
        seconds: so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    async def around(self, awaitable: Any) -> Any:
        """Await something, and count how long that took."""
        started = time.perf_counter()
        try:
            return await awaitable
        finally:
            self.seconds += time.perf_counter() - started


class TimedEngine:
    """A scripted engine whose time is counted apart."""

    def __init__(self, spec: EngineSpec, watch: Stopwatch) -> None:
        self._engine = ScriptedEngine(spec)
        self._watch = watch

    async def load(self, on_progress: OnProgress) -> EngineInfo:
        """Load the script."""
        return await self._engine.load(on_progress)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        """Play the script."""
        async with aclosing(self._engine.generate(request)) as chunks:
            while (chunk := await self._watch.around(anext(chunks, None))) is not None:
                yield chunk

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """Words and marks."""
        counts: list[int] = await self._watch.around(self._engine.count_tokens(prompts))
        return counts

    async def close(self) -> None:
        """Forget all."""
        await self._engine.close()


class TimedTools:
    """The tools that come along, whose time is counted apart."""

    def __init__(self, tools: BuiltinTools, watch: Stopwatch) -> None:
        self._tools = [TimedTool(tool, watch) for tool in tools.tools()]

    def tools(self) -> Sequence[Tool]:
        """All of them."""
        return self._tools

    async def close(self) -> None:
        """Nothing runs."""


class TimedTool:
    """A tool whose time is counted apart."""

    def __init__(self, tool: Tool, watch: Stopwatch) -> None:
        self.declaration, self.title, self.origin = tool.declaration, tool.title, tool.origin
        self.permission, self.timeout_s = tool.permission, tool.timeout_s
        self._tool = tool
        self._watch = watch

    async def run(self, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
        """Call it."""
        output: ToolOutput = await self._watch.around(self._tool.run(arguments, on_progress))
        return output


async def rounds_table(turns: int) -> Table:
    """Turns with five rounds of a call of the calculator, with the real rooms around a model that is a script."""
    watch = Stopwatch()
    plain, called = [], []
    async with _rooms(watch) as sessions:
        await _own_ms(sessions, watch, "count")
        for _ in range(turns):
            plain.append(await _own_ms(sessions, watch, "plain"))
            called.append(await _own_ms(sessions, watch, "count"))
    round_ms = (statistics.median(called) - statistics.median(plain)) / _ROUNDS
    row = (turns, statistics.median(plain), statistics.median(called), round_ms)
    columns = ("turns", "turn without calls, ms", f"turn with {_ROUNDS} rounds, ms", "each round, ms")
    return Table("Time of a turn beside model and tool", columns, (row,))


async def _own_ms(sessions: SessionService, watch: Stopwatch, question: str) -> float:
    """Milliseconds of a turn that neither model nor tool took."""
    session = await sessions.create()
    watch.seconds = 0.0
    started = time.perf_counter()
    turn = await sessions.send(session.id, question, tool_use=ToolUse(ToolChoice("auto")))
    events = [event async for event in turn.events()]
    seconds = time.perf_counter() - started
    answered = [event for event in events if isinstance(event, ToolEnd)]
    assert len(answered) == (_ROUNDS if question == "count" else 0), events
    return 1000 * (seconds - watch.seconds)


@asynccontextmanager
async def _rooms(watch: Stopwatch) -> AsyncIterator[SessionService]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _write_model(folder / "models" / "Script")
        settings = Settings(tool_rounds=_ROUNDS)
        store = Store(f"sqlite:///{folder / 'tether.db'}")
        catalog = Catalog([folder / "models"])
        pool = EnginePool(catalog, make_engine=lambda spec: TimedEngine(spec, watch))
        tools = TimedTools(BuiltinTools(lambda: settings, store.search_messages), watch)
        toolbox = Toolbox([tools], ToolPreferences(folder / "tools.json"))
        sessions = SessionService(store, pool, catalog, toolbox, settings)
        try:
            yield sessions
        finally:
            await sessions.close()
            await pool.close()
            store.close()


def _write_model(folder: Path) -> None:
    """A script that asks for one sum after the other when it is told to count."""
    folder.mkdir(parents=True)
    first, *others = [{"text": _CALL % number} for number in range(_ROUNDS)]
    replies = [
        {"match": "count\\Z", "steps": [first]},
        *(
            {"after_tool": True, "match": rf"= {number}\b", "steps": [call]}
            for number, call in enumerate(others, start=1)
        ),
        {"after_tool": True, "steps": ["Done."]},
        {"match": ".", "steps": ["Hello."]},
    ]
    config = {"model_type": "scripted", "quantization": "", "context_window_size": 8192}
    documents = {
        "script.json": {"replies": replies},
        "mlc-chat-config.json": config,
        "tokenizer_config.json": {"chat_template": _TEMPLATE},
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document), "utf-8")
