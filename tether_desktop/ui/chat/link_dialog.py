"""Opening an address that a model wrote: only web and mail, and only after the person has seen it."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton

_NUMBERS = re.compile(r"[0-9.]+|\[?[0-9a-f:.]*:[0-9a-f:.]*\]?")

ALLOWED_SCHEMES = frozenset({"http", "https", "mailto"})


def allowed_url(address: str) -> QUrl | None:
    """The address as a URL when it may be opened at all, else None."""
    url = QUrl(address.strip(), QUrl.ParsingMode.StrictMode)
    if not url.isValid() or url.scheme().lower() not in ALLOWED_SCHEMES:
        return None
    return url if url.scheme().lower() == "mailto" or url.host() else None


class LinkDialog(QDialog):
    """Shows the whole address and asks."""

    def __init__(self, url: QUrl, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._url = url
        self.setWindowTitle(self.tr("Open this address?"))
        self.setMinimumWidth(480)
        question = QLabel(self.tr("The model wrote this address. Open it outside Tether?"))
        question.setWordWrap(True)
        # Encoded, so that look-alike letters and spaces cannot hide where it goes.
        self.address = QLabel(bytes(url.toEncoded().data()).decode("ascii"))
        self.address.setTextFormat(Qt.TextFormat.PlainText)
        self.address.setWordWrap(True)
        self.address.setProperty("kind", "muted")
        self.address.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        host = url.host(QUrl.ComponentFormattingOption.FullyEncoded)
        target = self.tr("It goes to {host}.").format(host=host) if host else self.tr("It goes to your mail program.")
        self.host = QLabel(target)
        self.host.setTextFormat(Qt.TextFormat.PlainText)
        self.host.setWordWrap(True)
        self.warning = QLabel("\n".join(self._warnings(url)))
        self.warning.setTextFormat(Qt.TextFormat.PlainText)
        self.warning.setWordWrap(True)
        self.warning.setProperty("kind", "warning")
        self.warning.setVisible(bool(self.warning.text()))
        self.open_button = ThemedButton(self.tr("Open"), "external-link")
        self.cancel_button = ThemedButton(self.tr("Cancel"), kind="primary")
        self.copy_button = ThemedButton(self.tr("Copy"), "copy")
        self.copy_button.clicked.connect(self._copy)
        for button in (self.open_button, self.copy_button):
            button.setAutoDefault(False)
        self.cancel_button.setDefault(True)
        self.open_button.clicked.connect(self._open)
        self.cancel_button.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy_button)
        buttons.addStretch(1)
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.BROAD, spacing.BROAD, spacing.BROAD, spacing.LARGE)
        layout.setSpacing(spacing.MEDIUM)
        for widget in (question, self.address, self.host, self.warning):
            layout.addWidget(widget)
        layout.addLayout(buttons)

    def _warnings(self, url: QUrl) -> list[str]:
        """What about an address is often meant to deceive."""
        found = []
        host = url.host(QUrl.ComponentFormattingOption.FullyEncoded)
        if url.userInfo() and url.scheme().lower() != "mailto":
            found.append(self.tr("What stands before the @ is a name to sign in with, not where it goes."))
        if any(part.startswith("xn--") for part in host.split(".")):
            found.append(self.tr("It has letters of other alphabets, which may look like those of a name you know."))
        if _NUMBERS.fullmatch(host):
            found.append(self.tr("It goes to a number instead of a name."))
        if url.scheme().lower() == "http":
            found.append(self.tr("The connection is not encrypted."))
        return found

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.address.text())
        self.reject()

    @Slot()
    def _open(self) -> None:
        self.accept()
        QDesktopServices.openUrl(self._url)
