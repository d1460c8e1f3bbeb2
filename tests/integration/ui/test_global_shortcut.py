"""The shortcut of the quick window, on a real X server that nobody looks at."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.helpers.gui import environment
from tether_desktop.ui.system.global_shortcut import GlobalShortcut

NEEDED = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]

HOLDER = """
import sys
from PySide6.QtWidgets import QApplication
from tether_desktop.ui.system.global_shortcut import GlobalShortcut

app = QApplication([])
shortcut = GlobalShortcut()
shortcut.pressed.connect(lambda: print("pressed", flush=True))
shortcut.want(sys.argv[1])
print(shortcut.problem or "held", flush=True)
app.exec()
"""


@pytest.fixture
def display() -> Iterator[str]:
    """An X server of its own, on a display that is free."""
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"],
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


class Holder:
    """A program of its own that wants a shortcut."""

    def __init__(self, display: str, keys: str) -> None:
        self._running = subprocess.Popen(
            [sys.executable, "-c", HOLDER, keys],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(DISPLAY=display, QT_QPA_PLATFORM="xcb"),
        )
        self.said = self.line()

    def line(self) -> str:
        assert self._running.stdout is not None
        return self._running.stdout.readline().strip()

    def end(self) -> None:
        self._running.kill()
        self._running.communicate()


def press(display: str, keys: str) -> None:
    subprocess.run(["xdotool", "key", keys], check=True, env=environment(DISPLAY=display))


@pytest.mark.skipif(bool(NEEDED), reason=f"not installed: {', '.join(NEEDED)}")
def test_the_keys_come_whatever_program_has_the_keyboard_and_locks_do_not_matter(display: str) -> None:
    holder = Holder(display, "Ctrl+Alt+Space")
    try:
        assert holder.said == "held"
        press(display, "ctrl+alt+space")
        assert holder.line() == "pressed"
        press(display, "Caps_Lock")
        press(display, "ctrl+alt+a")
        press(display, "ctrl+alt+space")
        assert holder.line() == "pressed"
    finally:
        holder.end()


@pytest.mark.skipif(bool(NEEDED), reason=f"not installed: {', '.join(NEEDED)}")
def test_keys_that_another_program_has_are_told_of_and_are_free_once_it_ends(display: str) -> None:
    first = Holder(display, "Ctrl+Alt+Space")
    second = Holder(display, "Ctrl+Alt+Space")
    second.end()
    assert second.said == "Ctrl+Alt+Space is taken by another program. Choose other keys."
    first.end()
    third = Holder(display, "Ctrl+Alt+Space")
    third.end()
    assert third.said == "held"


def test_where_programs_get_no_keys_it_is_said_how_to_have_them_all_the_same(qapp: object) -> None:
    shortcut = GlobalShortcut()
    told: list[str] = []
    shortcut.told.connect(told.append)
    shortcut.want("Ctrl+Alt+Space")
    assert "tether --quick" in shortcut.problem
    shortcut.want("")
    assert told == [told[0], ""]


def test_keys_that_would_be_missed_in_typing_are_not_taken(qapp: object) -> None:
    shortcut = GlobalShortcut()
    shortcut.want("A")
    assert shortcut.problem.startswith("A is no shortcut")
