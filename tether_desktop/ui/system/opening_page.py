"""The page for when opening the chats takes a while: what is done, so that nobody takes the program for dead."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QWidget

from tether_desktop.ui.look import theme
from tether_desktop.ui.look.calm_page import CalmPage
from tether_desktop.ui.models.install_view import plain_label


class OpeningPage(CalmPage):
    """Says that chats are on their way, and what is done with them.

    Attributes:
        title, message: what is said.
        bar: moves while it takes; not there where nothing is to move.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = plain_label("title", self.tr("Getting your chats ready…"))
        self.message = plain_label("muted")
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.title.text())
        self.bar.setVisible(not theme.appearance().still)
        for widget in (self.title, self.message, self.bar):
            self.column.addWidget(widget)

    def show_slow(self) -> None:
        """It takes longer than it should, and nobody knows why."""
        self._say(self.tr("This takes longer than usual. There is nothing for you to do."))

    def show_migrating(self) -> None:
        """The chats are from an older version."""
        self._say(
            self.tr(
                "They are from an older Tether and are brought up to date once. With very many chats that can take "
                "some minutes. A copy of the file as it was is kept beside it."
            )
        )

    def _say(self, message: str) -> None:
        self.message.setText(message)
        self.setAccessibleName(f"{self.title.text()} {message}")
