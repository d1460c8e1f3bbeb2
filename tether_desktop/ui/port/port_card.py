"""How the local port is: closed, open at an address, or why it could not be opened."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import icons, spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.port.port_state import PortPhase, PortState
from tether_desktop.ui.translation import mark, translate

_MARK = 18
_LOOK: dict[PortPhase, tuple[str, str, str]] = {
    "closed": ("power", "muted", mark("PortCard", "Closed")),
    "opening": ("clock", "muted", mark("PortCard", "Opening…")),
    "open": ("circle-check", "success", mark("PortCard", "Open at {url}")),
    "closing": ("clock", "muted", mark("PortCard", "Closing…")),
    "failed": ("circle-alert", "danger", ""),
}


class PortCard(QFrame):
    """Shows a PortState.

    Args:
        can_move: whether another number can be taken.

    Signals:
        port_chosen(int): take this number instead.
        retry_requested(): try once more.
    """

    port_chosen = Signal(int)
    retry_requested = Signal()

    def __init__(self, parent: QWidget | None = None, *, can_move: bool = True) -> None:
        super().__init__(parent)
        self._can_move = can_move
        self._state = PortState()
        self._mark = QLabel()
        self.title, self.text = plain_label(), plain_label("small")
        for label in (self.title, self.text):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy_button = IconButton("copy", self.tr("Copy the address"), size=16)
        self.other_button = ThemedButton("", kind="answer")
        self.retry_button = ThemedButton(self.tr("Try again"), "refresh-cw", kind="answer")
        self._remedies = QWidget()
        self._lay_out()
        self.copy_button.clicked.connect(self._on_copy)
        self.other_button.clicked.connect(self._on_other)
        self.retry_button.clicked.connect(self.retry_requested)
        self.show_state(self._state)

    def show_state(self, state: PortState) -> None:
        """Show this state."""
        self._state = state
        name, color, words = _LOOK[state.phase]
        failed = state.error if state.phase == "failed" else None
        self._mark.setPixmap(icons.pixmap(name, color, _MARK, self.devicePixelRatioF()))
        self.title.setText(failed.title if failed else translate("PortCard", words).format(url=state.url))
        self.text.setText(self._explanation(state))
        self.text.setVisible(bool(self.text.text()))
        set_kind(self.text, "warning" if state.phase == "open" and state.exposed else "small")
        self.copy_button.setVisible(state.phase == "open")
        self._remedies.setVisible(failed is not None)
        self.other_button.setVisible(self._offers(state))
        self.other_button.setText(self.tr("Use {port} instead").format(port=state.free_port))
        set_kind(self, "danger_card" if failed else "well")
        self.setAccessibleName(
            self.tr("Local port: {state}. {about}").format(state=self.title.text(), about=self.text.text())
        )

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._mark.pixmap():
            name, color, _ = _LOOK[self._state.phase]
            self._mark.setPixmap(icons.pixmap(name, color, _MARK, self.devicePixelRatioF()))

    def _offers(self, state: PortState) -> bool:
        return self._can_move and state.free_port is not None

    def _explanation(self, state: PortState) -> str:
        if state.phase == "failed" and state.error is not None:
            hint = "" if self._offers(state) else state.error.hint
            return f"{state.error.message} {hint}".strip()
        if state.phase == "open":
            return self._reach(exposed=state.exposed)
        return self.tr("No program can reach this window.") if state.phase == "closed" else ""

    def _reach(self, *, exposed: bool) -> str:
        if not exposed:
            return self.tr("Only programs on this computer reach it, and only with the token.")
        return self.tr(
            "Other computers reach it too, at this computer's address and with the token. What they send is not "
            "encrypted."
        )

    def _lay_out(self) -> None:
        remedies = QHBoxLayout(self._remedies)
        remedies.setContentsMargins(0, spacing.TIGHT, 0, 0)
        remedies.setSpacing(spacing.NEAR)
        for button in (self.other_button, self.retry_button):
            button.setAutoDefault(False)
            remedies.addWidget(button)
        remedies.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(spacing.TIGHT)
        for widget in (self.title, self.text, self._remedies):
            words.addWidget(widget)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        layout.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignTop)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._state.url)
        self.copy_button.confirm()

    @Slot()
    def _on_other(self) -> None:
        if self._state.free_port is not None:
            self.port_chosen.emit(self._state.free_port)
