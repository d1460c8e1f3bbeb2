"""Where saved prompts are added, changed and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QListWidget, QPlainTextEdit, QVBoxLayout, QWidget

from tether_desktop.context.records import Snippet
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label

_SIZE = (720, 480)
_FRAME = 56


class PromptsDialog(QDialog):
    """The names beside the prompt that is chosen; what is changed is kept by the button.

    Signals:
        save_requested(Snippet): keep it, a new one where its id is empty.
        delete_requested(snippet_id): forget it.
    """

    save_requested = Signal(object)
    delete_requested = Signal(str)

    def __init__(self, snippets: Sequence[Snippet], text: str = "", parent: QWidget | None = None) -> None:
        """``text`` is what is written in the message: a new prompt begins with it."""
        super().__init__(parent)
        self.setWindowTitle(self.tr("Saved prompts"))
        self._snippets = list(snippets)
        self._written = text
        self._shown = Snippet("", "", "")
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Saved prompts"))
        self.list.setMinimumWidth(180)
        self.name_edit = QLineEdit()
        self.name_edit.setAccessibleName(self.tr("Name"))
        self.name_edit.setPlaceholderText(self.tr("Name, such as Summarise"))
        self.name_edit.setMaxLength(80)
        self.text_edit = QPlainTextEdit()
        self.text_edit.setAccessibleName(self.tr("Prompt"))
        self.text_edit.setTabChangesFocus(True)
        self.text_edit.setPlaceholderText(self.tr("What to ask. {{Blanks like this}} are filled in when it is used."))
        self.problem_label = plain_label("danger_text")
        self.problem_label.hide()
        self.new_button = ThemedButton(self.tr("New prompt"), "plus")
        self.save_button = ThemedButton(self.tr("Save"), kind="primary")
        self.delete_button = ThemedButton(self.tr("Delete"), "trash-2", kind="ghost")
        self.close_button = ThemedButton(self.tr("Close"))
        for button in (self.new_button, self.save_button, self.delete_button, self.close_button):
            button.setAutoDefault(False)
        self._connect()
        self._lay_out()
        self._fill("")
        if text or not snippets:
            self.begin_new()
        else:
            self.list.setCurrentRow(0)

    @Slot()
    def begin_new(self) -> None:
        """Begin another prompt, with what is written in the message."""
        self.list.setCurrentRow(-1)
        self._show(Snippet("", "", self._written))
        self.name_edit.setFocus()

    def show_problem(self, problem: str) -> None:
        """Say why a prompt was not kept or deleted; what is written stays."""
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))

    def show_saved(self, snippet: Snippet) -> None:
        """A prompt is kept."""
        others = [each for each in self._snippets if each.id != snippet.id]
        self._snippets = sorted([*others, snippet], key=lambda each: each.name.casefold())
        self._written = ""
        self._fill(snippet.id)

    def show_deleted(self, snippet_id: str) -> None:
        """A prompt is gone."""
        self._snippets = [each for each in self._snippets if each.id != snippet_id]
        self._fill(self._snippets[0].id if self._snippets else "")
        if not self._snippets:
            self.begin_new()

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._on_row)
        self.name_edit.textChanged.connect(self._refresh)
        self.text_edit.textChanged.connect(self._refresh)
        self.new_button.clicked.connect(self.begin_new)
        self.save_button.clicked.connect(self._on_save)
        self.delete_button.clicked.connect(self._on_delete)
        self.close_button.clicked.connect(self.accept)

    def _lay_out(self) -> None:
        about = QLabel(self.tr("Type / in an empty message to call one up."))
        about.setProperty("kind", "small")
        about.setWordWrap(True)
        left = QVBoxLayout()
        left.setSpacing(spacing.SMALL)
        left.addWidget(self.list, 1)
        left.addWidget(self.new_button)
        right = QVBoxLayout()
        right.setSpacing(spacing.SMALL)
        right.addWidget(self.name_edit)
        right.addWidget(self.text_edit, 1)
        right.addWidget(self.problem_label)
        keep = QHBoxLayout()
        keep.addWidget(self.delete_button)
        keep.addStretch(1)
        keep.addWidget(self.save_button)
        right.addLayout(keep)
        middle = QHBoxLayout()
        middle.setSpacing(spacing.LARGE)
        middle.addLayout(left, 2)
        middle.addLayout(right, 5)
        bottom = QHBoxLayout()
        bottom.addWidget(about, 1)
        bottom.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing.WIDE, spacing.WIDE, spacing.WIDE, spacing.LARGE)
        column.setSpacing(spacing.MEDIUM)
        column.addLayout(middle, 1)
        column.addLayout(bottom)
        room = self.screen().availableSize()
        self.resize(min(_SIZE[0], room.width() - 24), min(_SIZE[1], room.height() - _FRAME))

    def _fill(self, chosen: str) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems([visible(each.name) for each in self._snippets])
        self.list.blockSignals(False)
        ids = [each.id for each in self._snippets]
        if chosen in ids:
            self.list.setCurrentRow(ids.index(chosen))

    def _show(self, snippet: Snippet) -> None:
        self._shown = snippet
        self.name_edit.setText(snippet.name)
        self.text_edit.setPlainText(snippet.text)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        self.show_problem("")
        name, text = self.name_edit.text().strip(), self.text_edit.toPlainText()
        changed = (name, text) != (self._shown.name, self._shown.text) or not self._shown.id
        self.save_button.setEnabled(bool(name and text.strip()) and changed)
        self.delete_button.setVisible(bool(self._shown.id))

    @Slot(int)
    def _on_row(self, row: int) -> None:
        if row >= 0:
            self._show(self._snippets[row])

    @Slot()
    def _on_save(self) -> None:
        name = self.name_edit.text().strip()
        self.save_requested.emit(replace(self._shown, name=name, text=self.text_edit.toPlainText()))

    @Slot()
    def _on_delete(self) -> None:
        self.delete_requested.emit(self._shown.id)
