"""One row of the settings table as a field of a form."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, get_args

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from tether_desktop.ui.models.install_view import plain_label

if TYPE_CHECKING:
    from tether_desktop.settings import SettingRow, Settings


class SettingField(QWidget):
    """A choice or a line of text, with what it does below.

    Attributes:
        editor: where the value is changed.

    Signals:
        changed(name, value): the person gave it another value.
    """

    changed = Signal(str, str)

    def __init__(self, row: SettingRow, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = row
        self._choices: tuple[str, ...] = get_args(type(settings).model_fields[row.name].annotation)
        self.editor: QComboBox | QLineEdit = QComboBox() if self._choices else QLineEdit()
        self._value = ""
        self._configure()
        self.show_value(getattr(settings, row.name))
        if isinstance(self.editor, QComboBox):
            self.editor.activated.connect(self._on_edited)
        else:
            self.editor.editingFinished.connect(self._on_edited)

    def show_value(self, value: Any) -> None:
        """Show the value that holds now."""
        self._value = f"{value:g}" if isinstance(value, float) else str(value)
        if isinstance(self.editor, QComboBox):
            self.editor.setCurrentIndex(max(0, self.editor.findData(self._value)))
        else:
            self.editor.setText(self._value)
            self.editor.setCursorPosition(0)

    def _configure(self) -> None:
        if isinstance(self.editor, QComboBox):
            for choice in self._choices:
                self.editor.addItem(choice.capitalize(), choice)
        self.editor.setAccessibleName(self._row.title)
        self.editor.setAccessibleDescription(self._row.description)
        self.editor.setMaximumWidth(460)
        note = plain_label("small", self._note())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.editor)
        layout.addWidget(note)

    def _note(self) -> str:
        """What it does, or why it cannot be changed here."""
        if os.environ.get(self._row.env):
            self.editor.setEnabled(False)
            return f"{self._row.description} Set by the environment variable {self._row.env}."
        return self._row.description

    @Slot()
    def _on_edited(self) -> None:
        chosen = self.editor.currentData() if isinstance(self.editor, QComboBox) else self.editor.text().strip()
        if chosen != self._value:
            self.changed.emit(self._row.name, str(chosen))
