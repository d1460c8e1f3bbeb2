"""The window's frame: its size and place on the screens there are, and the instant at which it is first seen."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSize, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow

from tether_desktop.ui import startup_trace
from tether_desktop.ui.system.placement import placed

SMALLEST = QSize(680, 440)
FIRST = QSize(1180, 820)
_FRAME = QSize(24, 56)
"""What a window's frame takes at most, so that the first window fits on a small screen with it."""


def first_size(screen: QSize) -> QSize:
    """The window's size at its first start, on a screen with so much room."""
    return FIRST.boundedTo(screen - _FRAME).expandedTo(SMALLEST)


class WindowFrame(QMainWindow):
    """A window that comes back to where it was, and to a screen that is there.

    Signals:
        painted(): the first frame is on the screen.
    """

    painted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._painted = False
        self.setMinimumSize(SMALLEST)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.screenRemoved.connect(self.stay_visible)

    @property
    def geometry_text(self) -> str:
        """Size and place, to be saved."""
        return bytes(self.saveGeometry().toBase64().data()).decode("ascii")

    def take_place(self, geometry: str) -> None:
        """Go where ``geometry_text`` was, or where a first window goes when it is empty."""
        self.resize(first_size(self.screen().availableSize()))
        if geometry:
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii")))
            self.stay_visible()

    @Slot()
    def stay_visible(self, *_: object) -> None:
        """Come to a screen that is there when the one it was on is gone, or has become smaller."""
        if self.isMaximized() or self.isFullScreen():
            return
        main = QGuiApplication.primaryScreen()
        others = [screen for screen in QGuiApplication.screens() if screen is not main]
        rooms = [screen.availableGeometry() for screen in (main, *others)]
        self.setGeometry(placed(self.geometry(), rooms, SMALLEST))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Tell when the first frame is there: what is slow starts only then."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self._on_first_frame)

    @Slot()
    def _on_first_frame(self) -> None:
        startup_trace.mark("shown")
        self.painted.emit()
