"""How the list of offers paints its rows: the name, size and licence, the fit, and below what it is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from tether_desktop.ui.look import fonts, theme
from tether_desktop.ui.models.fit_pill import paint_pill, pill_size
from tether_desktop.ui.models.model_status import size_text

if TYPE_CHECKING:
    from tether_desktop.model.install.offers import Offer
    from tether_desktop.ui.models.model_fits import RatedOffer

OFFER_ROLE = int(Qt.ItemDataRole.UserRole)

_ROW_HEIGHT = 56
_PADDING = 12
_LINE = 22
_GAP = 10

Index = QModelIndex | QPersistentModelIndex


class OfferDelegate(QStyledItemDelegate):
    """Paints offers."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802  (Qt's name)
        """Rows are of one height."""
        return QSize(0, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_ground(painter, option)
        rect = QRect(option.rect).adjusted(_PADDING, 0, -_PADDING, 0)
        rect.setTop(rect.top() + (_ROW_HEIGHT - 2 * _LINE) // 2)
        rect.setHeight(_LINE)
        rated = index.data(OFFER_ROLE)
        _paint_names(painter, rect, rated)
        look = theme.active()
        small = fonts.sans(look, look.type.small)
        _paint_text(painter, rect.translated(0, _LINE), rated.offer.description, small, look.colors.muted)
        painter.restore()


def licence_text(offer: Offer) -> str:
    """A licence in words: "Apache-2.0", "Gemma terms"."""
    name = offer.licence.removeprefix("LicenseRef-")
    return name if name == offer.licence else f"{name.replace('-', ' ')} terms"


def _paint_names(painter: QPainter, rect: QRect, rated: RatedOffer) -> None:
    look = theme.active()
    pill = pill_size(rated.fit)
    top = rect.top() + (rect.height() - pill.height()) / 2
    paint_pill(painter, QRectF(rect.right() + 1 - pill.width(), top, pill.width(), pill.height()), rated.fit)
    facts = f"{size_text(rated.offer.download_bytes)} · {licence_text(rated.offer)}"
    small = fonts.sans(look, look.type.small)
    # Aligned with the facts of other rows, whatever the pill of this one says.
    right = rect.adjusted(0, 0, -pill_size("will_not_fit").width() - _GAP, 0)
    right.setLeft(right.right() - QFontMetrics(small).horizontalAdvance(facts))
    _paint_text(painter, right, facts, small, look.colors.muted)
    left = QRect(rect)
    left.setRight(right.left() - _GAP)
    _paint_text(painter, left, rated.offer.title, fonts.sans(look, look.type.body - 1, bold=True), look.colors.text)


def _paint_text(painter: QPainter, rect: QRect, text: str, font: QFont, color: str) -> None:
    painter.setFont(font)
    painter.setPen(QColor(color))
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width() + 1)
    painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


def _paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
    look = theme.active()
    state = QStyle.StateFlag(option.state)
    rect = QRectF(option.rect).adjusted(3.5, 1.5, -3.5, -1.5)
    selected = state & QStyle.StateFlag.State_Selected
    if selected or state & QStyle.StateFlag.State_MouseOver:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.colors.selected if selected else look.colors.hover))
        painter.drawRoundedRect(rect, look.radius.sm, look.radius.sm)
    # Qt says "keyboard focus change" only after a key, so that a mouse does not draw rings.
    if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
        painter.setPen(QPen(QColor(look.colors.accent), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect, look.radius.sm, look.radius.sm)
