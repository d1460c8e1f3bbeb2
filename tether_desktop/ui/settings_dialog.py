"""A small dialog: the theme, and where things are kept."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QButtonGroup, QDialog, QFormLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop import __version__
from tether_desktop.ui.theme import ThemeChoice
from tether_desktop.ui.themed_button import ThemedButton

_THEMES: tuple[tuple[ThemeChoice, str, str], ...] = (
    ("system", "System", "monitor"),
    ("light", "Light", "sun"),
    ("dark", "Dark", "moon"),
)


class SettingsDialog(QDialog):
    """The settings that exist so far.

    Signals:
        theme_chosen(choice): "system", "light" or "dark".
    """

    theme_chosen = Signal(str)

    def __init__(self, theme: ThemeChoice, folders: dict[str, Path], parent: QWidget | None = None) -> None:
        """Show the theme that is on, and folders by what they hold."""
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setMinimumWidth(520)
        self.theme_buttons: dict[ThemeChoice, ThemedButton] = {}
        form = QFormLayout()
        form.setHorizontalSpacing(20)
        form.setVerticalSpacing(12)
        form.addRow("Theme", self._make_themes(theme))
        for name, folder in folders.items():
            form.addRow(name, self._make_folder(name, folder))
        version = QLabel(f"Tether {__version__}. Nothing leaves this computer.")
        version.setProperty("kind", "small")
        close = ThemedButton("Close")
        close.clicked.connect(self.accept)
        bottom = QHBoxLayout()
        bottom.addWidget(version, 1)
        bottom.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 22, 24, 18)
        layout.setSpacing(20)
        layout.addLayout(form)
        layout.addLayout(bottom)
        self.theme_buttons[theme].setFocus()

    def _make_themes(self, theme: ThemeChoice) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        group = QButtonGroup(self)
        for choice, text, name in _THEMES:
            button = ThemedButton(text, name)
            button.setCheckable(True)
            button.setChecked(choice == theme)
            button.clicked.connect(lambda _checked=False, chosen=choice: self.theme_chosen.emit(chosen))
            group.addButton(button)
            self.theme_buttons[choice] = button
            row.addWidget(button)
        row.addStretch(1)
        return row

    @staticmethod
    def _make_folder(name: str, folder: Path) -> QHBoxLayout:
        path = QLabel(str(folder))
        path.setWordWrap(True)
        path.setProperty("kind", "muted")
        button = ThemedButton("Open", "folder-open", kind="ghost")
        button.setAccessibleName(f"Open the folder: {name}")
        button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
        row = QHBoxLayout()
        row.addWidget(path, 1)
        row.addWidget(button)
        return row
