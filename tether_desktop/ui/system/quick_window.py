"""The quick window: one question from anywhere, and the answer below it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QCursor, QGuiApplication, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.composer.message_edit import MessageEdit
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.markdown.markdown_body import MarkdownBody

WIDTH = 640
MOST_ANSWER = 360
"""The answer grows to this height, in device-independent pixels, and scrolls from then on."""

_EDGE = 16
_SCROLL_BAR = 12


class QuickWindow(QFrame):
    """A small window without a frame; Escape hides it, Enter asks.

    Signals:
        asked(text): a question.
        stop_requested(): stop the answer.
        copy_requested(): put the answer on the clipboard.
        open_requested(): go on in the big window.
        link_activated(address): a link of the answer was followed.
        hidden(): it was put away.
    """

    asked = Signal(str)
    stop_requested = Signal()
    copy_requested = Signal()
    open_requested = Signal()
    link_activated = Signal(str)
    hidden = Signal()

    def __init__(self) -> None:
        super().__init__(None, Qt.WindowType.Tool | Qt.WindowType.FramelessWindowHint)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.setProperty("kind", "menu")
        self.setWindowTitle(self.tr("Quick question"))
        self.setAccessibleName(self.tr("Quick question"))
        self.edit = MessageEdit()
        self.edit.setPlaceholderText(self.tr("Ask anything…"))
        self.send_button = IconButton("arrow-up", self.tr("Ask (Enter)"), color="on_accent", size=20)
        self.send_button.setProperty("kind", "round")
        self.send_button.setFixedSize(36, 36)
        self.question_label = QLabel()
        self.answer = MarkdownBody()
        self.status_label = QLabel()
        self.copy_button = ThemedButton(self.tr("Copy"), "copy", kind="answer")
        self.open_button = ThemedButton(self.tr("Open in Tether"), "external-link", kind="answer")
        self._busy = False
        self._lay_out()
        self._connect()
        self.start_anew()

    def start_anew(self) -> None:
        """Be ready for another question."""
        self.edit.set_text("")
        self.show_reply("", None)
        self.set_reason("")

    def appear(self) -> None:
        """Come up on the screen where the person is, ready to be typed into."""
        self.adjustSize()
        screen = QGuiApplication.screenAt(QCursor.pos()) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        self.move(room.x() + (room.width() - self.width()) // 2, room.y() + room.height() // 5)
        self.show()
        self.raise_()
        self.activateWindow()
        self.edit.setFocus(Qt.FocusReason.ActiveWindowFocusReason)

    def set_reason(self, reason: str) -> None:
        """Why nothing can be asked; empty when it can."""
        self.edit.setEnabled(not reason)
        self.send_button.setEnabled(not reason)
        self.status_label.setText(reason)
        self._foot.setVisible(bool(reason))
        self.adjustSize()

    def tell(self, text: str) -> None:
        """Say what went wrong."""
        self.status_label.setText(text)
        self._foot.show()
        self.adjustSize()

    def show_reply(self, question: str, reply: MessageView | None) -> None:
        """Show what was asked and how far the answer is; nothing for None."""
        self._busy = reply is not None and reply.running
        self.send_button.set_icon("square" if self._busy else "arrow-up")
        self.send_button.set_label(self.tr("Stop the answer (Esc)") if self._busy else self.tr("Ask (Enter)"))
        self.question_label.setText(question)
        self.question_label.setVisible(bool(question))
        text = reply.text if reply is not None else ""
        self.answer.show_markdown(text, complete=not self._busy)
        self._scroll.setVisible(bool(text))
        self._foot.setVisible(reply is not None)
        self.copy_button.setEnabled(bool(text))
        self.status_label.setText(self._state_of(reply))
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Escape stops the answer, and then puts the window away."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self._busy:
            self.stop_requested.emit()
        else:
            self.hide()
            self.hidden.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Lay the answer out anew."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As high as what is shown."""
        return QSize(WIDTH, super().sizeHint().height())

    def _state_of(self, reply: MessageView | None) -> str:
        if reply is None:
            return ""
        if reply.state == "error":
            return " ".join(filter(None, (reply.error_title, reply.error_message)))
        if not reply.running:
            return reply.meta
        return "" if reply.text else self.tr("Thinking…")

    def _fit(self) -> None:
        width = WIDTH - 2 * _EDGE - _SCROLL_BAR
        height = self.answer.fit(width)
        self.answer.setFixedSize(width, height)
        self._scroll.setFixedHeight(min(height, MOST_ANSWER))
        at_end = self._scroll.verticalScrollBar()
        if self._busy:
            at_end.setValue(at_end.maximum())
        self.adjustSize()

    def _connect(self) -> None:
        self.edit.submitted.connect(self._on_submitted)
        self.edit.height_wanted.connect(self._on_height_wanted)
        self.send_button.clicked.connect(self._on_send)
        self.copy_button.clicked.connect(self.copy_requested)
        self.open_button.clicked.connect(self.open_requested)
        self.answer.link_activated.connect(self.link_activated)

    def _lay_out(self) -> None:
        field = QFrame()
        field.setProperty("kind", "field")
        row = QHBoxLayout(field)
        row.setContentsMargins(spacing.LARGE, spacing.SMALL, spacing.SMALL, spacing.SMALL)
        row.addWidget(self.edit, 1)
        row.addWidget(self.send_button, 0, Qt.AlignmentFlag.AlignBottom)
        for label in (self.question_label, self.status_label):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setProperty("kind", "small")
        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setAccessibleName(self.tr("Answer"))
        self._scroll.setWidget(self.answer)
        self._foot = QWidget()
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addWidget(self.status_label, 1)
        foot.addWidget(self.copy_button)
        foot.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_EDGE, _EDGE, _EDGE, _EDGE)
        layout.setSpacing(spacing.MEDIUM)
        for widget in (field, self.question_label, self._scroll, self._foot):
            layout.addWidget(widget)

    @Slot(int)
    def _on_height_wanted(self, height: int) -> None:
        self.edit.setFixedHeight(height)
        self.adjustSize()

    @Slot()
    def _on_send(self) -> None:
        if self._busy:
            self.stop_requested.emit()
        else:
            self._on_submitted()

    @Slot()
    def _on_submitted(self) -> None:
        text = self.edit.text().strip()
        if text and not self._busy:
            self.edit.set_text("")
            self.asked.emit(text)
