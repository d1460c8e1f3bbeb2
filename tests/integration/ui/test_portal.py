"""Notifications by the desktop portal, over a session bus of the test's own."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tether_desktop import paths

TALK = """
import os
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusVirtualObject
from tether_desktop.ui.system.portal import PortalNotifications

PATH = "/org/freedesktop/portal/desktop"
NAME = "org.freedesktop.portal.Notification"


class Portal(QDBusVirtualObject):
    def handleMessage(self, message, connection):
        print(message.member(), message.signature(), message.arguments()[0], flush=True)
        if message.member() == "AddNotification":
            clicked = QDBusMessage.createSignal(PATH, NAME, "ActionInvoked")
            clicked.setArguments([message.arguments()[0], "open", []])
            connection.send(clicked)
        else:
            app.quit()
        return True

    def introspect(self, path):
        return ""


app = QCoreApplication([])
bus = QDBusConnection.sessionBus()
portal = Portal()
assert bus.registerService("org.freedesktop.portal.Desktop")
assert bus.registerVirtualObject(PATH, portal)
news = PortalNotifications()


def clicked():
    print("clicked", flush=True)
    news.withdraw()


news.activated.connect(clicked)
news.show("Holidays", "The answer is done.")
QTimer.singleShot(20_000, lambda: app.exit(1))
raise SystemExit(app.exec())
"""


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("dbus-run-session") is None, reason="there is no dbus-run-session"
)
def test_a_notification_is_shown_clicked_and_taken_away() -> None:
    command = ["dbus-run-session", "--", sys.executable, "-c", TALK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=paths.project_root())
    said = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert said == ["AddNotification sa{sv} tether-news", "clicked", "RemoveNotification s tether-news"]
