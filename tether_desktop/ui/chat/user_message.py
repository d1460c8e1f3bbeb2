"""A question: a bubble on the right that can be edited in place."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.chat.message_parts import ACTIONS_HEIGHT
from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.chat.message_widget import MessageWidget
from tether_desktop.ui.chat.question_editor import QuestionEditor
from tether_desktop.ui.look import theme

PADDING_X = 16
PADDING_TOP = 11
PADDING_BOTTOM = 7
"""Less than above, since a line of text already has its leading below."""
WIDEST = 0.72
"""Of the column."""


class UserMessage(MessageWidget):
    """Shows what the person said, as wide as it needs to be."""

    def __init__(self, view: MessageView, parent: QWidget) -> None:
        super().__init__(view, parent)
        self._editor: QuestionEditor | None = None
        self._bubble = QRect()
        self._shown = ""
        self.show_view(view)

    def show_view(self, view: MessageView) -> None:
        """Show another state of the same message."""
        if view.text != self._shown:
            self._shown = view.text
            self.body.show_typed(view.text)
        super().show_view(view)

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        if self._editor is not None:
            height = self._editor.fit(width)
            self._editor.setGeometry(0, 0, width, height)
            return height + ACTIONS_HEIGHT
        widest = int(width * WIDEST) - 2 * PADDING_X
        self.body.fit(widest)
        inner = min(widest, self.body.natural_width() + 1)
        if not self.body.code_cards() and inner < widest - 8:
            height = self.body.fit(inner)
        else:
            inner, height = widest, self.body.fit(widest)
        self._bubble = QRect(
            width - inner - 2 * PADDING_X, 0, inner + 2 * PADDING_X, height + PADDING_TOP + PADDING_BOTTOM
        )
        self.body.setGeometry(self._bubble.left() + PADDING_X, PADDING_TOP, inner, height)
        self._reserve_actions(QRect(0, self._bubble.height() + 2, width, ACTIONS_HEIGHT))
        self.update()
        return self._bubble.height() + ACTIONS_HEIGHT + 2

    @property
    def is_pinned(self) -> bool:
        """Also while it is edited."""
        return self._editor is not None or super().is_pinned

    def edit(self) -> None:
        """Open the editor."""
        if self._editor is not None:
            return
        self._editor = QuestionEditor(self.view.text, self)
        self._editor.saved.connect(self._on_saved)
        self._editor.cancelled.connect(self._close_editor)
        self._editor.resized.connect(self.resized)
        self._editor.show()
        self._editor.field.setFocus()
        self._set_editing(True)

    def _on_saved(self, text: str) -> None:
        self._close_editor()
        self.edit_requested.emit(self.view.id, text)

    def _close_editor(self) -> None:
        if self._editor is not None:
            self._editor.hide()
            self._editor.deleteLater()
            self._editor = None
            self._set_editing(False)
            self.setFocus()

    def _set_editing(self, editing: bool) -> None:
        self.body.setVisible(not editing)
        self._show_actions()
        self.resized.emit()

    def _show_actions(self) -> None:
        super()._show_actions()
        if self._actions is not None and self._editor is not None:
            self._actions.hide()

    def _buttons(self) -> list[QWidget]:
        edit = self._button("pencil", self.tr("Edit and send again"))
        edit.clicked.connect(self.edit)
        return [self._version_switch(), self._copy_button(), edit]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint the bubble."""
        if self._editor is None:
            look = theme.active()
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.colors.bubble))
            painter.drawRoundedRect(QRectF(self._bubble), look.radius.xl - 4, look.radius.xl - 4)
            painter.end()
        super().paintEvent(event)
