"""The server of the HTTP benchmark, in a process of its own: ``python -m benchmarks.http_serve scripted|real FOLDER``.

Says in one line of JSON where it listens, then answers commands, a line of JSON each, until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from tether_desktop import paths
from tether_desktop.app import Tether
from tether_desktop.events import TERMINAL_EVENTS, Token
from tether_desktop.messages import ToolChoice
from tether_desktop.model.engine import SamplingParams
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.protocol.api.gates.tokens import Tokens
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.settings import Settings

MODELS, SESSIONS, WORDS = 50, 10_000, 500
SCRIPT = " ".join(f"word{number}" for number in range(WORDS))
NO_TOOLS = ToolUse(ToolChoice("none"))


async def main(kind: str, folder: Path) -> None:
    """Serve until stdin ends."""
    tether = Tether(_scripted_settings(folder) if kind == "scripted" else Settings(serve="on"))
    if kind == "scripted":
        tether.pool = EnginePool(tether.catalog, capacity=MODELS, make_engine=ScriptedEngine)
    async with tether:
        if kind == "scripted":
            await asyncio.to_thread(_fill, tether)
        url = await tether.port.open("127.0.0.1", 0)
        _say({"url": url, "token": Tokens(paths.tokens_path()).own()})
        lateness = Lateness()
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = json.loads(line)
            if command["do"] == "turn":
                _say(await turn(tether, **command["with"]))
            else:
                _say(lateness.taken())
        lateness.stop()


class Lateness:
    """How late the loop comes to what is due every 10 ms."""

    def __init__(self) -> None:
        self._late_ms: list[float] = []
        self._task = asyncio.create_task(self._watch())

    def taken(self) -> dict[str, float]:
        """The 95th percentile and the worst since the last time, in milliseconds."""
        late, self._late_ms = self._late_ms, []
        return {"p95": statistics.quantiles(late, n=20)[-1], "max": max(late)} if len(late) > 1 else {}

    def stop(self) -> None:
        """End the watch."""
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            due = time.perf_counter() + 0.01
            await asyncio.sleep(0.01)
            self._late_ms.append(max(0.0, time.perf_counter() - due) * 1000)


async def turn(tether: Tether, prompt: str, model: str, most_tokens: int) -> dict[str, Any]:
    """Ask through the session API itself, as the window does; seconds to the first token, and tokens a second."""
    session = await tether.sessions.create()
    params = SamplingParams(temperature=0.0, max_tokens=most_tokens)
    started = time.perf_counter()
    asked = await tether.sessions.send(session.id, prompt, model=model, params=params, tool_use=NO_TOOLS)
    times = [time.perf_counter() async for event in asked.events() if isinstance(event, (Token, *TERMINAL_EVENTS))]
    return measured(started, times[:-1])


def measured(started: float, tokens: list[float]) -> dict[str, Any]:
    """What the times of the tokens come to."""
    return {"first_ms": (tokens[0] - started) * 1000, "rate": (len(tokens) - 1) / (tokens[-1] - tokens[0])}


def _scripted_settings(folder: Path) -> Settings:
    config = {"model_type": "scripted", "quantization": "", "context_window_size": 4096}
    for number in range(MODELS):
        model = folder / "models" / f"Scripted-{number}"
        model.mkdir(parents=True)
        script = {"tokens_per_second": 100, "replies": [SCRIPT]}
        (model / "script.json").write_text(json.dumps(script), encoding="utf-8")
        (model / "mlc-chat-config.json").write_text(json.dumps(config), encoding="utf-8")
        (model / "tokenizer_config.json").write_text(json.dumps({"chat_template": _TEMPLATE}), encoding="utf-8")
    return Settings(dist_path=str(folder / "models"), max_tokens=4 * WORDS)


_TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"


def _fill(tether: Tether) -> None:
    with tether.store.together():
        for number in range(SESSIONS):
            tether.store.create_session(f"Conversation {number} about this and that", "Scripted-0")


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
