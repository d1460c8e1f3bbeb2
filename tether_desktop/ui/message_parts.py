"""The pieces a message is put together from; each says how high it must be at a given width."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from tether_desktop.ui import fonts, icons, theme
from tether_desktop.ui.icons import IconButton
from tether_desktop.ui.markdown_body import MarkdownBody

FOLD_HEIGHT = 34
STATUS_HEIGHT = 24
ACTIONS_HEIGHT = 28
MOST_EDIT_LINES = 14


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
        painter.drawPixmap(QPointF(11, middle - 9), icons.pixmap(self._icon, "muted", 18, ratio))
        chevron = icons.pixmap("chevron-down" if self.isChecked() else "chevron-right", "muted", 18, ratio)
        painter.drawPixmap(QPointF(self.width() - 29, middle - 9), chevron)
        painter.setFont(fonts.sans(look, look.type.body - 1, bold=True))
        painter.setPen(QColor(look.colors.muted))
        painter.drawText(self.rect().adjusted(38, 0, -40, 0), Qt.AlignmentFlag.AlignVCenter, self.text())


class Fold(QFrame):
    """Thoughts under a line that opens and closes; closed, they are not even laid out.

    Signals:
        toggled: the person opened or closed it.
    """

    toggled = Signal(bool)

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
            self.body.setGeometry(38, height + 2, inner, body_height)
            height += body_height + 14
        return height


class StatusLine(QWidget):
    """One line that says what a reply waits for, with a slim bar when it is known how long."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._icon = QLabel(self)
        self._label = QLabel(self)
        self._label.setProperty("kind", "muted")
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setFixedSize(160, 4)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for part in (self._icon, self._label, self._bar):
            row.addWidget(part)
        row.addStretch(1)

    def show_status(self, icon: str, text: str, progress: float | None) -> None:
        """Say ``text``; ``progress`` is 0..1, or None to show no bar."""
        self._icon.setPixmap(icons.pixmap(icon, "muted", 16, self.devicePixelRatioF()))
        self._label.setText(text)
        self._bar.setVisible(progress is not None)
        self._bar.setValue(round((progress or 0) * 1000))
        self._bar.setAccessibleName(text)

    def fit(self, _width: int) -> int:
        """The height of one line."""
        return STATUS_HEIGHT


class Notice(QFrame):
    """A line that must not be missed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "notice")
        self._label = _wrapping_label(self, "notice_text")
        self._icon = QLabel(self)

    def show_text(self, text: str) -> None:
        """Say ``text``."""
        self._icon.setPixmap(icons.pixmap("scissors", "warning", 16, self.devicePixelRatioF()))
        self._label.setText(text)

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        inner = width - 36 - 12
        height = self._label.heightForWidth(inner)
        self._label.setGeometry(36, 8, inner, height)
        self._icon.setGeometry(12, 9, 16, 18)
        return height + 16


class ErrorCard(QFrame):
    """What went wrong, what to do, and a button to try again.

    Signals:
        retry_clicked: the person wants another try.
    """

    retry_clicked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "danger_card")
        self._icon = QLabel(self)
        self._texts = [_wrapping_label(self, kind) for kind in ("danger", "", "muted")]
        self.retry = QPushButton(self.tr("Try again"), self)
        self.retry.setIconSize(QSize(16, 16))
        self.retry.clicked.connect(self.retry_clicked)

    def show_error(self, title: str, message: str, hint: str) -> None:
        """Say what happened; empty texts take no room."""
        self._icon.setPixmap(icons.pixmap("circle-alert", "danger", 18, self.devicePixelRatioF()))
        self.retry.setIcon(icons.icon("rotate-ccw", "text", size=16))
        for label, text in zip(self._texts, (title, message, hint), strict=True):
            label.setText(text)
            label.setVisible(bool(text))

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        left, top = 42, 12
        self._icon.setGeometry(14, 13, 18, 18)
        for label in self._texts:
            if label.text():
                height = label.heightForWidth(width - left - 14)
                label.setGeometry(left, top, width - left - 14, height)
                top += height + 4
        size = self.retry.sizeHint()
        self.retry.setGeometry(left, top + 6, size.width(), size.height())
        return top + 6 + size.height() + 12


def _wrapping_label(parent: QWidget, kind: str) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setProperty("kind", kind)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


class VersionSwitch(QWidget):
    """Steps through the versions of a message: ``‹ 2 / 3 ›``.

    Signals:
        chosen: the version to show, from 1.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._version = 1
        self._label = QLabel(self)
        self._label.setProperty("kind", "small")
        self.previous = IconButton("chevron-left", self.tr("Previous version"), self, size=16)
        self.next = IconButton("chevron-right", self.tr("Next version"), self, size=16)
        self.previous.clicked.connect(lambda: self.chosen.emit(self._version - 1))
        self.next.clicked.connect(lambda: self.chosen.emit(self._version + 1))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for part in (self.previous, self._label, self.next):
            row.addWidget(part)

    def show_version(self, version: int, versions: int) -> None:
        """Say which of how many it is."""
        self._version = version
        self._label.setText(f"{version} / {versions}")
        self.previous.setEnabled(version > 1)
        self.next.setEnabled(version < versions)
        self.setVisible(versions > 1)


class Editor(QFrame):
    """Edits a question in place.

    Signals:
        saved: the new text, which is never blank.
        cancelled: leave it as it was.
        resized: it needs another height.
    """

    saved = Signal(str)
    cancelled = Signal()
    resized = Signal()

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "field")
        self.field = QPlainTextEdit(text)
        self.field.setProperty("kind", "bare")
        self.field.setAccessibleName(self.tr("Edit the message"))
        self.field.setTabChangesFocus(True)
        self.save = QPushButton(self.tr("Send"))
        self.save.setProperty("kind", "primary")
        self.cancel = QPushButton(self.tr("Cancel"))
        self.save.clicked.connect(self._on_save)
        self.cancel.clicked.connect(self.cancelled)
        self.field.textChanged.connect(self._on_text)
        self._lay_out()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 10, 10)
        column.addWidget(self.field, 1)
        column.addLayout(buttons)

    def _on_text(self) -> None:
        self.save.setEnabled(bool(self.field.toPlainText().strip()))
        self.resized.emit()

    def _on_save(self) -> None:
        if self.save.isEnabled():
            self.saved.emit(self.field.toPlainText())

    def fit(self, _width: int) -> int:
        """The height that shows the text, up to a limit."""
        lines = min(max(round(self.field.document().size().height()), 2), MOST_EDIT_LINES)
        return lines * self.field.fontMetrics().lineSpacing() + self.save.sizeHint().height() + 44

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Escape leaves; Ctrl+Enter sends."""
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        elif event.key() == Qt.Key.Key_Return and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._on_save()
        else:
            super().keyPressEvent(event)
