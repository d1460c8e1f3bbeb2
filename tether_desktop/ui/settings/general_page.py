"""The settings' first page: the language, what a question is sent with, and the window among other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tether_desktop.ui.settings.key_editor import KeyEditor
from tether_desktop.ui.settings.settings_page import SettingsPage, section
from tether_desktop.ui.system.key_words import read_keys

if TYPE_CHECKING:
    from tether_desktop.settings import Settings


class GeneralPage(SettingsPage):
    """What belongs to no other page."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("General")
        plain, others = self.facts.groups
        self.add_fields(settings, plain.rows)
        self.column.addWidget(section(self.tr("Among other programs")))
        self.add_fields(settings, [name for name in others.rows if name != "quick_window"])
        keys = KeyEditor(lambda keys: "" if read_keys(keys) else self._no_keys())
        self.column.addWidget(self.make_field(settings, "quick_window", keys))
        self.column.addStretch(1)

    def _no_keys(self) -> str:
        return self.tr("Hold Ctrl, Alt or the Windows key with one other key.")
