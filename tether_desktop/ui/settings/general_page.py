"""The settings' first page: the look, how models answer, and where things are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QButtonGroup, QFormLayout, QHBoxLayout, QLabel

from tether_desktop.ui.look.theme import ThemeChoice
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.settings_page import SettingsPage, section

if TYPE_CHECKING:
    from tether_desktop.settings import Settings

ANSWERS = ("system_prompt", "temperature", "max_tokens", "thinking", "thinking_limit", "history_summary")
_THEMES: tuple[tuple[ThemeChoice, str, str], ...] = (
    ("system", "System", "monitor"),
    ("light", "Light", "sun"),
    ("dark", "Dark", "moon"),
)


class GeneralPage(SettingsPage):
    """Theme, answers and folders.

    Attributes:
        theme_buttons: by what they choose.

    Signals:
        theme_chosen(choice): "system", "light" or "dark".
    """

    theme_chosen = Signal(str)

    def __init__(self, theme: ThemeChoice, folders: dict[str, Path], settings: Settings | None = None) -> None:
        super().__init__("General")
        self.theme_buttons: dict[ThemeChoice, ThemedButton] = {}
        look = _form()
        look.addRow(_caption("Theme"), self._make_themes(theme))
        self.column.addLayout(look)
        if settings is not None:
            self.column.addWidget(section("Answers"))
            self.column.addLayout(self.make_form(settings, ANSWERS))
        self.column.addWidget(section("Folders"))
        places = _form()
        for name, folder in folders.items():
            places.addRow(_caption(name), _folder(name, folder))
        self.column.addLayout(places)
        self.column.addStretch(1)

    def _make_themes(self, theme: ThemeChoice) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        group = QButtonGroup(self)
        for choice, text, name in _THEMES:
            button = ThemedButton(text, name)
            button.setAutoDefault(False)
            button.setCheckable(True)
            button.setChecked(choice == theme)
            button.clicked.connect(lambda _checked=False, chosen=choice: self.theme_chosen.emit(chosen))
            group.addButton(button)
            self.theme_buttons[choice] = button
            row.addWidget(button)
        row.addStretch(1)
        return row


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setHorizontalSpacing(20)
    form.setVerticalSpacing(10)
    return form


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setMinimumWidth(130)
    label.setContentsMargins(0, 6, 0, 0)
    return label


def _folder(name: str, folder: Path) -> QHBoxLayout:
    button = ThemedButton("Open", "folder-open", kind="ghost")
    button.setAutoDefault(False)
    button.setAccessibleName(f"Open the folder: {name}")
    button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
    row = QHBoxLayout()
    row.addWidget(plain_label("muted", str(folder)), 1)
    row.addWidget(button)
    return row
