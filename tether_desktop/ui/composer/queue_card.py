"""One question that waits: read, changed in place, moved, removed, or sent now."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QDrag, QDragEnterEvent, QDropEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.composer.message_edit import MessageEdit
from tether_desktop.ui.composer.question import Question
from tether_desktop.ui.header import ElidedLabel
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.themed_button import ThemedButton

_MIME = "application/x-tether-queued-question"
_SHOWN = 300


class QueueCard(QFrame):
    """A line of the queue; dragging it onto another one puts it there.

    Signals:
        edit_requested(key): it is to be changed; 0 ends that without a change.
        saved(key, text): it was changed.
        remove_requested(key): it is not to be asked.
        moved(key, place): it is to be at this place.
        send_now_requested(key): at once, whatever is being answered.
    """

    edit_requested = Signal(int)
    saved = Signal(int, str)
    remove_requested = Signal(int)
    moved = Signal(int, int)
    send_now_requested = Signal(int)

    def __init__(self, key: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = key
        self._place = 0
        self._question = Question()
        self._pressed: QPoint | None = None
        self.editor: MessageEdit | None = None
        self.setAcceptDrops(True)
        self.label = ElidedLabel()
        self.label.setCursor(Qt.CursorShape.OpenHandCursor)
        self.files_label = QLabel()
        self.files_label.setProperty("kind", "small")
        self.up_button = IconButton("chevron-up", self.tr("Move up"), size=16)
        self.down_button = IconButton("chevron-down", self.tr("Move down"), size=16)
        self.now_button = IconButton("arrow-up", self.tr("Send now"), size=16)
        self.edit_button = IconButton("pencil", self.tr("Edit"), size=16)
        self.remove_button = IconButton("trash-2", self.tr("Remove"), size=16)
        self._connect()
        self._lay_out()

    def show_question(self, question: Question, place: int, count: int) -> None:
        """Show a question, and where in the queue it is."""
        self._question, self._place = question, place
        line = " ".join(question.text[:_SHOWN].split())
        self.label.setText(visible(line) or self.tr("Files only"))
        self.label.setToolTip(visible(question.text[:1000]))
        self.files_label.setText(self.tr("%n file(s)", "", len(question.files)))
        self.files_label.setVisible(bool(question.files))
        self.up_button.setVisible(place > 0)
        self.down_button.setVisible(place < count - 1)
        said = self.tr("Question {place} of {count}: {text}")
        self.setAccessibleName(said.format(place=place + 1, count=count, text=self.label.text()))

    def show_editing(self, *, editing: bool) -> None:
        """Open the editor, or close it."""
        if editing == (self.editor is not None):
            return
        if editing:
            self._open_editor()
        elif self.editor is not None:
            self._editing.hide()
            self._editing.deleteLater()
            self.editor = None
        self._reading.setVisible(not editing)

    def _connect(self) -> None:
        self.up_button.clicked.connect(lambda: self.moved.emit(self.key, self._place - 1))
        self.down_button.clicked.connect(lambda: self.moved.emit(self.key, self._place + 1))
        self.now_button.clicked.connect(lambda: self.send_now_requested.emit(self.key))
        self.edit_button.clicked.connect(lambda: self.edit_requested.emit(self.key))
        self.remove_button.clicked.connect(lambda: self.remove_requested.emit(self.key))

    def _lay_out(self) -> None:
        self._reading = QWidget()
        self._editing = QWidget()
        row = QHBoxLayout(self._reading)
        row.setContentsMargins(spacing.MEDIUM, 0, spacing.TIGHT, 0)
        row.setSpacing(spacing.HAIR)
        row.addWidget(self.label, 1)
        row.addSpacing(spacing.NEAR)
        row.addWidget(self.files_label)
        row.addSpacing(spacing.NEAR)
        for button in (self.up_button, self.down_button, self.now_button, self.edit_button, self.remove_button):
            row.addWidget(button)
        for button in (self.up_button, self.down_button):
            stays = button.sizePolicy()
            stays.setRetainSizeWhenHidden(True)
            button.setSizePolicy(stays)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self._reading)

    def _open_editor(self) -> None:
        editor = MessageEdit()
        editor.setAccessibleName(self.tr("Change the question"))
        editor.height_wanted.connect(editor.setFixedHeight)
        editor.submitted.connect(self._on_save)
        editor.installEventFilter(self)
        save = ThemedButton(self.tr("Save"), kind="answer")
        save.clicked.connect(self._on_save)
        cancel = ThemedButton(self.tr("Cancel"), kind="answer")
        cancel.clicked.connect(partial(self.edit_requested.emit, 0))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(save)
        self._editing = QFrame()
        self._editing.setProperty("kind", "field")
        self._editing.setProperty("active", True)
        column = QVBoxLayout(self._editing)
        column.setContentsMargins(spacing.MEDIUM, spacing.SMALL, spacing.SMALL, spacing.SMALL)
        column.addWidget(editor)
        column.addLayout(buttons)
        self._column.addWidget(self._editing)
        self.editor = editor
        editor.set_text(self._question.text)
        editor.setFocus()

    @Slot()
    def _on_save(self) -> None:
        if self.editor is not None:
            self.saved.emit(self.key, self.editor.text().strip())

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Escape leaves the editor."""
        if watched is self.editor and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            if event.type() == QEvent.Type.KeyPress:
                self.edit_requested.emit(0)
            return True
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """A drag may begin here."""
        self._pressed = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Begin to drag the question."""
        if self._pressed is None or self.editor is not None:
            return
        if (event.position().toPoint() - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            data = QMimeData()
            data.setData(_MIME, str(self.key).encode())
            drag = QDrag(self)
            drag.setMimeData(data)
            drag.setPixmap(self.grab())
            drag.exec(Qt.DropAction.MoveAction)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Change it."""
        self.edit_requested.emit(self.key)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  (Qt's name)
        """Take other questions of the queue."""
        if event.mimeData().hasFormat(_MIME):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802  (Qt's name)
        """Let the question that is dropped take this one's place."""
        event.acceptProposedAction()
        self.moved.emit(int(event.mimeData().data(_MIME).toStdString()), self._place)
