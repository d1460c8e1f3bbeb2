"""What the local port costs: beside the session API itself, with many readers, and under many requests."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks.http_client import HttpClient
from benchmarks.http_serve import MODELS, SCRIPT, SESSIONS, measured
from benchmarks.report import Report, Table, machine
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.settings import load_settings

TARGETS = (
    "Targets: under 5 ms more to the first token, under 2 % of decode speed lost; no line lost, lateness p95 under "
    "20 ms; 1,000 requests a second."
)
_STARTER = "SmolLM2-135M-Instruct-q4_1t16-MLC"
_QUESTION = "Tell me a long story about a fox and a crow."
_CONNECTIONS = 8


def run(*, quick: bool) -> Report:
    """Measure all of it; ``quick`` asks less often."""
    with served("real") as server:
        beside = asyncio.run(_beside(server, pairs=5 if quick else 25))
    with served("scripted") as server:
        readers = asyncio.run(_readers(server))
        requests = asyncio.run(_requests(server, seconds=2 if quick else 10))
    return Report("HTTP", (beside, readers, requests), machine(), (TARGETS,))


class Server:
    """A server process, and how to reach it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin: IO[str] = process.stdin
        self._stdout: IO[str] = process.stdout
        ready = self._heard()
        self.url, self.token = str(ready["url"]), str(ready["token"])

    def do(self, what: str, **with_: Any) -> dict[str, Any]:
        """Let it do something, and wait for what it says."""
        self._stdin.write(json.dumps({"do": what, "with": with_}) + "\n")
        self._stdin.flush()
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._stdout.readline())
        return said


@contextmanager
def served(kind: str) -> Iterator[Server]:
    """A server with a data folder of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | {"TETHER_DATA_DIR": str(Path(scratch) / "data")}
        if kind == "real":
            _trust_starter(environment)
        command = [sys.executable, "-m", "benchmarks.http_serve", kind, scratch]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            server = Server(process)
            try:
                yield server
            finally:
                process.communicate()


def _trust_starter(environment: dict[str, str]) -> None:
    entry = Catalog(load_settings().dist_roots).get(_STARTER)
    before = os.environ.get("TETHER_DATA_DIR")
    os.environ["TETHER_DATA_DIR"] = environment["TETHER_DATA_DIR"]
    try:
        if entry.library:
            trust.add(entry.library)
    finally:
        del os.environ["TETHER_DATA_DIR"]
        if before:
            os.environ["TETHER_DATA_DIR"] = before


async def _beside(server: Server, *, pairs: int) -> Table:
    """Turns of the starter model by the session API and by HTTP, in turns."""
    client = await HttpClient.open(server.url, server.token)
    asked = {"prompt": _QUESTION, "model": _STARTER, "most_tokens": 128}
    direct, over_http = [], []
    for number in range(-1, pairs):
        one, other = server.do("turn", **asked), await _turn(client)
        if number >= 0:  # the first pair loads the model
            direct.append(one)
            over_http.append(other)
    client.close()
    rows = tuple(_row(name, runs) for name, runs in (("SessionService", direct), ("HTTP", over_http)))
    first = _median(over_http, "first_ms") - _median(direct, "first_ms")
    speed = 100 * (statistics.median(b["rate"] / a["rate"] for a, b in zip(direct, over_http, strict=True)) - 1)
    difference = ("difference", f"{first:+.2f}", f"{speed:+.1f} %")
    title = f"One turn of {_STARTER}, medians of {pairs} pairs"
    return Table(title, ("by", "first token (ms)", "decode (tok/s)"), (*rows, difference))


async def _turn(client: HttpClient) -> dict[str, Any]:
    session = json.loads(await client.request("POST", "/sessions", {}))["session_id"]
    body = {"session_id": session, "prompt": _QUESTION, "model_name": _STARTER, "max_tokens": 128, "temperature": 0}
    started = time.perf_counter()
    stream = client.events("/generations", body | {"top_p": 0.95, "tools": [], "stream": True})
    return measured(started, [time.perf_counter() async for event in stream if event["type"] == "token"])


def _row(name: str, runs: list[dict[str, Any]]) -> tuple[str, float, float]:
    return name, round(_median(runs, "first_ms"), 2), round(_median(runs, "rate"), 1)


def _median(runs: list[dict[str, Any]], what: str) -> float:
    return float(statistics.median(run[what] for run in runs))


async def _readers(server: Server) -> Table:
    """Readers of as many scripted models at once."""
    server.do("lateness")
    started = time.perf_counter()
    texts = await asyncio.gather(*(_read(server, number) for number in range(MODELS)))
    seconds = time.perf_counter() - started
    lateness = server.do("lateness")
    lost = sum(text != SCRIPT for text in texts)
    rows = ((MODELS, lost, round(lateness["p95"], 1), round(lateness["max"], 1), round(seconds, 1)),)
    columns = ("readers", "incomplete replies", "loop lateness p95 (ms)", "max (ms)", "seconds")
    return Table("NDJSON readers of scripted models at 100 tokens a second each", columns, rows)


async def _read(server: Server, number: int) -> str:
    client = await HttpClient.open(server.url, server.token)
    body = {"prompt": "Go on", "model_name": f"Scripted-{number}", "max_tokens": 4096, "stream": True}
    session = json.loads(await client.request("POST", "/sessions", {}))["session_id"]
    stream = client.events("/generations", body | {"session_id": session})
    text = "".join([event["content"] async for event in stream if event["type"] == "token"])
    client.close()
    return text


async def _requests(server: Server, *, seconds: float) -> Table:
    """Lists of sessions, asked for by several connections at once."""
    deadline = time.perf_counter() + seconds
    asked = await asyncio.gather(*(_ask(server, deadline) for _ in range(_CONNECTIONS)))
    times = [each for connection in asked for each in connection]
    p95 = statistics.quantiles(times, n=20)[-1]
    rows = ((SESSIONS, _CONNECTIONS, round(len(times) / seconds), round(p95, 1)),)
    return Table("GET /sessions", ("sessions", "connections", "requests a second", "p95 (ms)"), rows)


async def _ask(server: Server, deadline: float) -> list[float]:
    client = await HttpClient.open(server.url, server.token)
    times = []
    while (started := time.perf_counter()) < deadline:
        await client.request("GET", "/sessions")
        times.append((time.perf_counter() - started) * 1000)
    client.close()
    return times
