"""A persona in the settings: who it is, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from tether_desktop.context.records import Persona
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.translation import counted, translate

_SHOWN = 160


class PersonaCard(QFrame):
    """One persona.

    Attributes:
        buttons: by what they do: edit, duplicate, delete.

    Signals:
        asked(action, Persona): as it is shown; deleting after a second press.
    """

    asked = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "well")
        self._persona = Persona("", "")
        self._deleting = False
        self.title = plain_label("strong")
        self.about = plain_label("small")
        self.buttons = {
            "edit": ThemedButton(self.tr("Edit"), "pencil", kind="answer"),
            "duplicate": ThemedButton(self.tr("Duplicate"), "copy", kind="answer"),
            "delete": ThemedButton(self.tr("Delete"), "trash-2", kind="answer"),
        }
        self._lay_out()
        for action, button in self.buttons.items():
            button.clicked.connect(lambda _=False, wanted=action: self._on_action(wanted))

    def show_persona(self, persona: Persona) -> None:
        """Show who it is."""
        self._persona = persona
        name = visible(persona.name)
        self.title.setText(name)
        self.about.setText(summary(persona))
        self.setAccessibleName(self.tr("Persona {name}").format(name=name))
        for button in self.buttons.values():
            button.setAccessibleName(f"{button.text()}: {name}")

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(spacing.NEAR)
        for button in self.buttons.values():
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.LARGE, spacing.MEDIUM)
        layout.setSpacing(spacing.TIGHT)
        layout.addWidget(self.title)
        layout.addWidget(self.about)
        layout.addSpacing(spacing.TIGHT)
        layout.addLayout(row)

    def _on_action(self, action: str) -> None:
        if action == "delete" and not self._deleting:
            self._deleting = True
            button = self.buttons["delete"]
            button.setText(self.tr("Really delete"))
            button.setAccessibleName(f"{button.text()}: {self.title.text()}")
            button.set_icon("trash-2", "danger")
            return
        self.asked.emit(action, self._persona)


def summary(persona: Persona) -> str:
    """Who answers, what it is told, and how many values it has of its own, in a few words."""
    told = " ".join(visible(str(persona.overrides.get("system_prompt", ""))).split())
    others = len(persona.overrides.keys() - {"system_prompt"})
    parts = (
        persona.model,
        f"“{told[:_SHOWN]}…”" if len(told) > _SHOWN else f"“{told}”" if told else "",
        counted("PersonaCard", "%n value(s) of its own", others) if others else "",
    )
    return " · ".join(filter(None, parts)) or translate("PersonaCard", "As the settings say")
