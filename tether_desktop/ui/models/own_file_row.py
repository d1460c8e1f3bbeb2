"""A file of the person's own tools in the settings: its state, and the question whether it may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.translation import mark, translate

if TYPE_CHECKING:
    from tether_desktop.tools.own_tools import OwnFile, OwnFileStatus

_STATES: dict[OwnFileStatus, tuple[str, str]] = {
    "ready": (mark("OwnFileRow", "allowed"), "pill_success"),
    "needs_approval": (mark("OwnFileRow", "not allowed yet"), "pill_warning"),
    "changed": (mark("OwnFileRow", "changed since you allowed it"), "pill_warning"),
    "broken": (mark("OwnFileRow", "broken"), "pill_danger"),
}
_SHOWN_DIGITS = 16


class OwnFileRow(QFrame):
    """One file.

    Signals:
        allow_requested(OwnFile): as it is shown.
        forget_requested(OwnFile): not any more.
    """

    allow_requested = Signal(object)
    forget_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "well")
        self._file: OwnFile | None = None
        self.name = plain_label()
        self.pill = QLabel()
        self.place = plain_label("small")
        self.warning = plain_label(
            "small",
            self.tr(
                "It is a program, and can do whatever you can do on this computer. "
                "Allow it only if you know what is in it."
            ),
        )
        self.problem = plain_label("warning")
        self.allow_button = ThemedButton(self.tr("Allow this file"), "check")
        self.forget_button = ThemedButton(self.tr("Do not allow any more"), "x", kind="ghost")
        for button in (self.allow_button, self.forget_button):
            button.setAutoDefault(False)
        self.allow_button.clicked.connect(self._on_allow)
        self.forget_button.clicked.connect(self._on_forget)
        self._lay_out()

    def show_file(self, file: OwnFile) -> None:
        """Show this state of the file."""
        self._file = file
        words, kind = _STATES[file.status]
        name = visible(file.name)
        self.name.setText(name)
        self.pill.setText(translate("OwnFileRow", words))
        set_kind(self.pill, kind)
        checksum = f"\nSHA-256 {file.sha256[:_SHOWN_DIGITS]}…" if file.sha256 else ""
        self.place.setText(visible(str(file.path)) + checksum)
        self.place.setToolTip(f"SHA-256: {file.sha256}" if file.sha256 else "")
        self.problem.setText(visible(file.problem))
        self.problem.setVisible(bool(file.problem))
        asks, allowed = file.status in {"needs_approval", "changed"}, file.status == "ready"
        self.warning.setVisible(asks)
        self.allow_button.setVisible(asks)
        self.allow_button.setAccessibleName(self.tr("Allow {name}").format(name=name))
        self.forget_button.setVisible(allowed)
        self.forget_button.setAccessibleName(self.tr("Do not allow {name} any more").format(name=name))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.name, 1)
        top.addWidget(self.pill)
        bottom = QHBoxLayout()
        bottom.addWidget(self.allow_button)
        bottom.addWidget(self.forget_button)
        bottom.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.LARGE, spacing.MEDIUM)
        layout.setSpacing(spacing.NEAR)
        layout.addLayout(top)
        for label in (self.place, self.warning, self.problem):
            layout.addWidget(label)
        layout.addLayout(bottom)

    @Slot()
    def _on_allow(self) -> None:
        self.allow_requested.emit(self._file)

    @Slot()
    def _on_forget(self) -> None:
        self.forget_requested.emit(self._file)
