"""A reply: who answers, what it is doing, its thoughts, its text, and what went wrong."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from tether_desktop.ui import fonts, icons, theme
from tether_desktop.ui.fold import Fold
from tether_desktop.ui.message_parts import ACTIONS_HEIGHT, ErrorCard, Notice, StatusLine
from tether_desktop.ui.message_view import MessageView
from tether_desktop.ui.message_widget import MessageWidget

AVATAR = 32
HEADER_HEIGHT = 22
HEADER_TOP = 5
GAP = 10


class ReplyMessage(MessageWidget):
    """Shows a reply in the full width of the column.

    Args:
        thoughts_open: whether the person opened its thoughts before.
    """

    def __init__(self, view: MessageView, parent: QWidget, *, thoughts_open: bool = False) -> None:
        super().__init__(view, parent)
        self._thoughts_open = thoughts_open
        self._notice: Notice | None = None
        self._fold: Fold | None = None
        self._status: StatusLine | None = None
        self._error: ErrorCard | None = None
        self.show_view(view)

    def show_view(self, view: MessageView) -> None:
        """Show another state of the same reply."""
        self.body.show_markdown(view.text, complete=not view.running)
        self.body.setVisible(bool(view.text))
        self._show_notice(view)
        self._show_thoughts(view)
        self._show_status(view)
        self._show_error(view)
        super().show_view(view)
        self.update(0, 0, self.width(), HEADER_TOP + HEADER_HEIGHT)

    def show_more(self) -> None:
        """Show the next part of a long text."""
        self.body.show_markdown(self.view.text, complete=not self.view.running)

    def restyle(self) -> None:
        """Take the colours of the theme that is on now."""
        if self._fold is not None and self._fold.body is not None:
            self._fold.body.restyle()
        super().restyle()
        self.update()

    @property
    def is_pinned(self) -> bool:
        """Also while some of the thoughts is selected."""
        thoughts = self._fold.body if self._fold is not None else None
        return (thoughts is not None and thoughts.has_selection()) or super().is_pinned

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        left = theme.active().space.gutter
        top = HEADER_TOP + HEADER_HEIGHT + 6
        for part in (self._notice, self._fold, self.body, self._status, self._error):
            if part is None or part.isHidden():
                continue
            height = part.fit(width - left)
            part.setGeometry(left, top, width - left, height)
            top += height + GAP
        self._reserve_actions(QRect(left - 6, top - 8, width - left, ACTIONS_HEIGHT))
        return top - 8 + ACTIONS_HEIGHT

    def _show_notice(self, view: MessageView) -> None:
        if view.notice and self._notice is None:
            self._notice = Notice(self)
        if self._notice is not None:
            self._notice.show_text(view.notice)
            self._notice.setVisible(bool(view.notice))

    def _show_thoughts(self, view: MessageView) -> None:
        if view.reasoning and self._fold is None:
            self._fold = Fold(self, is_open=self._thoughts_open)
            self._fold.toggled.connect(self._on_fold)
        if self._fold is not None:
            complete = view.state not in {"thinking", "waiting", "loading", "reading"}
            self._fold.show_thoughts(self._thoughts_label(view), view.reasoning, complete=complete)
            self._fold.setVisible(bool(view.reasoning))

    def _on_fold(self, is_open: bool) -> None:
        self.fold_toggled.emit(self.view.id, is_open)
        self.resized.emit()

    def _thoughts_label(self, view: MessageView) -> str:
        if view.state == "thinking":
            return self.tr("Thinking…")
        if view.thinking_seconds is None:
            return self.tr("Thoughts")
        return self.tr("Thought for %s") % _duration(view.thinking_seconds)

    def _show_status(self, view: MessageView) -> None:
        shown = self._status_of(view)
        if shown and self._status is None:
            self._status = StatusLine(self)
        if self._status is not None:
            self._status.setVisible(shown is not None)
            if shown:
                self._status.show_status(shown[0], shown[1], view.progress if view.running else None)

    def _status_of(self, view: MessageView) -> tuple[str, str] | None:
        """Icon and words for what the reply is doing, or None when its text says enough."""
        percent = f" {round(view.progress * 100)} %" if view.progress is not None else "…"
        lines = {
            "waiting": ("clock", self.tr("Waiting for the model…"), True),
            "loading": ("hard-drive", self.tr("Loading model") + percent, True),
            "reading": ("file-text", self.tr("Reading prompt") + percent, True),
            "thinking": ("brain", self.tr("Thinking…"), not view.reasoning),
            "streaming": ("pencil", self.tr("Writing…"), not view.text),
            "cut_off": ("circle-stop", self.tr("Cut off at the longest length of a reply"), True),
            "cancelled": ("circle-stop", self.tr("Stopped"), True),
        }
        icon, words, shown = lines.get(view.state, ("", "", False))
        return (icon, words) if shown else None

    def _show_error(self, view: MessageView) -> None:
        failed = view.state == "error"
        if failed and self._error is None:
            self._error = ErrorCard(self)
            self._error.retry_clicked.connect(lambda: self.retry_requested.emit(self.view.id))
        if self._error is not None:
            self._error.setVisible(failed)
            if failed:
                title = view.error_title or self.tr("The reply failed")
                self._error.show_error(title, view.error_message, view.error_hint)

    def _buttons(self) -> list[QWidget]:
        again = self._button("refresh-cw", self.tr("Answer again"))
        again.clicked.connect(lambda: self.regenerate_requested.emit(self.view.id))
        return [self._copy_button(), again, self._version_switch()]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint avatar and header."""
        look = theme.active()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(look.colors.border), 1))
        painter.setBrush(QColor(look.colors.window))
        painter.drawEllipse(QRectF(0.5, 0.5, AVATAR - 1, AVATAR - 1))
        painter.drawPixmap(QPointF(7, 7), icons.pixmap("sparkles", "accent", 18, self.devicePixelRatioF()))
        self._paint_header(painter)
        painter.end()
        super().paintEvent(event)

    def _paint_header(self, painter: QPainter) -> None:
        look = theme.active()
        rect = QRectF(look.space.gutter, HEADER_TOP, self.width() - look.space.gutter, HEADER_HEIGHT)
        name = self.view.model or self.tr("Assistant")
        bold = fonts.sans(look, look.type.body - 1, bold=True)
        painter.setFont(bold)
        painter.setPen(QColor(look.colors.text))
        name = QFontMetricsF(bold).elidedText(name, Qt.TextElideMode.ElideMiddle, rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, name)
        if self.view.meta:
            painter.setFont(fonts.sans(look, look.type.body - 1))
            painter.setPen(QColor(look.colors.muted))
            rest = rect.adjusted(QFontMetricsF(bold).horizontalAdvance(name), 0, 0, 0)
            painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, f" · {self.view.meta}")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
