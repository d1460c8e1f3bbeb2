"""What a chat shows before its first question: a greeting and a few questions to begin with."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from tether_desktop.ui.look import icons, spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.translation import mark, translate

EXAMPLES = (
    mark("EmptyChat", "Explain in simple words why the sky is blue"),
    mark("EmptyChat", "Write a short note to thank a colleague"),
    mark("EmptyChat", "Show me how to count words in Python"),
    mark("EmptyChat", "Give me five ideas for a rainy afternoon"),
)

_WIDTH = 720
_MARGIN = 24


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
        title = QLabel(self.tr("What is on your mind?"))
        title.setProperty("kind", "display")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.subtitle = QLabel()
        self.subtitle.setProperty("kind", "muted")
        self.subtitle.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.subtitle.setWordWrap(True)
        self.buttons = [self._make_button(translate("EmptyChat", text)) for text in EXAMPLES]
        self._examples = _Examples(self.buttons)
        inside = QWidget()
        inside.setMaximumWidth(_WIDTH)
        self._column = column = QVBoxLayout(inside)
        column.setSpacing(spacing.SMALL)
        self._greeting = (self._mark, title, self.subtitle)
        column.addWidget(self._mark)
        column.addWidget(title)
        column.addWidget(self.subtitle)
        column.addWidget(self._examples)
        layout = QGridLayout(self)
        layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(1, 20)
        layout.setColumnStretch(2, 1)
        layout.setRowStretch(0, 2)
        layout.setRowStretch(2, 3)
        layout.addWidget(inside, 1, 1)
        self._paint_mark()
        self.show_temporary(temporary=False)

    def show_temporary(self, *, temporary: bool) -> None:
        """Say what becomes of the chat that begins here."""
        self.subtitle.setText(
            self.tr("This chat is never stored, and found by no search.")
            if temporary
            else self.tr("Everything stays on this computer.")
        )

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Where it is low, the greeting alone has room."""
        super().resizeEvent(event)
        greeting = sum(each.sizeHint().height() + self._column.spacing() for each in self._greeting)
        room = self.height() - 2 * _MARGIN - greeting
        self._examples.setVisible(room >= self._examples.sizeHint().height())

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


class _Examples(QWidget):
    """The examples beside each other, or in one column where that would cut their words."""

    def __init__(self, buttons: Sequence[ThemedButton]) -> None:
        super().__init__()
        self._buttons = buttons
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, spacing.LARGE, 0, 0)
        self._grid.setSpacing(spacing.SMALL)
        self._grid.setColumnStretch(0, 1)
        self._arrange(2)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Take as many columns as there is room for."""
        super().resizeEvent(event)
        widest = max(button.sizeHint().width() for button in self._buttons)
        self._arrange(2 if 2 * widest + self._grid.spacing() <= self.width() else 1)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        self._grid.setColumnStretch(1, columns - 1)
        for number, button in enumerate(self._buttons):
            self._grid.addWidget(button, number // columns, number % columns)
