"""`tether chat` on a terminal: a real process on a pseudo-terminal, with keys pressed and a screen read."""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.helpers.scripted_models import write_scripted_model
from tests.integration.cli.conftest import Command
from tether_desktop.context.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")

READY = "\x1b[?2004h"
"""What the prompt writes once keys are its own: from here on nothing that is typed is lost."""
WHERE, TOP_LEFT = "\x1b[6n", "\x1b[1;1R"


class Keyboard:
    """A person at the terminal of a process."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._seen = ""

    def press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def until(self, mark: str) -> str:
        """All that is written up to a text, that included; the rest is kept for the next time."""
        while mark not in self._seen:
            self._read(mark)
        before, found, self._seen = self._seen.partition(mark)
        return before + found

    def say(self, text: str) -> None:
        """Type a line when the prompt is ready."""
        self.until(READY)
        self.press(f"{text}\r")

    def _read(self, mark: str) -> None:
        ready, _, _ = select.select([self._terminal], [], [], 60)
        piece = ""
        with suppress(OSError):
            piece = os.read(self._terminal, 1 << 16).decode(errors="replace") if ready else ""
        assert piece, f"{mark!r} never came after {self._seen!r}"
        if WHERE in piece:
            self.press(TOP_LEFT)
        self._seen += piece


@contextmanager
def chatting(tether: Command, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Keyboard]]:
    try:
        here, there = os.openpty()
    except OSError as error:
        pytest.skip(f"there are no terminals here: {error}")
    environment = {**tether.environment, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(
        tether.line("chat", *arguments),
        env=environment,
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
    ) as process:
        os.close(there)
        try:
            yield process, Keyboard(here)
        finally:
            process.kill()
            os.close(here)


def test_a_conversation_on_a_terminal(tether: Command) -> None:
    wait = {"match": "wait", "steps": ["So far. ", {"wait": True}]}
    both = {"match": "^first\nsecond\nthird$", "steps": ["# All\n\n**three** lines."]}
    write_scripted_model(tether.dist, "First", replies=[wait, both, "One."])
    write_scripted_model(tether.dist, "Second", replies=["Two."])
    notes = tether.data.parent / "notes.md"
    with chatting(tether) as (process, person):
        person.say("first\\\rsecond\x1b\rthird")
        assert "**" not in person.until("lines.")
        person.say("please wait")
        person.until("So far.")
        os.killpg(process.pid, signal.SIGINT)
        person.until("(stopped)")
        person.say("\\model Second")
        person.until("Second answers from now on.")
        person.until(READY)
        person.press("not this\x03")
        person.say("\x1b[200~pasted\rlines\x1b[201~")
        person.until("Two.")
        person.say(f"\\save {notes}")
        person.until("Saved as")
        person.until(READY)
        person.press("\x1b[A\x1b[A\x1b[A\x1b[A")
        person.press("\x03")
        person.until(READY)
        person.press("\x04")
        assert process.wait(timeout=60) == 0
    store = Store(f"sqlite:///{tether.data / 'tether.db'}")
    (session,) = store.list_sessions()
    asked = [record for record in store.history(session.id) if record.message.role == "user"]
    replies = [record for record in store.history(session.id) if record.message.role == "assistant"]
    store.close()
    assert [record.message.text for record in asked] == ["first\nsecond\nthird", "please wait", "pasted\nlines"]
    assert [record.message.text for record in replies] == ["# All\n\n**three** lines.", "So far. ", "Two."]
    assert [record.finish_reason for record in replies] == ["stop", "cancelled", "stop"]
    assert [record.model for record in replies] == ["First", "First", "Second"]
    assert "**three** lines." in notes.read_text("utf-8")
    typed = tether.data / "chat-history"
    assert stat.S_IMODE(typed.stat().st_mode) == 0o600
    assert "+pasted" in typed.read_text("utf-8")


def test_a_dumb_terminal_gets_lines_without_any_control(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=["**Red**"])
    tether.environment |= {"TERM": "dumb"}
    done = tether("chat", stdin="Hi\n")
    assert (done.returncode, done.stdout) == (0, "**Red**\n")
