"""Asks what a prompt of an MCP server wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.tools.tool_facts import ServerPrompt

if TYPE_CHECKING:
    from tether_desktop.tools.mcp.states import McpPrompt

_WIDTH = 440


class PromptDialog(QDialog):
    """One field for each argument; it is accepted once all that are needed have something in them."""

    def __init__(self, found: ServerPrompt, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        prompt = found.prompt
        self.setWindowTitle(visible(prompt.title or prompt.name))
        self.setMinimumWidth(_WIDTH)
        self.fields = {argument.name: QLineEdit() for argument in prompt.arguments}
        self._needed = [argument.name for argument in prompt.arguments if argument.required]
        self.insert_button = ThemedButton(self.tr("Insert"), "plus")
        self.insert_button.setDefault(True)
        self.insert_button.clicked.connect(self.accept)
        self.cancel_button = ThemedButton(self.tr("Cancel"))
        self.cancel_button.setAutoDefault(False)
        self.cancel_button.clicked.connect(self.reject)
        self._lay_out(found)
        self._on_changed()

    def _form(self, prompt: McpPrompt) -> QFormLayout:
        form = QFormLayout()
        form.setVerticalSpacing(spacing.SMALL)
        for argument in prompt.arguments:
            field = self.fields[argument.name]
            name = visible(argument.name)
            field.setAccessibleName(name)
            field.setAccessibleDescription(visible(argument.description))
            field.setPlaceholderText(visible(argument.description)[:100])
            field.textChanged.connect(self._on_changed)
            form.addRow(
                QLabel(
                    name if argument.required else self.tr("{name} (optional)").format(name=name),
                    textFormat=Qt.TextFormat.PlainText,
                ),
                field,
            )
        return form

    def _lay_out(self, found: ServerPrompt) -> None:
        prompt = found.prompt
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.insert_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing.WIDE, spacing.LARGE, spacing.WIDE, spacing.LARGE)
        column.setSpacing(spacing.MEDIUM)
        column.addWidget(plain_label("title", visible(prompt.title or prompt.name)))
        about = f"{visible(prompt.description)[:400]}\n" if prompt.description else ""
        column.addWidget(plain_label("muted", about + self._origin(found)))
        column.addLayout(self._form(prompt))
        column.addLayout(buttons)

    def _origin(self, found: ServerPrompt) -> str:
        return self.tr("From the MCP server {server}.").format(server=visible(found.server))

    def arguments(self) -> dict[str, str]:
        """What was typed, by argument; empty fields are left out."""
        return {name: field.text() for name, field in self.fields.items() if field.text().strip()}

    @Slot()
    def _on_changed(self) -> None:
        self.insert_button.setEnabled(all(self.fields[name].text().strip() for name in self._needed))
