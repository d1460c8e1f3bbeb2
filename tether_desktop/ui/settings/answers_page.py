"""The settings' page of models and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.page_table import page_words
from tether_desktop.ui.settings.setting_editors import ChoiceEditor
from tether_desktop.ui.settings.setting_words import RELOADS
from tether_desktop.ui.settings.settings_page import SettingsPage, section

if TYPE_CHECKING:
    from tether_desktop.settings import Settings


class AnswersPage(SettingsPage):
    """Which model answers, what it is told first, how it chooses words, and what it may take of the computer.

    Attributes:
        model: the models there are.
        reload_card: shown once something was changed that models take when they are loaded.

    Signals:
        reload_requested(): load again what is loaded.
    """

    reload_requested = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__("Models and answers")
        self.model = ChoiceEditor([("", self.tr("The one used last"))])
        self.reload_card = self._make_card()
        for group in self.facts.groups:
            if group.heading:
                self.column.addWidget(section(page_words(group.heading)))
            if "threads" in group.rows:
                self.column.addWidget(self.reload_card)
            for name in group.rows:
                editor = self.model if name == "default_model" else None
                self.column.addWidget(self.make_field(settings, name, editor))
        self.column.addStretch(1)
        self._loaded_with = self._holding = _taken_at_load(settings)

    def show_settings(self, settings: Settings) -> None:
        """Show the values that hold now."""
        super().show_settings(settings)
        self._holding = _taken_at_load(settings)
        self.reload_card.setVisible(self._holding != self._loaded_with)

    def show_models(self, names: Sequence[str]) -> None:
        """Offer these models."""
        chosen = str(self.model.currentData() or "")
        self.model.offer([("", self.tr("The one used last")), *((name, name) for name in names)])
        self.model.show_value(chosen)

    def _make_card(self) -> QFrame:
        card = QFrame()
        card.setProperty("kind", "notice")
        self._words = plain_label("", self.tr("What is loaded now still has the values from before."))
        self.reload_button = ThemedButton(self.tr("Load again"), "refresh-cw", kind="answer")
        self.reload_button.setAutoDefault(False)
        self.reload_button.clicked.connect(self._on_reload)
        row = QHBoxLayout(card)
        row.setContentsMargins(spacing.LARGE, spacing.SMALL, spacing.SMALL, spacing.SMALL)
        row.addWidget(self._words, 1)
        row.addWidget(self.reload_button)
        card.hide()
        return card

    @Slot()
    def _on_reload(self) -> None:
        self._loaded_with = self._holding
        self.reload_card.hide()
        self.reload_requested.emit()


def _taken_at_load(settings: Settings) -> tuple[object, ...]:
    return tuple(getattr(settings, name) for name in sorted(RELOADS))
