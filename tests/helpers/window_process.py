"""The real window in a process of its own, asking one question: for tests that kill it.

``python -m tests.helpers.window_process QUESTION [QUEUED [TYPED]]`` prints one line once the answer is being shown;
then it queues another question, and leaves words in the composer.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject

from tether_desktop.ui.main import run_window
from tether_desktop.ui.main_window import MainWindow


class Asker(QObject):
    """Asks as soon as the window is usable."""

    def __init__(self, window: MainWindow, question: str, queued: str = "", typed: str = "") -> None:
        super().__init__(window)
        self._window = window
        self._question = question
        self._queued, self._typed = queued, typed
        window.usable.connect(self.ask)
        window.pane.measured.connect(self.tell)

    def ask(self) -> None:
        """Type the question and press the button."""
        self._window.pane.composer.set_text(self._question)
        self._window.pane.composer.button.click()

    def tell(self) -> None:
        """Print what is shown of the answer."""
        views = self._window.conversation.views
        if views and views[-1].text:
            sys.stdout.write(views[-1].text + "\n")
            sys.stdout.flush()
            self.go_on()

    def go_on(self) -> None:
        """Queue a question and leave words behind it, once."""
        composer = self._window.pane.composer
        if self._queued:
            composer.set_text(self._queued)
            composer.row.queue_button.click()
            composer.set_text(self._typed)
        self._queued = ""


def main() -> int:
    """Open the window."""
    askers: list[Asker] = []
    return run_window(on_window=lambda window: askers.append(Asker(window, *sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
