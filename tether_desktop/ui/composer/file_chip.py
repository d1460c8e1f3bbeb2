"""A file that goes with a question, as a small card: its kind, name, size and cost."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from tether_desktop.messages import Attachment
from tether_desktop.ui.composer.file_words import file_facts, file_icon
from tether_desktop.ui.look import fonts, icons, spacing, theme
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.plain_view import visible

_WIDEST_NAME = 220
_ICON = 20
_EDGE = 10
_GAP = 8


class FileChip(QAbstractButton):
    """Name over facts, beside an icon; clicking shows what is in the file.

    Attributes:
        attachment: what is shown; None while the file is still being read.
        buttons: room at the end for small buttons, such as one that takes the file off.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.attachment: Attachment | None = None
        self._name = ""
        self._facts = ""
        self._icon = "file-text"
        self._color = "muted"
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.buttons = QHBoxLayout(self)
        self.buttons.setContentsMargins(0, 0, spacing.NEAR, 0)
        self.buttons.setSpacing(0)
        self.buttons.addStretch(1)

    def show_file(self, attachment: Attachment, tokens: int | None = None) -> None:
        """Show a file that was read."""
        self.attachment = attachment
        self._show(attachment.name, file_facts(attachment, tokens), file_icon(attachment.name), "muted")

    def show_note(self, name: str, note: str, *, color: str = "muted") -> None:
        """Show a file with words of another kind in the place of its facts."""
        self._show(name, note, file_icon(name), color)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As wide as its words up to a limit, and its buttons."""
        name, facts = self._metrics()
        words = max(min(name.horizontalAdvance(self._name), _WIDEST_NAME), facts.horizontalAdvance(self._facts))
        width = _EDGE + _ICON + _GAP + words + _EDGE + self._actions_width()
        return QSize(round(width + 1), round(name.height() + facts.height() + 10))

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Narrow enough for a small window; the name is elided then."""
        return QSize(min(160, self.sizeHint().width()), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint frame, icon and words."""
        look = theme.active()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QColor(look.colors.accent if self.hasFocus() else look.colors.border)
        painter.setPen(QPen(pen, 1))
        painter.setBrush(QColor(look.colors.hover if self.underMouse() else look.colors.surface))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), look.radius.md, look.radius.md)
        picture = icons.pixmap(self._icon, self._color, _ICON, self.devicePixelRatioF())
        painter.drawPixmap(self._mirrored(QRectF(_EDGE, (self.height() - _ICON) / 2, _ICON, _ICON)).topLeft(), picture)
        self._paint_words(painter)

    def _paint_words(self, painter: QPainter) -> None:
        look = theme.active()
        name, facts = self._metrics()
        left = _EDGE + _ICON + _GAP
        room = self.width() - left - _EDGE - self._actions_width()
        top = (self.height() - name.height() - facts.height()) / 2
        side = Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter
        side = _visual(side, self.layoutDirection())
        painter.setFont(fonts.sans(look, look.type.small, bold=True))
        painter.setPen(QColor(look.colors.text))
        shown = name.elidedText(self._name, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(self._mirrored(QRectF(left, top, room, name.height())), side, shown)
        painter.setFont(fonts.sans(look, look.type.small))
        painter.setPen(QColor(look.color(self._color)))
        said = facts.elidedText(_isolated(self._facts), Qt.TextElideMode.ElideRight, room)
        painter.drawText(self._mirrored(QRectF(left, top + name.height(), room, facts.height())), side, said)

    def event(self, event: QEvent) -> bool:
        """Take the sizes of a new look."""
        if event.type() == QEvent.Type.StyleChange:
            self.updateGeometry()
        return super().event(event)

    def _show(self, name: str, facts: str, icon: str, color: str) -> None:
        self._name, self._facts, self._icon, self._color = visible(name), facts, icon, color
        self.setAccessibleName(f"{self._name}, {facts}")
        self.setToolTip(self._name)
        self.updateGeometry()
        self.update()

    def _metrics(self) -> tuple[QFontMetricsF, QFontMetricsF]:
        look = theme.active()
        return (
            QFontMetricsF(fonts.sans(look, look.type.small, bold=True)),
            QFontMetricsF(fonts.sans(look, look.type.small)),
        )

    def _actions_width(self) -> int:
        return self.buttons.sizeHint().width() if self.buttons.count() > 1 else 0

    def _mirrored(self, rect: QRectF) -> QRectF:
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            return rect.translated(QPointF(self.width() - rect.right() - rect.left(), 0))
        return rect


def _isolated(facts: str) -> str:
    """Facts that keep their own direction, "4.0 kB" also where one reads from right to left."""
    return " · ".join(f"\u2068{fact}\u2069" for fact in facts.split(" · "))


def _visual(side: Qt.AlignmentFlag, direction: Qt.LayoutDirection) -> Qt.AlignmentFlag:
    from PySide6.QtWidgets import QStyle

    return QStyle.visualAlignment(direction, side)


class RemovableChip(FileChip):
    """A chip of the composer, with buttons.

    Signals:
        removed(): take it off.
        read_again(): the file has changed, and the newer one is wanted.
        unfolded(): put its text into the message.
    """

    removed = Signal()
    read_again = Signal()
    unfolded = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.again_button = IconButton("refresh-cw", self.tr("Read the file again"), size=14)
        self.again_button.clicked.connect(self.read_again)
        self.text_button = IconButton("type", self.tr("Turn back into text"), size=14)
        self.text_button.clicked.connect(self.unfolded)
        self.remove_button = IconButton("x", self.tr("Remove"), size=14)
        self.remove_button.clicked.connect(self.removed)
        for button in (self.again_button, self.text_button, self.remove_button):
            self.buttons.addWidget(button)
        self.again_button.hide()
        self.text_button.hide()

    def name_buttons(self, name: str) -> None:
        """Let a screen reader say which file the buttons are for."""
        self.remove_button.setAccessibleName(self.tr("Remove {name}").format(name=visible(name)))
        self.again_button.setAccessibleName(self.tr("Read {name} again").format(name=visible(name)))
