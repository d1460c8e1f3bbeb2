"""A screen without anybody before it, and hands for it: Xvfb, xdotool and ImageMagick."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_SIZE = "1280x860x24"
_POLL_S = 0.05
_TITLE = "^Tether"


@contextmanager
def screen() -> Iterator[None]:
    """A virtual screen, named in ``DISPLAY``."""
    reader, writer = os.pipe()
    # The server says itself which number was free, once it can be talked to; without a client it would begin anew.
    options = ["-displayfd", str(writer), "-screen", "0", _SIZE, "-nolisten", "tcp", "-ac", "-noreset"]
    server = subprocess.Popen(["Xvfb", *options], pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader, encoding="ascii") as told:
        os.environ["DISPLAY"] = f":{told.readline().strip()}"
    try:
        yield
    finally:
        server.terminate()
        server.wait()


class Window:
    """The program's window on the screen."""

    def __init__(self, number: str) -> None:
        """Take the window of that number in X11."""
        self._number = number

    def type(self, text: str) -> None:
        """Type as a person does, and press Enter."""
        subprocess.run(["xdotool", "windowfocus", "--sync", self._number], check=True)
        subprocess.run(["xdotool", "type", "--delay", "15", text], check=True)
        subprocess.run(["xdotool", "key", "Return"], check=True)

    def press(self, keys: str) -> None:
        """Press keys together, such as ``ctrl+q``."""
        subprocess.run(["xdotool", "windowfocus", "--sync", self._number], check=True)
        subprocess.run(["xdotool", "key", keys], check=True)

    def leave_and_come_back(self) -> None:
        """Give the keys to nobody, and back."""
        told = subprocess.run(["xwininfo", "-root"], capture_output=True, text=True, check=True).stdout
        root = next(word for word in told.split() if word.startswith("0x"))
        subprocess.run(["xdotool", "windowfocus", root], check=True)
        time.sleep(0.5)
        subprocess.run(["xdotool", "windowfocus", "--sync", self._number], check=True)

    def picture(self, target: Path) -> None:
        """Write what the screen shows as a PNG file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["import", "-window", "root", target], check=True)


def find_window(program: subprocess.Popen[str], seconds: float = 30) -> Window:
    """The window of a program that was started, as soon as it is there.

    Raises:
        AssertionError: the program has ended, or there was none for so long.
    """

    def look() -> str:
        if program.poll() is not None:
            said = program.stdout.read() if program.stdout else ""
            raise AssertionError(f"the program ended with {program.returncode}: {said}")
        asked = ["xdotool", "search", "--onlyvisible", "--name", _TITLE]
        found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        return next(iter(re.findall(r"\d+", found)), "")

    return Window(wait_until(look, "the window", seconds))


def wait_until(look: Callable[[], T], what: str, seconds: float) -> T:
    """What ``look`` gives as soon as that is something.

    Raises:
        AssertionError: it gave nothing for so long.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(_POLL_S)
    raise AssertionError(f"{what} did not come within {seconds:.0f} seconds")
