"""The own token of the local port: hidden until it is asked for, to be copied and renewed."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.flow_layout import FlowLayout
from tether_desktop.ui.look.icons import CONFIRM_MS
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label

HIDDEN = "•" * 32


class TokenField(QWidget):
    """Asks for the token only when the person does.

    Signals:
        token_requested(): the token is to be shown or copied, and given to :meth:`take_token`.
        renew_requested(): another token is to take its place.
    """

    token_requested = Signal()
    renew_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = self._copying = self._asking = self._renewing = False
        self.line = QLineEdit(HIDDEN)
        self.line.setReadOnly(True)
        self.line.setProperty("kind", "code")
        self.line.setAccessibleName(self.tr("Token"))
        self.show_button = _button(self.tr("Show"), self.tr("Show the token"), "eye")
        self.copy_button = _button(self.tr("Copy"), self.tr("Copy the token"), "copy")
        self.renew_button = _button(self.tr("Renew"), self.tr("Renew the token"), "refresh-cw")
        self.note = plain_label(
            "small",
            self.tr(
                "Whoever has it can read and change everything here. For a program that is only to chat, make a token "
                "of its own: {command}"
            ).format(command="tether token add NAME"),
        )
        self._confirmed = QTimer(self, singleShot=True, interval=CONFIRM_MS)
        self._confirmed.timeout.connect(self._refresh)
        self._lay_out()
        self.show_button.clicked.connect(self._on_show)
        self.copy_button.clicked.connect(self._on_copy)
        self.renew_button.clicked.connect(self._on_renew)

    def take_token(self, token: str) -> None:
        """Do with the token what the person wanted it for."""
        if self._copying:
            QGuiApplication.clipboard().setText(token)
            self.copy_button.set_icon("check", "success")
            self._confirmed.start()
        if self._shown:
            self.line.setText(token)
            self.line.setCursorPosition(0)
        if self._renewing:
            self.note.setText(self.tr("There is a new token. Programs that had the old one need it."))
        self._copying = self._renewing = False

    def give_up(self) -> None:
        """The token could not be had."""
        self._shown = self._copying = self._renewing = False
        self._refresh()

    def _lay_out(self) -> None:
        buttons = QWidget()
        row = FlowLayout(buttons)
        for button in (self.show_button, self.copy_button, self.renew_button):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self.line)
        layout.addWidget(buttons)
        layout.addWidget(self.note)

    @Slot()
    def _refresh(self) -> None:
        if not self._shown:
            self.line.setText(HIDDEN)
        self.show_button.setText(self.tr("Hide") if self._shown else self.tr("Show"))
        self.show_button.setAccessibleName(self.tr("Hide the token") if self._shown else self.tr("Show the token"))
        self.show_button.set_icon("eye-off" if self._shown else "eye", "muted")
        self.copy_button.set_icon("copy", "muted")
        self.renew_button.setText(self.tr("Really renew") if self._asking else self.tr("Renew"))
        self.renew_button.set_icon("refresh-cw", "danger" if self._asking else "muted")

    @Slot()
    def _on_show(self) -> None:
        self._shown = not self._shown
        self._refresh()
        if self._shown:
            self.token_requested.emit()

    @Slot()
    def _on_copy(self) -> None:
        self._copying = True
        self.token_requested.emit()

    @Slot()
    def _on_renew(self) -> None:
        """The second press renews."""
        self._asking = not self._asking
        self._renewing = not self._asking
        self.note.setText(self.tr("Programs that have the token stop working until they get the new one."))
        self._refresh()
        if self._renewing:
            self.renew_requested.emit()


def _button(text: str, name: str, icon: str) -> ThemedButton:
    button = ThemedButton(text, icon)
    button.setAutoDefault(False)
    button.setAccessibleName(name)
    return button
