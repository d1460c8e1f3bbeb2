"""The settings: pages beside a list of their names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QListWidget, QStackedWidget, QVBoxLayout, QWidget

from tether_desktop import __version__
from tether_desktop.ui.look.theme import ThemeChoice
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.port.port_page import PortPage
from tether_desktop.ui.settings.general_page import GeneralPage
from tether_desktop.ui.settings.settings_page import SettingsPage
from tether_desktop.ui.tools.servers_page import ServersPage
from tether_desktop.ui.tools.tools_page import ToolsPage

if TYPE_CHECKING:
    from tether_desktop.errors import TetherError
    from tether_desktop.settings import Settings
    from tether_desktop.ui.tools.tool_facts import ToolsSnapshot

PAGES = ("General", "Tools", "MCP servers", "Local port")
_SIZE = (880, 640)
_FRAME = 56
"""What the frames of windows take, so that the dialog fits on a small screen with them."""


class SettingsDialog(QDialog):
    """Shows one page at a time.

    Attributes:
        general, tools, servers, port: the pages.

    Signals:
        theme_chosen(choice): "system", "light" or "dark".
        setting_changed(name, value): a row of the settings table got another value.
    """

    theme_chosen = Signal(str)
    setting_changed = Signal(str, str)

    def __init__(
        self,
        theme: ThemeChoice,
        folders: dict[str, Path],
        settings: Settings | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """Show the theme that is on, folders by what they hold, and the settings once they are known."""
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.general = GeneralPage(theme, folders, settings)
        self.tools = ToolsPage(settings)
        self.servers = ServersPage()
        self.port = PortPage(settings)
        self._pages = QStackedWidget()
        self._names = QListWidget()
        self._names.setAccessibleName("Pages of the settings")
        self._names.setFixedWidth(160)
        self._names.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for name, page in zip(PAGES, self._all(), strict=True):
            self._names.addItem(name)
            self._pages.addWidget(page)
            page.setting_changed.connect(self.setting_changed)
        self._names.currentRowChanged.connect(self._pages.setCurrentIndex)
        self.general.theme_chosen.connect(self.theme_chosen)
        self._lay_out()
        self.show_page("General")

    def show_page(self, name: str) -> None:
        """Turn to a page; ``name`` is one of PAGES."""
        self._names.setCurrentRow(PAGES.index(name))

    def show_tools(self, tools: ToolsSnapshot) -> None:
        """Show what is known of the tools."""
        self.tools.show_tools(tools)
        self.servers.show_servers(tools)

    def show_settings(self, settings: Settings) -> None:
        """Show the values that hold now."""
        for page in self._all():
            page.show_settings(settings)

    def show_error(self, error: TetherError) -> None:
        """Tell what went wrong, on the page that is shown."""
        shown = self._pages.currentWidget()
        if isinstance(shown, SettingsPage):
            shown.show_error(error)

    def _all(self) -> tuple[GeneralPage, ToolsPage, ServersPage, PortPage]:
        return self.general, self.tools, self.servers, self.port

    def _lay_out(self) -> None:
        version = QLabel(f"Tether {__version__}. Nothing leaves this computer unless you say so.")
        version.setProperty("kind", "small")
        close = ThemedButton("Close")
        close.setAutoDefault(False)
        close.clicked.connect(self.accept)
        bottom = QHBoxLayout()
        bottom.addWidget(version, 1)
        bottom.addWidget(close)
        middle = QHBoxLayout()
        middle.setSpacing(22)
        middle.addWidget(self._names)
        middle.addWidget(self._pages, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(14)
        layout.addLayout(middle, 1)
        layout.addLayout(bottom)
        room = self.screen().availableSize()
        self.resize(min(_SIZE[0], room.width() - 24), min(_SIZE[1], room.height() - _FRAME))
