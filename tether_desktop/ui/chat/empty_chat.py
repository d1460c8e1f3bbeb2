"""What a chat shows before its first question: a greeting and a few questions to begin with."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from tether_desktop.ui.look import icons
from tether_desktop.ui.look.themed_button import ThemedButton

EXAMPLES = (
    "Explain in simple words why the sky is blue",
    "Write a short note to thank a colleague",
    "Show me how to count words in Python",
    "Give me five ideas for a rainy afternoon",
)


class EmptyChat(QWidget):
    """A greeting with example prompts.

    Signals:
        example_chosen(text): an example was clicked; it goes into the composer.
    """

    example_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mark = QLabel()
        self._mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = QLabel("What is on your mind?")
        title.setProperty("kind", "display")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.subtitle = QLabel("Everything stays on this computer.")
        self.subtitle.setProperty("kind", "muted")
        self.subtitle.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.buttons = [self._make_button(text) for text in EXAMPLES]
        grid = QGridLayout()
        grid.setSpacing(10)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        for number, button in enumerate(self.buttons):
            grid.addWidget(button, number // 2, number % 2)
        inside = QWidget()
        inside.setMaximumWidth(720)
        column = QVBoxLayout(inside)
        column.setSpacing(10)
        column.addWidget(self._mark)
        column.addWidget(title)
        column.addWidget(self.subtitle)
        column.addSpacing(18)
        column.addLayout(grid)
        layout = QGridLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(1, 20)
        layout.setColumnStretch(2, 1)
        layout.setRowStretch(0, 2)
        layout.setRowStretch(2, 3)
        layout.addWidget(inside, 1, 1)
        self._paint_mark()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._paint_mark()

    def _paint_mark(self) -> None:
        self._mark.setPixmap(icons.pixmap("sparkles", "accent", 36, self.devicePixelRatioF()))

    def _make_button(self, text: str) -> ThemedButton:
        button = ThemedButton(text.replace("&", "&&"), kind="example")
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setMinimumWidth(120)
        button.setToolTip(text)
        button.clicked.connect(lambda: self.example_chosen.emit(text))
        return button
