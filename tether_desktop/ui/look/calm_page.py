"""A page with one thing to say: a column in the middle, which scrolls where the window is small."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing

_WIDTH = 560
_EDGE = 24


class CalmPage(QScrollArea):
    """Fill :attr:`column`; what is above and below it takes the rest of the room.

    Attributes:
        column: what is said, from top to bottom.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget()
        inside = QWidget(page)
        inside.setMaximumWidth(_WIDTH)
        self.column = QVBoxLayout()
        self.column.setSpacing(spacing.MEDIUM)
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addStretch(2)
        rows.addLayout(self.column)
        rows.addStretch(3)
        across = QHBoxLayout(page)
        across.setContentsMargins(_EDGE, _EDGE, _EDGE, _EDGE)
        across.addStretch(1)
        across.addWidget(inside, 20)
        across.addStretch(1)
        self.setWidget(page)
