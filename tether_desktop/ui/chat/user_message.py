"""A question: a bubble on the right that can be edited in place."""

from __future__ import annotations

from collections.abc import Container
from functools import partial

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QStyle, QWidget

from tether_desktop.ui.chat.message_parts import ACTIONS_HEIGHT
from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.chat.message_widget import MessageWidget
from tether_desktop.ui.chat.question_editor import QuestionEditor
from tether_desktop.ui.composer.file_chip import FileChip
from tether_desktop.ui.composer.typed_text import beginning
from tether_desktop.ui.look import theme
from tether_desktop.ui.look.flow_layout import FlowLayout
from tether_desktop.ui.look.themed_button import ThemedButton

PADDING_X = 16
PADDING_TOP = 11
PADDING_BOTTOM = 7
"""Less than above, since a line of text already has its leading below."""
WIDEST = 0.72
"""Of the column."""
FILES_GAP = 6
FOLDED_LINES = 12
"""Lines of a long question that are shown until it is unfolded."""
FOLDED_SLACK = 60
UNFOLDED = "question"
"""The fold of a long question."""


class UserMessage(MessageWidget):
    """Shows what the person said, as wide as it needs to be."""

    def __init__(self, view: MessageView, parent: QWidget, *, open_folds: Container[str] = ()) -> None:
        super().__init__(view, parent)
        self._is_open = UNFOLDED in open_folds
        self._files: QWidget | None = None
        self._more: ThemedButton | None = None
        self._editor: QuestionEditor | None = None
        self._bubble = QRect()
        self._shown = ""
        self.show_view(view)

    def show_view(self, view: MessageView) -> None:
        """Show another state of the same message."""
        if view.text != self._shown:
            self._shown = view.text
            self.body.show_typed(view.text)
        if view.attachments and self._files is None:
            self._files = self._make_files(view)
        super().show_view(view)

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        if self._editor is not None:
            height = self._editor.fit(width)
            self._editor.setGeometry(0, 0, width, height)
            return height + ACTIONS_HEIGHT
        top = self._fit_files(width)
        if not self.view.text.strip() and self._files is not None:
            self.body.hide()
            self._bubble = QRect()
            self._reserve_actions(QRect(0, top, width, ACTIONS_HEIGHT))
            return top + ACTIONS_HEIGHT
        widest = int(width * WIDEST) - 2 * PADDING_X
        self.body.fit(widest)
        inner = min(widest, self.body.natural_width() + 1)
        if not self.body.code_cards() and inner < widest - 8:
            height = self.body.fit(inner)
        else:
            inner, height = widest, self.body.fit(widest)
        height, more = self._fold(height)
        outer = QRect(0, top, inner + 2 * PADDING_X, height + more + PADDING_TOP + PADDING_BOTTOM)
        self._bubble = QStyle.visualRect(
            self.layoutDirection(), QRect(0, 0, width, outer.bottom()), outer.translated(width - outer.width(), 0)
        )
        left = self._bubble.left() + PADDING_X
        self.body.setGeometry(left, top + PADDING_TOP, inner, height)
        if self._more is not None:
            wide = self._more.sizeHint().width()
            begin = self._bubble.right() + 1 - PADDING_X + 8 - wide if self.isRightToLeft() else left - 8
            self._more.setGeometry(begin, top + PADDING_TOP + height, wide, more)
        self._reserve_actions(QRect(0, self._bubble.bottom() + 3, width, ACTIONS_HEIGHT))
        self.update()
        return self._bubble.bottom() + 3 + ACTIONS_HEIGHT

    def _fold(self, height: int) -> tuple[int, int]:
        """How high the text and the button below it are; a long text shows its beginning until it is unfolded."""
        most = FOLDED_LINES * round(self.body.fontMetrics().lineSpacing() * 1.3)
        if height <= most + FOLDED_SLACK:
            if self._more is not None:
                self._more.hide()
            return height, 0
        if self._more is None:
            self._more = ThemedButton("", "chevron-down", self, kind="ghost")
            self._more.clicked.connect(self._on_more)
        self._more.setText(self.tr("Show less") if self._is_open else self.tr("Show more"))
        self._more.setVisible(self._editor is None)
        return height if self._is_open else most, self._more.sizeHint().height()

    def _on_more(self) -> None:
        self._is_open = not self._is_open
        self.fold_toggled.emit(self.view.id, UNFOLDED, self._is_open)
        self.resized.emit()

    def _make_files(self, view: MessageView) -> QWidget:
        files = QWidget(self)
        row = FlowLayout(files)
        for file in view.attachments:
            chip = FileChip(files)
            chip.show_file(file)
            chip.clicked.connect(partial(self.file_opened.emit, file))
            row.addWidget(chip)
        files.show()
        return files

    def _fit_files(self, width: int) -> int:
        """Lay out the files and return how much room they take above the text."""
        layout = self._files.layout() if self._files is not None else None
        if self._files is None or layout is None:
            return 0
        wide = min(width, layout.sizeHint().width())
        height = layout.heightForWidth(wide)
        place = QRect(width - wide, 0, wide, height)
        self._files.setGeometry(QStyle.visualRect(self.layoutDirection(), QRect(0, 0, width, height), place))
        return height + FILES_GAP

    def plain_text(self) -> str:
        """The text without its marks; of a very long one, all of it as it was typed."""
        return self.view.text if beginning(self.view.text) != self.view.text else super().plain_text()

    @property
    def is_pinned(self) -> bool:
        """Also while it is edited."""
        return self._editor is not None or super().is_pinned

    @property
    def edited(self) -> str | None:
        """What is written instead and was not sent; None where nothing is."""
        text = self.view.text if self._editor is None else self._editor.field.toPlainText()
        return None if text == self.view.text else text

    def edit(self) -> None:
        """Open the editor."""
        if self._editor is None:
            self._open_editor(self.view.text).field.setFocus()

    def edit_as(self, text: str) -> None:
        """Open the editor with another text, and leave the keyboard where it is."""
        if self._editor is None:
            self._open_editor(text)

    def _open_editor(self, text: str) -> QuestionEditor:
        self._editor = editor = QuestionEditor(text, self)
        editor.saved.connect(self._on_saved)
        editor.cancelled.connect(self._close_editor)
        editor.resized.connect(self.resized)
        editor.show()
        self._set_editing(True)
        return editor

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
        for part in (self.body, self._files, self._more):
            if part is not None:
                part.setVisible(not editing)
        self._show_actions()
        self.resized.emit()

    def _show_actions(self) -> None:
        super()._show_actions()
        if self._actions is not None and self._editor is not None:
            self._actions.hide()

    def _buttons(self) -> list[QWidget]:
        edit = self._button("pencil", self.tr("Edit and send again"))
        edit.clicked.connect(self.edit)
        return [self._version_switch(), self._copy_button(), edit, self._more_button()]

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
