"""The settings' page of personas: whoever the model can be in a chat."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout

from tether_desktop.context.records import Persona
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.keyed_rows import KeyedRows
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.persona_card import PersonaCard
from tether_desktop.ui.settings.persona_form import PersonaForm
from tether_desktop.ui.settings.settings_page import SettingsPage

if TYPE_CHECKING:
    from tether_desktop.errors import TetherError
    from tether_desktop.settings import Settings


class PersonasPage(SettingsPage):
    """The personas, and the form of the one that is added or changed.

    Attributes:
        form: while one is open.

    Signals:
        save_requested(Persona): keep it; a new one where its id is empty.
        delete_requested(Persona): forget it.
    """

    save_requested = Signal(object)
    delete_requested = Signal(object)

    def __init__(self, settings: Settings) -> None:
        super().__init__("Personas")
        self._settings = settings
        self._models: tuple[str, ...] = ()
        self.form: PersonaForm | None = None
        self._cards: KeyedRows[PersonaCard] = KeyedRows(self._make_card, gap=spacing.SMALL)
        self._none = plain_label("muted", self.tr("There are none yet."))
        self.add_button = ThemedButton(self.tr("Add a persona…"), "plus")
        self.add_button.setAutoDefault(False)
        self.add_button.clicked.connect(self._on_add)
        self.column.addWidget(plain_label("muted", self._what_they_are()))
        self.column.addLayout(_beginning(self.add_button))
        self._form_place = self.column.count()
        self.column.addWidget(self._none)
        self.column.addLayout(self._cards.layout)
        self.column.addStretch(1)

    @property
    def cards(self) -> dict[Hashable, PersonaCard]:
        """The cards by the personas' ids."""
        return self._cards.rows

    def show_personas(self, personas: Sequence[Persona]) -> None:
        """Show those that there are."""
        self._cards.show(persona.id for persona in personas)
        for persona in personas:
            self._cards.rows[persona.id].show_persona(persona)
        self._none.setVisible(not personas)

    def show_models(self, names: Sequence[str]) -> None:
        """Offer these models in the form."""
        self._models = tuple(names)

    def show_settings(self, settings: Settings) -> None:
        """Let these hold where a persona has no value of its own."""
        super().show_settings(settings)
        self._settings = settings

    def edit(self, persona: Persona) -> None:
        """Show the form of a persona, a new one where its id is empty."""
        self.close_form()
        self.form = PersonaForm(self._settings, persona, self._models)
        self.form.save_requested.connect(self.save_requested)
        self.form.closed.connect(self.close_form)
        self.column.insertWidget(self._form_place, self.form)
        self.banner.hide()
        self.form.name.setFocus()

    def show_error(self, error: TetherError) -> None:
        """Tell what went wrong, in the form while there is one."""
        if self.form is not None:
            self.form.explain(error)
        else:
            super().show_error(error)

    @Slot()
    def close_form(self) -> None:
        """Put the form away."""
        if self.form is not None:
            self.form.hide()
            self.form.deleteLater()
            self.add_button.setFocus()
        self.form = None

    def _what_they_are(self) -> str:
        return self.tr(
            "A persona is a name for a model, a system prompt and other values. Choose one in a chat, beside the field "
            "where you write."
        )

    def _make_card(self, _id: Hashable) -> PersonaCard:
        card = PersonaCard()
        card.asked.connect(self._on_asked)
        return card

    @Slot()
    def _on_add(self) -> None:
        self.edit(Persona("", ""))

    @Slot(str, object)
    def _on_asked(self, action: str, persona: Persona) -> None:
        match action:
            case "edit":
                self.edit(persona)
            case "duplicate":
                name = self.tr("{name} (copy)").format(name=persona.name)
                self.edit(replace(persona, id="", name=name))
            case "delete":
                self.delete_requested.emit(persona)


def _beginning(button: ThemedButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(button)
    row.addStretch(1)
    return row
