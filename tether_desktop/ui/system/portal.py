"""The desktop portal of Linux (xdg-desktop-portal), over D-Bus: notifications where there is no tray."""

from __future__ import annotations

from PySide6.QtCore import SLOT, QObject, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage

_SERVICE = "org.freedesktop.portal.Desktop"
_PATH = "/org/freedesktop/portal/desktop"
_NOTIFICATION = "org.freedesktop.portal.Notification"
_ID = "tether-news"


class PortalNotifications(QObject):
    """One notification at a time; a newer one takes its place.

    Signals:
        activated(): the person has clicked it.
    """

    activated = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus = QDBusConnection.sessionBus()
        if self._bus.isConnected():
            slot = SLOT("on_action_invoked(QDBusMessage)")
            self._bus.connect(_SERVICE, _PATH, _NOTIFICATION, "ActionInvoked", self, slot)  # type: ignore[call-overload]

    def show(self, title: str, text: str) -> None:
        """Show it; nothing happens where there is no portal."""
        self._call("AddNotification", [_ID, {"title": title, "body": text, "default-action": "open"}])

    def withdraw(self) -> None:
        """Take it away."""
        self._call("RemoveNotification", [_ID])

    def _call(self, method: str, arguments: list[object]) -> None:
        message = QDBusMessage.createMethodCall(_SERVICE, _PATH, _NOTIFICATION, method)
        message.setArguments(arguments)
        if self._bus.isConnected():
            self._bus.send(message)

    @Slot(QDBusMessage)
    def on_action_invoked(self, message: QDBusMessage) -> None:
        """The portal tells which notification was clicked."""
        if message.arguments()[:1] == [_ID]:
            self.activated.emit()
