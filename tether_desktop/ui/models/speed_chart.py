"""A small chart of bars, each with its name and its speed in words; the words are what a screen reader says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QStyle, QWidget

from tether_desktop.ui.look import fonts, theme

_ROW_GAP = 14
_BAR = 8
_BELOW_WORDS = 4
_LEAST_BAR = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the chart.

    Attributes:
        name: what it is of.
        words: the value for people.
        value: how long the bar is, beside the others.
        marked: whether it is the one to look at.
    """

    name: str
    words: str
    value: float
    marked: bool = True


class SpeedChart(QWidget):
    """The bars, below one another, on one scale that begins at nothing.

    Attributes:
        bars: what is shown.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars: Sequence[Bar] = ()
        self._title = title
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Show these."""
        self.bars = tuple(bars)
        told = ". ".join(f"{bar.name}: {bar.words}" for bar in self.bars)
        self.setAccessibleName(f"{self._title}. {told}" if told else self._title)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As high as its rows."""
        rows = len(self.bars)
        return QSize(240, rows * self._row_height() + max(rows - 1, 0) * _ROW_GAP)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """No lower than its rows."""
        return self.sizeHint()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.updateGeometry()
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint every row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        longest = max((bar.value for bar in self.bars), default=0.0) or 1.0
        step = self._row_height() + _ROW_GAP
        for place, bar in enumerate(self.bars):
            self._paint_bar(painter, QRectF(0, place * step, self.width(), self._row_height()), bar, longest)

    def _paint_bar(self, painter: QPainter, rect: QRectF, bar: Bar, longest: float) -> None:
        look, direction = theme.active(), self.layoutDirection()
        font = fonts.sans(look, look.type.small)
        metrics = QFontMetrics(font)
        painter.setFont(font)
        words = QRectF(rect.left(), rect.top(), rect.width(), metrics.height())
        painter.setPen(QColor(look.colors.text))
        room = int(rect.width()) - metrics.horizontalAdvance(bar.words) - _ROW_GAP
        name = metrics.elidedText(bar.name, Qt.TextElideMode.ElideRight, max(room, 0))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(words, QStyle.visualAlignment(direction, Qt.AlignmentFlag.AlignLeft) | middle, name)
        painter.setPen(QColor(look.colors.muted))
        painter.drawText(words, QStyle.visualAlignment(direction, Qt.AlignmentFlag.AlignRight) | middle, bar.words)
        track = QRectF(rect.left(), words.bottom() + _BELOW_WORDS, rect.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.colors.hover))
        painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)
        filled = QRectF(track)
        filled.setWidth(max(track.width() * bar.value / longest, _LEAST_BAR))
        if direction == Qt.LayoutDirection.RightToLeft:
            filled.moveRight(track.right())
        painter.setBrush(QColor(look.colors.accent if bar.marked else look.colors.border_strong))
        painter.drawRoundedRect(filled, _BAR / 2, _BAR / 2)

    def _row_height(self) -> int:
        look = theme.active()
        return QFontMetrics(fonts.sans(look, look.type.small)).height() + _BELOW_WORDS + _BAR
