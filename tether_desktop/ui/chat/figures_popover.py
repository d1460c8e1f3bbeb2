"""What one reply took: tokens, speed and times, shown beside its button."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from tether_desktop.ui.chat.message_view import Figures
from tether_desktop.ui.look import spacing
from tether_desktop.ui.number_text import duration_text, rate_text, whole


class FiguresPopover(QFrame):
    """A small table that goes away with the next click or Escape."""

    def __init__(self, figures: Figures, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("kind", "card")
        self.setAccessibleName(self.tr("What the answer took"))
        self.rows = self._rows(figures)
        grid = QGridLayout(self)
        grid.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.LARGE, spacing.MEDIUM)
        grid.setHorizontalSpacing(spacing.BROAD)
        grid.setVerticalSpacing(spacing.TIGHT)
        for number, (name, value) in enumerate(self.rows):
            label = QLabel(name)
            label.setProperty("kind", "small")
            told = QLabel(value)
            told.setTextFormat(Qt.TextFormat.PlainText)
            told.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            told.setAccessibleName(f"{name}: {value}")
            grid.addWidget(label, number, 0)
            grid.addWidget(told, number, 1, Qt.AlignmentFlag.AlignRight)

    def open_at(self, corner: QPoint) -> None:
        """Show it with its upper leading corner at a place of the screen, as far as there is room."""
        room = self.screen().availableGeometry()
        size = self.sizeHint()
        x = max(room.left(), min(corner.x(), room.right() - size.width()))
        y = corner.y() if corner.y() + size.height() <= room.bottom() else corner.y() - size.height() - 36
        self.move(x, y)
        self.show()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def _rows(self, figures: Figures) -> list[tuple[str, str]]:
        rows = [(self.tr("Model"), figures.model)]
        usage, timings = figures.usage, figures.timings
        if usage is not None:
            new = usage.prompt_tokens - usage.cached_tokens
            rows.append((self.tr("Tokens written"), whole(usage.completion_tokens)))
            rows.append((self.tr("Prompt tokens"), whole(usage.prompt_tokens)))
            rows.append((self.tr("Known already"), whole(usage.cached_tokens)))
            rows.append((self.tr("Read anew"), whole(max(0, new))))
        if figures.rate is not None:
            rows.append((self.tr("Speed"), rate_text(figures.rate)))
        if timings is not None:
            rows.append((self.tr("Time to the first token"), duration_text(timings.first_token_s)))
            rows.append((self.tr("Waited for the model"), duration_text(timings.queued_s)))
            rows.append((self.tr("Reading the prompt"), duration_text(timings.prefill_s)))
            rows.append((self.tr("Writing"), duration_text(timings.decode_s)))
        return [(name, value) for name, value in rows if value]
