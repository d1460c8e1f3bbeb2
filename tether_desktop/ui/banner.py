"""A banner over the conversation: an error of the program that did not end it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from tether_desktop.errors import ProgramReplaced, TetherError
from tether_desktop.ui.look import icons, spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton


class Banner(QFrame):
    """Shows one error until it is dismissed or another one comes.

    Signals:
        restart_requested(): Tether is to begin anew, which is offered where nothing else helps.
    """

    restart_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "danger_card")
        self._error: TetherError | None = None
        self._mark = QLabel()
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.close_button = IconButton("x", self.tr("Dismiss"))
        self.close_button.clicked.connect(self.hide)
        self.restart_button = ThemedButton(self.tr("Restart now"), "refresh-cw", kind="answer")
        self.restart_button.clicked.connect(self.restart_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.SMALL, spacing.SMALL, spacing.SMALL)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.restart_button, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @Slot(object)
    def show_error(self, error: TetherError) -> None:
        """Say what happened and what to do about it."""
        self._show(error, "danger_card", "danger")

    def show_calmly(self, error: TetherError) -> None:
        """Say so in quiet colours, of what keeps nobody from going on."""
        self._show(error, "notice", "warning")

    def withdraw(self, error: TetherError | None) -> None:
        """Go away if this is what is said, because it holds no more."""
        if error is self._error:
            self.hide()

    def _show(self, error: TetherError, kind: str, color: str) -> None:
        self._error = error
        set_kind(self, kind)
        self._mark.setPixmap(icons.pixmap("circle-alert", color, 18, self.devicePixelRatioF()))
        self.label.setText(f"{error.title}\n{error.message} {error.hint}".strip())
        self.restart_button.setVisible(error.code == ProgramReplaced.code)
        self.setAccessibleName(f"{error.title}. {error.message} {error.hint}")
        self.show()
