"""The calm line over the composer that says that a chat is temporary, and offers to keep it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from tether_desktop.ui.look import icons, spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.themed_button import ThemedButton

OFFER_MS = 12_000
"""How long a temporary chat that was left can still be kept."""

_MARK = 18


class TemporaryBar(QFrame):
    """Shown while a temporary chat is, and for a while after it was left.

    Signals:
        keep_requested(): store the chat that it speaks of.
        over(): the offer to keep a chat that was left has ended.
    """

    keep_requested = Signal()
    over = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "well")
        self._mark = QLabel()
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.keep_button = ThemedButton(self.tr("Keep it"), kind="answer")
        self.keep_button.setToolTip(self.tr("Store this chat like any other"))
        self.close_button = IconButton("x", self.tr("Dismiss"))
        self.timer = QTimer(self, singleShot=True, interval=OFFER_MS)
        self.timer.timeout.connect(self.end_offer)
        self.keep_button.clicked.connect(self.keep_requested)
        self.close_button.clicked.connect(self.end_offer)
        kept = self.keep_button.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # the bar is as high without it
        self.keep_button.setSizePolicy(kept)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(spacing.MEDIUM, spacing.NEAR, spacing.NEAR, spacing.NEAR)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self._mark)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.keep_button)
        layout.addWidget(self.close_button)
        self.hide()

    @property
    def offers(self) -> bool:
        """Whether it speaks of a chat that was left."""
        return self.timer.isActive()

    def show_current(self, *, begun: bool) -> None:
        """Say that the chat that is shown is temporary; one in which something was asked can be kept."""
        self.timer.stop()
        self._say(self.tr("Temporary chat: it is gone when you close it"))
        self.keep_button.setVisible(begun)
        self.close_button.hide()

    def offer(self) -> None:
        """Say that a temporary chat was left, and offer for a while to keep it."""
        self._say(self.tr("The temporary chat is closed and will be forgotten."))
        self.keep_button.show()
        self.close_button.show()
        self.timer.start()

    @Slot()
    def end_offer(self) -> None:
        """Go away; what was left is forgotten."""
        self.timer.stop()
        self.hide()
        self.over.emit()

    def dismiss(self) -> None:
        """Go away, because an ordinary chat is shown and nothing is offered."""
        self.timer.stop()
        self.hide()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._paint_mark()

    def _say(self, text: str) -> None:
        self._paint_mark()
        self.label.setText(text)
        self.setAccessibleName(text)
        self.show()

    def _paint_mark(self) -> None:
        self._mark.setPixmap(icons.pixmap("ghost", "muted", _MARK, self.devicePixelRatioF()))
