"""A quiet line beside the model picker: the model that is being added, or how that ended."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QStyle, QStyleOptionButton, QStylePainter, QWidget

from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.installation import STARTER, Installation

_MARKS = {
    "queued": ("clock", "muted"),
    "working": ("download", "muted"),
    "paused": ("pause", "muted"),
    "failed": ("circle-alert", "danger"),
    "done": ("circle-check", "success"),
}
_LEAST_WIDTH = 48
_FRAME = 44
"""Icon, paddings and border."""


class InstallStrip(ThemedButton):
    """Shows an installation in a few words; a click tells more."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "download", parent, kind="ghost")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(_LEAST_WIDTH)
        self._words = ""
        self.hide()

    def show_installation(self, installation: Installation | None) -> None:
        """Show this one; the starter model's is told on its own card."""
        shown = installation is not None and installation.what != STARTER
        if installation is not None:
            self._words = installation.short_text
            self.set_icon(*_MARKS[installation.phase])
            self.setToolTip(self._words)
            self.setAccessibleName(self._words)
        self.setVisible(shown)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Room for all words, which may be cut where there is less."""
        return QSize(self.fontMetrics().horizontalAdvance(self._words) + _FRAME + 18, super().sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """The button, with its words cut at the end where they need more room."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        room = self.width() - _FRAME - 10
        option.text = self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, room).replace("&", "&&")
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_PushButton, option)
