"""The real window in a process of its own, on an X server that nobody looks at, used by keyboard as a person does."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.starter import StarterModel
from tether_desktop import paths

NEEDED = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
PICTURES = paths.project_root() / "build" / "window"
LONGEST_S = 90.0
QUESTION = "What is the capital of France?"

pytestmark = pytest.mark.skipif(bool(NEEDED), reason=f"not installed: {', '.join(NEEDED)}")


class Person:
    """Sits before a display with one program on it."""

    def __init__(self, display: str, environment: dict[str, str]) -> None:
        self.environment = {**environment, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        self.program = subprocess.Popen(
            [sys.executable, "-m", "tether_desktop"], cwd=paths.project_root(), env=self.environment
        )
        self.window = ""

    def do(self, *arguments: str) -> str:
        command = ["xdotool", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self.environment).stdout.strip()

    def find_window(self) -> None:
        """Wait for the window, and turn to it: there is no window manager that would."""
        self.window = self.do("search", "--sync", "--onlyvisible", "--name", "^Tether$").split()[0]
        self.do("windowsize", "--sync", self.window, "1180", "820")
        self.do("windowfocus", "--sync", self.window)

    def press(self, *keys: str) -> None:
        self.do("key", "--window", self.window, *keys)

    def type(self, text: str) -> None:
        self.do("type", "--delay", "20", text)

    def picture(self, name: str) -> None:
        """Keep what is on the screen, for people to look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        if shutil.which("import"):
            command = ["import", "-window", "root", str(PICTURES / f"{name}.png")]
            subprocess.run(command, check=True, env=self.environment)


@pytest.fixture
def display() -> Iterator[str]:
    """An X server of its own, on a display that is free."""
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1180x820x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield f":{server.stdout.readline().strip()}"
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


@pytest.fixture
def person(
    display: str, starter_model: StarterModel, nothing_of_the_developers: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Person]:
    """The program with the starter model, its first tour seen."""
    monkeypatch.setenv("MLC_DIST_PATH", str(starter_model.root))
    (nothing_of_the_developers / "window.json").write_text(json.dumps({"toured": True}), encoding="utf-8")
    person = Person(display, dict(os.environ))
    yield person
    person.program.kill()
    person.program.wait()


def until(condition: Callable[[], object]) -> None:
    """Look again and again, as a person does, until something is so."""
    end = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def stored(database: Path, query: str, *values: object) -> list[tuple[object, ...]]:
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError:  # it is still being made
            return []


def test_a_question_is_typed_answered_stored_found_and_still_there_after_closing(
    person: Person, nothing_of_the_developers: Path
) -> None:
    database = nothing_of_the_developers / "tether.db"
    person.find_window()
    # It writes down how it looks once it is usable; what is typed before, nobody reads.
    until(lambda: "geometry" in (nothing_of_the_developers / "window.json").read_text(encoding="utf-8"))
    person.type(QUESTION)
    person.picture("1-typed")
    person.press("Return")
    answered = "SELECT parts FROM messages WHERE role = 'assistant' AND finish_reason = 'stop'"
    until(lambda: stored(database, answered))
    person.picture("2-answered")
    person.press("ctrl+k")
    person.type("capital")
    person.picture("3-found")
    person.press("ctrl+q")
    assert person.program.wait(LONGEST_S) == 0
    asked = stored(database, "SELECT parts FROM messages WHERE role = 'user'")
    assert QUESTION in str(asked)
