"""The form of one persona: its name, its model, what it is told, and how it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFormLayout, QFrame, QHBoxLayout, QLineEdit, QVBoxLayout

from tether_desktop.context.records import Persona
from tether_desktop.ui.composer.override_field import OverrideField
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.setting_editors import ChoiceEditor

if TYPE_CHECKING:
    from tether_desktop.errors import TetherError
    from tether_desktop.settings import Settings

_LONGEST_NAME = 60


class PersonaForm(QFrame):
    """Shows one persona at a time; it is kept when the person says so.

    Attributes:
        name, model: what it is called, and who answers.
        fields: values of settings, by their names.

    Signals:
        save_requested(Persona): keep it.
        closed(): without keeping it.
    """

    save_requested = Signal(object)
    closed = Signal()

    def __init__(self, settings: Settings, persona: Persona, models: Sequence[str]) -> None:
        from tether_desktop.settings import CONVERSATION_SETTINGS, setting_rows

        super().__init__()
        self.setProperty("kind", "card")
        self._persona = persona
        rows = {row.name: row for row in setting_rows()}
        own = persona.overrides
        self.name = QLineEdit(persona.name)
        self.name.setMaxLength(_LONGEST_NAME)
        self.name.setAccessibleName(self.tr("Name"))
        self.name.setPlaceholderText(self.tr("Proofreader"))
        self.model = ChoiceEditor([("", self.tr("The chat's own")), *((name, name) for name in models)])
        self.model.setAccessibleName(self.tr("Model"))
        self.model.show_value(persona.model)
        self.fields = {name: OverrideField(rows[name], settings, own.get(name)) for name in CONVERSATION_SETTINGS}
        self.problem = plain_label("danger_text")
        self.problem.hide()
        self.save_button = ThemedButton(self.tr("Save"), kind="primary")
        self.cancel_button = ThemedButton(self.tr("Cancel"))
        self._lay_out()
        self.name.textChanged.connect(self._refresh)
        self.name.returnPressed.connect(self._on_save)
        self.save_button.clicked.connect(self._on_save)
        self.cancel_button.clicked.connect(self.closed)
        self._refresh()

    def explain(self, error: TetherError) -> None:
        """Say why it was not kept."""
        self.problem.setText(f"{error.message} {error.hint}".strip())
        self.problem.show()
        self.name.setAccessibleDescription(self.problem.text())
        self.name.setFocus()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(spacing.LARGE)
        form.setVerticalSpacing(spacing.SMALL)
        form.addRow(self.tr("Name"), self.name)
        form.addRow(self.tr("Model"), self.model)
        bottom = QHBoxLayout()
        bottom.setSpacing(spacing.SMALL)
        bottom.addStretch(1)
        for button in (self.cancel_button, self.save_button):
            button.setAutoDefault(False)
            bottom.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.LARGE, spacing.LARGE, spacing.LARGE)
        layout.setSpacing(spacing.MEDIUM)
        layout.addLayout(form)
        layout.addWidget(self.problem)
        for field in self.fields.values():
            layout.addWidget(field)
        layout.addLayout(bottom)

    @Slot()
    def _refresh(self) -> None:
        self.save_button.setEnabled(bool(self.name.text().strip()))

    @Slot()
    def _on_save(self) -> None:
        if not self.save_button.isEnabled():
            return
        own = {name: field.own for name, field in self.fields.items() if field.own is not None}
        model = str(self.model.currentData() or "")
        self.save_requested.emit(Persona(self._persona.id, self.name.text().strip(), own, model))
