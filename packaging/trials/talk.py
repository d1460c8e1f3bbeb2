"""One conversation with a program that was installed, and what must be true of it afterwards."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from trials.desk import Window, find_window, wait_until
from trials.system import System

QUESTION = "Name three colours."
_ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    """A program inside a bare system.

    Attributes:
        system: where it is.
        command: what starts it.
        user: who does.
        data: its data folder, seen from outside.
    """

    system: System
    command: str
    user: str
    data: Path

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start it on the screen."""
        command = self.system.command(self.command, *arguments, user=self.user, **variables)
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ask(self, *arguments: str, check: bool = True, **variables: str) -> str:
        """What one of its commands prints."""
        return self.system.run(self.command, *arguments, user=self.user, check=check, **variables)


@contextmanager
def opened(program: Program) -> Iterator[Window]:
    """Its window; closed afterwards as by the desktop's end, which it must take in its stride."""
    trace = program.system.root / "tmp/trace"
    trace.unlink(missing_ok=True)
    process = program.start(TETHER_TRACE_STARTUP="/tmp/trace")  # noqa: S108
    try:
        window = find_window(process)
        wait_until(lambda: "usable" in _instants(program), "the window to be usable", 30)
        yield window
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, f"the window ended with {process.returncode}: {said}"


def converse(program: Program, window: Window, picture: Path) -> dict[str, float]:
    """Skip the tour, ask a question, wait for the end of the answer; the instants of it all, in seconds since 1970."""
    window.press("Escape")
    time.sleep(0.3)
    window.type(QUESTION)
    wait_until(lambda: answers(program), "the answer", _ANSWER_S)
    time.sleep(0.5)  # what is seen comes after what is stored
    window.picture(picture)
    return _instants(program)


def answers(program: Program) -> list[str]:
    """The replies in its database that have come to their end."""
    database = program.data / "tether.db"
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT parts FROM messages WHERE role = 'assistant' AND finish_reason IN ('stop', 'length')"
        )
        return [parts for (parts,) in rows]


def errors(program: Program) -> list[str]:
    """What replies that failed say in its database."""
    with closing(sqlite3.connect(f"file:{program.data / 'tether.db'}?mode=ro", uri=True)) as connection:
        return [error for (error,) in connection.execute("SELECT error FROM messages WHERE error != ''")]


def check_database(program: Program, failed: int = 0) -> None:
    """Make sure that one question was answered, that so many more were not, and that the database is whole."""
    with closing(sqlite3.connect(program.data / "tether.db")) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchall()
        asked = connection.execute("SELECT parts FROM messages WHERE role = 'user'").fetchall()
    assert whole == [("ok",)], whole
    assert [QUESTION in parts for (parts,) in asked] == [True] * (1 + failed), asked
    replies = answers(program)
    assert len(replies) == 1, replies
    assert all(len(json.loads(parts)) > 0 for parts in replies), replies
    assert len(errors(program)) == failed, errors(program)


def first_token_in_terminal(program: Program) -> float:
    """When the first token of an answer in the terminal comes, in seconds since 1970."""
    process = program.start("chat", "--once", QUESTION, "--json")
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if '"type": "token"' in line:
            moment = time.time()
            process.communicate()
            return moment
    raise AssertionError(f"there was no token: {''.join(said)}")


def _instants(program: Program) -> dict[str, float]:
    trace = program.system.root / "tmp/trace"
    if not trace.exists():
        return {}
    lines = (json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines())
    return {line["instant"]: line["time"] for line in lines}
