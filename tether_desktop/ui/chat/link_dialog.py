"""Opening an address that a model wrote: only web and mail, and only after the person has seen it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look.themed_button import ThemedButton

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
        self.setWindowTitle("Open this address?")
        self.setMinimumWidth(480)
        question = QLabel("The model wrote this address. Open it outside Tether?")
        question.setWordWrap(True)
        # Encoded, so that look-alike letters and spaces cannot hide where it goes.
        self.address = QLabel(bytes(url.toEncoded().data()).decode("ascii"))
        self.address.setTextFormat(Qt.TextFormat.PlainText)
        self.address.setWordWrap(True)
        self.address.setProperty("kind", "muted")
        self.address.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        host = url.host(QUrl.ComponentFormattingOption.FullyEncoded)
        self.host = QLabel(f"It goes to {host or 'your mail program'}.")
        self.open_button = ThemedButton("Open", "external-link")
        self.cancel_button = ThemedButton("Cancel", kind="primary")
        self.open_button.setAutoDefault(False)
        self.cancel_button.setDefault(True)
        self.open_button.clicked.connect(self._open)
        self.cancel_button.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 22, 24, 18)
        layout.setSpacing(12)
        for widget in (question, self.address, self.host):
            layout.addWidget(widget)
        layout.addLayout(buttons)

    @Slot()
    def _open(self) -> None:
        self.accept()
        QDesktopServices.openUrl(self._url)
