"""The icon in the desktop's tray: how Tether is reached while its window is away, and what it does there."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, QPoint, QRectF, Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon, QWidget

from tether_desktop.ui.look import icons, theme

TrayState = Literal["idle", "answering", "waiting"]

_SIDES = (16, 22, 24, 32, 48, 64)
_SPOTS = {"answering": "success", "waiting": "warning"}


class Tray(QObject):
    """The icon and its menu, there only while they are of use.

    Signals:
        open_requested(), new_requested(), quick_requested(), quit_requested(): as the menu says.
        message_clicked(): the message that was shown last.
    """

    open_requested = Signal()
    new_requested = Signal()
    quick_requested = Signal()
    quit_requested = Signal()
    message_clicked = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.state: TrayState = "idle"
        self.menu = QMenu(window)
        self.menu.setAccessibleName("Tether")
        self.icon = QSystemTrayIcon(self)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._on_activated)
        self.icon.messageClicked.connect(self.message_clicked)
        self._reasons: set[str] = set()
        self._closed = False
        self._url = ""
        self._fill()
        theme.appearance().changed.connect(self._draw)

    @staticmethod
    def available() -> bool:
        """Whether the desktop has a tray."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def want(self, reason: str, *, wanted: bool) -> None:
        """Be there for a reason, or no longer; without any the icon goes away."""
        (self._reasons.add if wanted else self._reasons.discard)(reason)
        if self.icon.icon().isNull():
            self._draw()
        self.icon.setVisible(bool(self._reasons) and not self._closed and self.available())

    def show_port(self, url: str) -> None:
        """Offer the address of the local port; none while it is closed."""
        self._url = url
        self._copy_action.setVisible(bool(url))
        self._copy_action.setText(self.tr("Copy {address}").format(address=url))
        self.want("port", wanted=bool(url))

    def show_state(self, state: TrayState) -> None:
        """Show whether something is being answered, or waits for the person."""
        if state != self.state:
            self.state = state
            self._draw()

    def tell(self, title: str, text: str) -> None:
        """Show a message of the desktop; the icon stays until the window is looked at."""
        self.want("message", wanted=True)
        self.icon.showMessage(title, text, self.icon.icon())

    def close(self) -> None:
        """Leave the tray for good."""
        self._closed = True
        self.icon.hide()

    def _fill(self) -> None:
        self._action(self.tr("Open Tether"), self.open_requested)
        self._action(self.tr("New chat"), self.new_requested)
        self._action(self.tr("Quick question"), self.quick_requested)
        self.menu.addSeparator()
        self._copy_action = self.menu.addAction("")
        self._copy_action.triggered.connect(self._on_copy)
        self._copy_action.setVisible(bool(self._url))
        self._action(self.tr("Quit"), self.quit_requested)

    def _action(self, words: str, signal: SignalInstance) -> QAction:
        action = self.menu.addAction(words)
        action.triggered.connect(signal)
        return action

    @Slot()
    def _draw(self) -> None:
        if not self._reasons:  # pictures in all sizes take a moment, and nobody sees them
            return
        self.icon.setIcon(tray_icon(self.state))
        told = {
            "idle": "Tether",
            "answering": self.tr("Tether is answering"),
            "waiting": self.tr("Tether waits for your approval"),
        }
        self.icon.setToolTip(told[self.state])

    @Slot(QSystemTrayIcon.ActivationReason)
    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in {QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick}:
            self.open_requested.emit()

    @Slot()
    def _on_copy(self) -> None:
        QApplication.clipboard().setText(self._url)


def tray_icon(state: TrayState) -> QIcon:
    """The icon in every size that trays ask for, with a spot for what goes on."""
    result = QIcon()
    for side in _SIDES:
        result.addPixmap(_picture(side, state))
    return result


def _picture(side: int, state: TrayState) -> QPixmap:
    # On a plate of its own: nobody tells a program whether its tray is light or dark.
    picture = QPixmap(side, side)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.active().color("accent")))
    painter.drawRoundedRect(QRectF(0, 0, side, side), side * 0.25, side * 0.25)
    inner = round(side * 0.7)
    edge = (side - inner) // 2
    painter.drawPixmap(QPoint(edge, edge), icons.pixmap("message-square", "on_accent", inner, 1.0))
    if state in _SPOTS:
        spot = side * 0.44
        painter.setBrush(QColor(theme.active().color("window")))
        painter.drawEllipse(QRectF(side - spot, side - spot, spot, spot))
        painter.setBrush(QColor(theme.active().color(_SPOTS[state])))
        rim = spot * 0.16
        painter.drawEllipse(QRectF(side - spot + rim, side - spot + rim, spot - 2 * rim, spot - 2 * rim))
    painter.end()
    return picture
