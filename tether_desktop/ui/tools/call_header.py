"""The line of a tool's card that opens and closes it: title, state, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from tether_desktop.ui.chat.message_view import CallView
from tether_desktop.ui.look import fonts, icons, theme
from tether_desktop.ui.look.fold import FOLD_HEIGHT
from tether_desktop.ui.look.mirror import mirrored, turned
from tether_desktop.ui.tools.call_words import brief_arguments, one_line, origin_of, state_of, title_of
from tether_desktop.ui.tools.tool_facts import ToolNames

SECOND_LINE = 24
_LEFT = 38
_BAR = 140
_ICON_COLORS = {"waiting": "warning", "failed": "danger"}


class CallHeader(QAbstractButton):
    """Title and brief arguments on the left, the state on the right; below, progress or the result's beginning."""

    def __init__(self, names: ToolNames, parent: QWidget) -> None:
        super().__init__(parent)
        self._names = names
        self._call = CallView(0, "", "")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_call(self, call: CallView) -> None:
        """Show this state of the call; one that waits is open and stays so."""
        self._call = call
        asks = call.state == "waiting"
        self.setEnabled(not asks)
        self.setCursor(Qt.CursorShape.ArrowCursor if asks else Qt.CursorShape.PointingHandCursor)
        title, origin, state = title_of(call, self._names), origin_of(call, self._names), state_of(call)[0]
        self.setAccessibleName(", ".join(filter(None, (title, origin, state, one_line(call.message)))))
        self.update()

    @property
    def second_line(self) -> str:
        """What stands below the title: how it goes, or how the result begins while the card is closed."""
        if self._call.state == "running":
            return one_line(self._call.message)
        return "" if self.isChecked() or self._call.state == "waiting" else one_line(self._call.result)

    @property
    def wanted_height(self) -> int:
        """What it takes now."""
        has_second = bool(self.second_line) or self._shows_bar()
        return FOLD_HEIGHT - 2 + (SECOND_LINE if has_second else 0)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As high as it needs to be."""
        return QSize(200, self.wanted_height)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint both lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        ratio, middle = self.devicePixelRatioF(), (FOLD_HEIGHT - 2) / 2
        mark = icons.pixmap("wrench", _ICON_COLORS.get(self._call.state, "muted"), 18, ratio)
        painter.drawPixmap(mirrored(self, QRectF(11, middle - 9, 18, 18)).topLeft(), mark)
        right = self._paint_right(painter, middle, ratio)
        self._paint_title(painter, QRectF(_LEFT, 0, right - _LEFT - 12, FOLD_HEIGHT - 2))
        self._paint_second_line(painter)

    def _shows_bar(self) -> bool:
        return self._call.state == "running" and self._call.progress is not None

    def _paint_ground(self, painter: QPainter) -> None:
        look = theme.active()
        if not self.isEnabled() or not (self.underMouse() or self.hasFocus()):
            return
        painter.setPen(QPen(QColor(look.colors.accent if self.hasFocus() else look.colors.hover), 1))
        painter.setBrush(QColor(look.colors.hover) if self.underMouse() else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), look.radius.md, look.radius.md)

    def _paint_right(self, painter: QPainter, middle: float, ratio: float) -> float:
        """Paint state and chevron; returns where they begin."""
        look, right = theme.active(), self.width() - 12.0
        if self._call.state != "waiting":
            right = self.width() - 29.0
            name = "chevron-down" if self.isChecked() else turned("chevron-right", self)
            chevron = icons.pixmap(name, "muted", 18, ratio)
            painter.drawPixmap(mirrored(self, QRectF(right, middle - 9, 18, 18)).topLeft(), chevron)
            right -= 8
        words, color = state_of(self._call)
        font = fonts.sans(look, look.type.small)
        width = QFontMetricsF(font).horizontalAdvance(words)
        painter.setFont(font)
        painter.setPen(QColor(look.color(color)))
        rect = mirrored(self, QRectF(right - width - 2, 0, width + 2, FOLD_HEIGHT - 2))
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, words)
        return right - width

    def _paint_title(self, painter: QPainter, rect: QRectF) -> None:
        look = theme.active()
        bold = fonts.sans(look, look.type.body - 1, bold=True)
        taken = self._paint_elided(painter, rect, title_of(self._call, self._names), bold, look.colors.text)
        is_plain = not (self.isChecked() or self._call.text or self._call.state == "waiting")
        brief = brief_arguments(self._call) if is_plain else ""
        rest = rect.adjusted(taken + 10, 0, 0, 0)
        if brief and rest.width() > 60:
            self._paint_elided(painter, rest, brief, fonts.mono(look), look.colors.muted)

    def _paint_second_line(self, painter: QPainter) -> None:
        look = theme.active()
        top = FOLD_HEIGHT - 6.0
        room = self.width() - _LEFT - 16.0
        if self._shows_bar():
            bar = QRectF(self.width() - 16.0 - _BAR, top + 8, _BAR, 4)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.colors.hover))
            painter.drawRoundedRect(mirrored(self, bar), 2, 2)
            bar.setWidth(bar.width() * min(max(self._call.progress or 0.0, 0.0), 1.0))
            painter.setBrush(QColor(look.colors.accent))
            painter.drawRoundedRect(mirrored(self, bar), 2, 2)
            room -= _BAR + 12
        running = self._call.state == "running"
        font = fonts.sans(look, look.type.small) if running else fonts.mono(look)
        rect = QRectF(_LEFT, top, room, SECOND_LINE - 4)
        self._paint_elided(painter, rect, self.second_line, font, look.colors.muted)

    def _paint_elided(self, painter: QPainter, rect: QRectF, text: str, font: QFont, color: str) -> float:
        """Paint a line of text, cut off where it has no room; returns the width it takes."""
        metrics = QFontMetricsF(font)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.setFont(font)
        painter.setPen(QColor(color))
        painter.drawText(mirrored(self, rect), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        return metrics.horizontalAdvance(shown)
