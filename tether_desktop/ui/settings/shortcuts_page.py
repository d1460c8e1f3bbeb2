"""The settings' page of keys: every command, what it is done with, and other keys for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout

from tether_desktop.ui.commands import COMMANDS, Command, read_shortcuts, write_shortcuts
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.settings_page import SettingsPage
from tether_desktop.ui.settings.shortcut_row import ShortcutRow

if TYPE_CHECKING:
    from tether_desktop.settings import Settings

_ENV = "TETHER_SHORTCUTS"
_NARROW = 40
"""Characters of the page's width, below which keys stand below their commands."""


class ShortcutsPage(SettingsPage):
    """All commands.

    Attributes:
        rows: by the commands' names.
        reset_button: gives all commands their own keys again.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__("Shortcuts")
        self._changed: dict[str, str] = {}
        self.rows = {command.name: ShortcutRow(command) for command in COMMANDS}
        self.reset_button = ThemedButton(self.tr("Reset all"), "rotate-ccw")
        self.reset_button.setAutoDefault(False)
        self.reset_button.clicked.connect(self._on_reset_all)
        self._lay_out()
        for row in self.rows.values():
            row.keys_chosen.connect(self._on_keys)
            row.keys_taken.connect(self._on_taken)
            row.reset_requested.connect(self._on_reset)
            row.setEnabled(not os.environ.get(_ENV))
        self.show_settings(settings)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Put keys below their commands where the page is narrow."""
        super().resizeEvent(event)
        for row in self.rows.values():
            row.set_narrow(narrow=self.is_narrow(_NARROW))

    def show_settings(self, settings: Settings) -> None:
        """Show the keys that hold now."""
        super().show_settings(settings)
        self._changed = read_shortcuts(settings.shortcuts)
        for row in self.rows.values():
            row.show_keys(self._keys(row.command))
        self.reset_button.setEnabled(bool(self._changed) and not os.environ.get(_ENV))

    def go_to(self, row: str) -> None:
        """Give the keyboard to the first command."""
        super().go_to(row)
        self.rows[COMMANDS[0].name].keys.setFocus()

    def _keys(self, command: Command) -> str:
        return self._changed.get(command.name, command.keys)

    def _lay_out(self) -> None:
        note = self.tr("Press a button and then the new keys. Backspace takes the keys away, Esc leaves them.")
        if os.environ.get(_ENV):
            note = self.tr("Set by the environment variable {name}.").format(name=_ENV)
        top = QHBoxLayout()
        top.setSpacing(spacing.MEDIUM)
        top.addWidget(plain_label("muted", note), 1)
        top.addWidget(self.reset_button)
        self.column.addLayout(top)
        self.column.setSpacing(spacing.SMALL)
        for row in self.rows.values():
            self.column.addWidget(row)
        self.column.addStretch(1)

    @Slot(str, str)
    def _on_keys(self, name: str, keys: str) -> None:
        other = self._owner(name, keys)
        if other is None:
            self._save({name: keys})
        else:
            self.rows[name].show_conflict(keys, other)

    @Slot(str, str)
    def _on_taken(self, name: str, keys: str) -> None:
        other = self._owner(name, keys)
        self._save({name: keys} | ({other.name: ""} if other else {}))

    def _owner(self, name: str, keys: str) -> Command | None:
        """The other command that has the keys."""
        return next((each for each in COMMANDS if keys and each.name != name and self._keys(each) == keys), None)

    @Slot(str)
    def _on_reset(self, name: str) -> None:
        self._on_keys(name, self.rows[name].command.keys)

    @Slot()
    def _on_reset_all(self) -> None:
        self.setting_changed.emit("shortcuts", None)

    def _save(self, changes: dict[str, str]) -> None:
        own = {command.name: command.keys for command in COMMANDS}
        # Known at once, so that what is changed next is changed in these.
        self._changed = {name: keys for name, keys in (self._changed | changes).items() if keys != own[name]}
        self.setting_changed.emit("shortcuts", write_shortcuts(self._changed) or None)
