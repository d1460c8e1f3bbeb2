"""The part of the About page that tells of newer releases, once a person has asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QDate, QLocale, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from tether_desktop.errors import TetherError
from tether_desktop.ui.chat.announcement import announce
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.flow_layout import FlowLayout
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label

if TYPE_CHECKING:
    from tether_desktop.updates.check import UpdateCheck


class UpdateCard(QFrame):
    """A button that asks, and what came of it: plain words, whatever they look like.

    Signals:
        requested(): the newest release is to be found out, for :meth:`show_check` or :meth:`show_problem`.
    """

    requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "well")
        self.words = plain_label("", self.tr("Tether asks for newer releases only when you do, and installs nothing."))
        self.details = plain_label("small", "")
        self.check_button = ThemedButton(self.tr("Check for updates"), "refresh-cw")
        self.page_button = ThemedButton("", "external-link", kind="primary", color="on_accent")
        self._page = QUrl()
        self._lay_out()
        self.check_button.clicked.connect(self._on_check)
        self.page_button.clicked.connect(self._on_page)

    def show_check(self, check: UpdateCheck) -> None:
        """Tell what was found out."""
        newest = check.newest
        if not check.newer:
            self._tell(self.tr("You have the newest Tether, {version}.").format(version=check.installed))
            return
        words = self.tr("Tether {version} of {day} is there. You have {installed}.")
        day = QLocale().toString(
            QDate(newest.day.year, newest.day.month, newest.day.day), QLocale.FormatType.LongFormat
        )
        notes = "\n".join(f"•  {note}" for note in newest.notes)
        self._tell(words.format(version=newest.version, day=day, installed=check.installed), notes)
        self._page = QUrl(newest.page)
        self.page_button.setText(self.tr("Open {site}").format(site=self._page.host()))
        self.page_button.setToolTip(newest.page)
        self.page_button.show()

    def show_problem(self, error: TetherError) -> None:
        """Tell why nothing was found out."""
        self._tell(error.message, error.hint)

    def _tell(self, words: str, details: str = "") -> None:
        self.words.setText(words)
        self.details.setText(details)
        self.details.setVisible(bool(details))
        self.page_button.hide()
        self.check_button.release()
        announce(self, words)

    def _lay_out(self) -> None:
        buttons = QWidget()
        row = FlowLayout(buttons, spacing.SMALL)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.LARGE, spacing.MEDIUM)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self.words)
        layout.addWidget(self.details)
        layout.addWidget(buttons)
        for button in (self.check_button, self.page_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        self.details.hide()
        self.page_button.hide()

    @Slot()
    def _on_check(self) -> None:
        self.check_button.hold()
        self.words.setText(self.tr("Asking…"))
        self.details.hide()
        self.page_button.hide()
        self.requested.emit()

    @Slot()
    def _on_page(self) -> None:
        QDesktopServices.openUrl(self._page)
