"""Runs the real window for the startup benchmark, asks one question, and closes when it is told to.

Started as ``python -m benchmarks.startup_drive QUESTION``; closes when its standard input does.
"""

from __future__ import annotations

import sys
import threading

from PySide6.QtCore import QObject, Signal

from tether_desktop.ui.main import run_window
from tether_desktop.ui.main_window import MainWindow


class Driver(QObject):
    """Asks as soon as the window is usable; the answer's first token marks itself."""

    asked_to_close = Signal()

    def __init__(self, window: MainWindow, question: str) -> None:
        super().__init__(window)
        self._window = window
        self._question = question
        window.usable.connect(self.ask)
        self.asked_to_close.connect(window.leave)
        threading.Thread(target=self._wait_for_the_end, daemon=True).start()

    def ask(self) -> None:
        """Type the question and press the button."""
        if self._question:
            self._window.pane.composer.set_text(self._question)
            self._window.pane.composer.button.click()

    def _wait_for_the_end(self) -> None:
        sys.stdin.read()
        self.asked_to_close.emit()


def main() -> int:
    """Open the window."""
    drivers: list[Driver] = []
    return run_window(on_window=lambda window: drivers.append(Driver(window, sys.argv[1])))


if __name__ == "__main__":
    sys.exit(main())
