"""How the list of offers paints its rows: the name and the fit, what it takes, and what it is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from tether_desktop.ui.look import fonts, theme
from tether_desktop.ui.models.fit_pill import paint_pill, pill_size
from tether_desktop.ui.size_text import size_text
from tether_desktop.ui.translation import translate

if TYPE_CHECKING:
    from tether_desktop.model.install.offers import Offer
    from tether_desktop.ui.models.model_fits import RatedOffer

OFFER_ROLE = int(Qt.ItemDataRole.UserRole)

_PADDING = 14
_ABOVE = 9
_GAP = 10

Index = QModelIndex | QPersistentModelIndex


class OfferDelegate(QStyledItemDelegate):
    """Paints offers."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802  (Qt's name)
        """Rows are of one height."""
        return QSize(0, 2 * _ABOVE + sum(_lines()))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(option.direction)
        _paint_ground(painter, option)
        rated, look = index.data(OFFER_ROLE), theme.active()
        name, line, _ = _lines()
        rect = QRect(option.rect).adjusted(_PADDING, _ABOVE, -_PADDING, 0)
        rect.setHeight(name)
        _paint_names(painter, rect, rated, option.direction)
        small = fonts.sans(look, look.type.small)
        rect = QRect(rect.left(), rect.top() + name, rect.width(), line)
        _paint_text(painter, rect, facts_text(rated.offer), small, look.colors.muted)
        _paint_text(painter, rect.translated(0, line), purpose_text(rated.offer), small, look.colors.text)
        painter.restore()


def purpose_text(offer: Offer) -> str:
    """What a model is good for, in the language that is on."""
    return translate("Catalogue", offer.description)


def facts_text(offer: Offer) -> str:
    """What an offer takes: "639 MB to download · 1.0 GB of memory · Apache-2.0"."""
    words = translate("OfferList", "{size} to download · {memory} of memory · {licence}")
    size, memory = size_text(offer.download_bytes), size_text(offer.memory_bytes)
    return words.format(size=size, memory=memory, licence=licence_text(offer))


def licence_text(offer: Offer) -> str:
    """A licence in words: "Apache-2.0", "Gemma terms"."""
    name = offer.licence.removeprefix("LicenseRef-")
    if name == offer.licence:
        return name
    return translate("OfferList", "{name} terms").format(name=name.replace("-", " "))


def _lines() -> tuple[int, int, int]:
    """Heights of the three lines of a row."""
    look = theme.active()
    small = round(QFontMetrics(fonts.sans(look, look.type.small)).height() * 1.2)
    return round(QFontMetrics(fonts.sans(look, look.type.body, bold=True)).height() * 1.25), small, small


def _paint_names(painter: QPainter, rect: QRect, rated: RatedOffer, direction: Qt.LayoutDirection) -> None:
    look = theme.active()
    pill = pill_size(rated.fit)
    top = rect.top() + (rect.height() - pill.height()) / 2
    place = QRect(rect.right() + 1 - pill.width(), round(top), pill.width(), pill.height())
    paint_pill(painter, QRectF(QStyle.visualRect(direction, rect, place)), rated.fit)
    name = QStyle.visualRect(direction, rect, rect.adjusted(0, 0, -pill.width() - _GAP, 0))
    _paint_text(painter, name, rated.offer.title, fonts.sans(look, look.type.body, bold=True), look.colors.text)


def _paint_text(painter: QPainter, rect: QRect, text: str, font: QFont, color: str) -> None:
    painter.setFont(font)
    painter.setPen(QColor(color))
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width() + 1)
    painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, shown)


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
