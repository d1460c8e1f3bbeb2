"""Tells the person by way of the desktop what happened while the window was out of sight."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

if TYPE_CHECKING:
    from tether_desktop.settings import Settings
    from tether_desktop.ui.system.portal import PortalNotifications
    from tether_desktop.ui.system.tray import Tray


class Notifier(QObject):
    """Shows the desktop's notifications: the title of a chat, and never what was said in it.

    Signals:
        chosen(session_id): the person wants to see the chat of a notification.
    """

    chosen = Signal(str)

    def __init__(self, window: QWidget, tray: Tray) -> None:
        super().__init__(window)
        self._window = window
        self._tray = tray
        self._wanted = False
        self._newest = ""
        self._portal: PortalNotifications | None = None
        tray.message_clicked.connect(self._on_message_clicked)

    def follow(self, settings: Settings) -> None:
        """Take what the settings say about notifications."""
        self._wanted = settings.notifications == "on"

    def close(self) -> None:
        """Tell nothing more: the program ends, and so do its answers."""
        self.withdraw()
        self._wanted = False

    def tell_answered(self, session_id: str, title: str) -> None:
        """An answer is done."""
        self._tell(session_id, title or self.tr("Tether"), self.tr("The answer is done."))

    def tell_waiting(self, session_id: str, title: str) -> None:
        """A tool call waits for approval."""
        self._tell(session_id, title or self.tr("Tether"), self.tr("A tool waits for your approval."))

    def withdraw(self) -> None:
        """The person looks at the window: nothing is news any more."""
        self._newest = ""
        self._tray.want("message", wanted=False)
        if self._portal is not None:
            self._portal.withdraw()

    def _tell(self, session_id: str, title: str, text: str) -> None:
        if self._window.isActiveWindow() or not self._wanted:
            return
        self._newest = session_id
        QApplication.alert(self._window)
        if self._tray.available() and QSystemTrayIcon.supportsMessages():
            self._tray.tell(title, text)
        elif sys.platform == "linux":
            self._show_by_portal(title, text)

    def _show_by_portal(self, title: str, text: str) -> None:
        """Where a desktop has notifications and no tray, as GNOME has."""
        if self._portal is None:
            from tether_desktop.ui.system.portal import PortalNotifications

            self._portal = PortalNotifications(self)
            self._portal.activated.connect(self._on_message_clicked)
        self._portal.show(title, text)

    @Slot()
    def _on_message_clicked(self) -> None:
        self.chosen.emit(self._newest)
