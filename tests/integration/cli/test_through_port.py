"""Commands beside a `tether serve` that runs: through its port where it is open, and what is said where none is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.helpers.scripted_models import write_scripted_model
from tests.integration.cli.conftest import Command


@contextmanager
def serving(tether: Command) -> Iterator[int]:
    """A `tether serve` at any free port; its process id."""
    with tether.start("serve", "--port", "0", "--json") as server:
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())["pid"]
        finally:
            server.terminate()


def test_commands_work_through_the_tether_that_runs(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=["one", "two"])
    assert tether("models", "status").returncode == 1
    with serving(tether) as pid:
        done = tether("chat", "--once", "First?")
        assert (done.returncode, done.stdout, done.stderr) == (0, "one\n", "")
        (loaded,) = tether.json("models", "status")
        assert (loaded["name"], loaded["state"]) == ("Scripted", "ready")
        (engine,) = psutil.Process(pid).children()
        again = tether("chat", "--continue", "--once", "Second?", "--json")
        assert json.loads(again.stdout.splitlines()[-1])["type"] == "done"
        assert psutil.Process(pid).children() == [engine]
        (session,) = tether.json("sessions", "list")
        shown = tether.json("sessions", "show", session["session_id"][:8])["messages"]
        assert [message["content"] for message in shown][::2] == ["First?", "Second?"]
        refused = tether("chat", "--model", "Nobody", "--once", "Hi")
        assert refused.returncode == 1
        assert "There is no such model." in refused.stderr
        assert tether.json("tools", "call", "calculate", '{"expression": "6 * 7"}')["result"].endswith("42")
        assert "is unloaded" in tether("models", "unload", "Scripted").stderr
