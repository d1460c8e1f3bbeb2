"""Thoughts under a line that opens and closes."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QWidget

from tether_desktop.ui.look import fonts, icons, theme
from tether_desktop.ui.look.mirror import mirrored, place, turned
from tether_desktop.ui.markdown.markdown_body import MarkdownBody

FOLD_HEIGHT = 34


class FoldHeader(QAbstractButton):
    """The clickable line of a fold: an icon, a label and a chevron."""

    def __init__(self, icon: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._icon = icon
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As high as a fold that is closed."""
        return QSize(200, FOLD_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint icon, label and chevron."""
        look = theme.active()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.setPen(QPen(QColor(look.colors.accent if self.hasFocus() else look.colors.hover), 1))
            painter.setBrush(QColor(look.colors.hover) if self.underMouse() else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), look.radius.md, look.radius.md)
        ratio, middle = self.devicePixelRatioF(), self.height() / 2
        icon = mirrored(self, QRectF(11, middle - 9, 18, 18))
        painter.drawPixmap(icon.topLeft(), icons.pixmap(self._icon, "muted", 18, ratio))
        name = "chevron-down" if self.isChecked() else turned("chevron-right", self)
        chevron = icons.pixmap(name, "muted", 18, ratio)
        painter.drawPixmap(mirrored(self, QRectF(self.width() - 29, middle - 9, 18, 18)).topLeft(), chevron)
        painter.setFont(fonts.sans(look, look.type.body - 1, bold=True))
        painter.setPen(QColor(look.colors.muted))
        words = mirrored(self, QRectF(self.rect().adjusted(38, 0, -40, 0)))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())


class Fold(QFrame):
    """Thoughts under a line that opens and closes; closed, they are not even laid out.

    Signals:
        toggled: the person opened or closed it.
        link_activated, whole_requested: as of the text in it.
    """

    toggled = Signal(bool)
    link_activated = Signal(str)
    whole_requested = Signal(str, str)

    def __init__(self, parent: QWidget, *, is_open: bool) -> None:
        super().__init__(parent)
        self.setProperty("kind", "well")
        self.header = FoldHeader("brain", self)
        self.header.setChecked(is_open)
        self.header.clicked.connect(self._on_click)
        self.body: MarkdownBody | None = None
        self._text = ""
        self._complete = False

    def show_thoughts(self, label: str, text: str, *, complete: bool) -> None:
        """Show these thoughts under this label."""
        self.header.setText(label)
        self.header.setAccessibleName(label)
        self.header.update()
        self._text, self._complete = text, complete
        self._fill()

    def _fill(self) -> None:
        if self.header.isChecked():
            if self.body is None:
                self.body = MarkdownBody(self, muted=True)
                self.body.link_activated.connect(self.link_activated)
                self.body.whole_requested.connect(self.whole_requested)
            self.body.show_markdown(self._text, complete=self._complete)
        if self.body is not None:
            self.body.setVisible(self.header.isChecked())

    def _on_click(self) -> None:
        self._fill()
        self.toggled.emit(self.header.isChecked())

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        self.header.setGeometry(1, 1, width - 2, FOLD_HEIGHT - 2)
        height = FOLD_HEIGHT
        if self.body is not None and self.header.isChecked():
            inner = width - 38 - 16
            body_height = self.body.fit(inner)
            place(self.body, QRect(38, height + 2, inner, body_height), width)
            height += body_height + 14
        return height
