"""A small word in a rounded frame: whether a model fits into the memory of this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tether_desktop.ui.look import fonts, theme
from tether_desktop.ui.translation import mark, translate

if TYPE_CHECKING:
    from tether_desktop.model.pool.memory_fit import Verdict

_TITLES: dict[Verdict, str] = {
    "fits": mark("FitPill", "fits"),
    "tight": mark("FitPill", "may be slow"),
    "will_not_fit": mark("FitPill", "will not fit"),
}
_EXPLANATIONS: dict[Verdict, str] = {
    "fits": mark("FitPill", "There is enough free memory for it."),
    "tight": mark("FitPill", "It works, but the rest of the computer will feel it."),
    "will_not_fit": mark("FitPill", "It needs more memory than is free."),
}

_COLORS: dict[Verdict, str] = {"fits": "success", "tight": "warning", "will_not_fit": "danger"}
_GROUNDS: dict[Verdict, str] = {"fits": "surface", "tight": "warning_surface", "will_not_fit": "danger_surface"}
_ABOVE = 2
_PADDING = 8


def fit_title(fit: Verdict) -> str:
    """The verdict in the words people read."""
    return translate("FitPill", _TITLES[fit])


def explanation(fit: Verdict) -> str:
    """What the verdict means."""
    return translate("FitPill", _EXPLANATIONS[fit])


def pill_size(fit: Verdict) -> QSize:
    """What the pill takes, in device-independent pixels."""
    look = theme.active()
    metrics = QFontMetrics(fonts.sans(look, look.type.small - 1))
    return QSize(metrics.horizontalAdvance(fit_title(fit)) + 2 * _PADDING, metrics.height() + 2 * _ABOVE)


def paint_pill(painter: QPainter, rect: QRectF, fit: Verdict) -> None:
    """Paint the pill into a rectangle of its size."""
    look = theme.active()
    color = QColor(look.color(_COLORS[fit]))
    line = QColor(color)
    line.setAlphaF(0.35)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(line, 1))
    painter.setBrush(QColor(look.color(_GROUNDS[fit])))
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), rect.height() / 2, rect.height() / 2)
    painter.setFont(fonts.sans(look, look.type.small - 1))
    painter.setPen(color)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, fit_title(fit))


class FitPill(QWidget):
    """The pill as a widget; nothing as long as nothing is known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fit: Verdict | Literal[""] = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_fit(self, fit: Verdict | Literal[""]) -> None:
        """Show how it fits."""
        self.fit = fit
        self.setToolTip(explanation(fit) if fit else "")
        self.setAccessibleName(self.tr("Memory: {fit}").format(fit=fit_title(fit)) if fit else "")
        self.setVisible(bool(fit))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As wide as its word."""
        return pill_size(self.fit) if self.fit else QSize(0, 0)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint the pill."""
        if self.fit:
            paint_pill(QPainter(self), QRectF(self.rect()), self.fit)
