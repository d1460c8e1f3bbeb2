"""Qt's application, which also takes the files that macOS gives it by events in the place of arguments."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from tether_desktop.hand_over import Request, is_openable


class Application(QApplication):
    """The one application of the program.

    An event filter would do as well, and be called for every event of every widget.

    Signals:
        asked(Request): the desktop wants a file to be opened.
    """

    asked = Signal(object)

    def event(self, event: QEvent) -> bool:
        """Take files that can be opened, and leave everything else to Qt."""
        if event.type() == QEvent.Type.FileOpen:
            file = cast("QFileOpenEvent", event).file()
            if is_openable(file):
                self.asked.emit(Request("open", (file,)))
                return True
        return super().event(event)
